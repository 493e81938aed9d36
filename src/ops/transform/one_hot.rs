//! `one_hot`: a bool column for each category.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Selector, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, MEMBER, Op, Page, Serving, Unknown, categories, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// Which category gets no column.
#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Without {
    /// The first in order, so that the others aren't collinear.
    First,
}

/// The argument of `one_hot`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// At most so many categories a column, the most frequent ones; others have all columns false.
    max: Option<usize>,
    /// What happens to a category that the training rows didn't have.
    #[serde(default)]
    unknown: Unknown,
    /// Leave out the first category.
    drop: Option<Without>,
}

/// The checked form.
#[derive(Serialize)]
pub struct OneHot {
    columns: Selector,
    max: Option<usize>,
    unknown: Unknown,
    drop: Option<Without>,
}

/// What one column's categories are.
#[derive(Serialize, Deserialize)]
pub struct Categories {
    /// The ones that get a column, in order.
    shown: Vec<Value>,
    /// All that the training rows had, when others are refused.
    known: Vec<Value>,
}

impl Op for OneHot {
    const NAME: &'static str = "one_hot";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes a bool column for each category (`island_Biscoe`), in place of the column. A missing value has none.",
        learns: "the categories",
        serving: Serving::Same,
        example: "one_hot: {columns: [island], max: 20, unknown: ignore, drop: first}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = BTreeMap<String, Categories>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if params.max == Some(0) {
            let fault = Fault::new("out-of-range", "`max` must be at least 1");
            return Err(vec![fault.within("max")]);
        }
        Ok(Self { columns: params.columns, max: params.max, unknown: params.unknown, drop: params.drop })
    }

    fn shape(&self, input: &Shape, fitted: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        let columns = categories(&self.columns, input, faults);
        columns.iter().for_each(|column| shape.remove(column));
        for column in &columns {
            match fitted {
                Some(fitted) => {
                    for value in fitted.get(column).into_iter().flat_map(|found| &found.shown) {
                        shape.set(&format!("{column}_{value}"), Kind::Bool);
                    }
                }
                None => shape.open(&format!("{column}_"), Kind::Bool),
            }
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.select(input).unwrap_or_default().into_iter();
        let member = || Categories { shown: vec![Value::str(MEMBER)], known: Vec::new() };
        columns.map(|column| (column, member())).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for column in self.columns.resolve(&table.shape)? {
            let counts = stats::value_counts(table.training_column(&column)?);
            let mut known: Vec<Value> = counts.into_iter().map(|(value, _)| value).collect();
            let mut shown = known.clone();
            shown.truncate(self.max.unwrap_or(usize::MAX));
            stats::sort(&mut shown);
            stats::sort(&mut known);
            if self.drop == Some(Without::First) && !shown.is_empty() {
                shown.remove(0);
            }
            if self.unknown == Unknown::Ignore {
                known.clear();
            }
            for value in &shown {
                let name = format!("{column}_{value}");
                let others = fitted.iter().flat_map(|(other, found): (&String, &Categories)| {
                    found.shown.iter().map(move |value| format!("{other}_{value}"))
                });
                if table.shape.known(&name).is_some() || others.into_iter().any(|other| other == name) {
                    return Err(taken(&name).within("columns"));
                }
            }
            fitted.insert(column, Categories { shown, known });
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        let mut sets = Vec::new();
        for (column, categories) in fitted {
            let kind = input.expect(column)?;
            let value = Expr::column(column, kind);
            if self.unknown == Unknown::Refuse {
                let stranger = value.clone().is_null().not().and(value.clone().is_in(&categories.known).not());
                let reason = format!("`{column}` is of a category that the model hasn't met");
                steps.push(RowStep::refuse(stranger, reason, Some(column)));
            }
            for category in &categories.shown {
                let is = match category.clone().coerced(kind) {
                    Some(category) => value.clone().equals(Expr::literal(category)),
                    // A placeholder, which only has to tell that the column is read.
                    None => value.clone().is_null(),
                };
                let name = format!("{column}_{category}");
                sets.push((name, is.or_else(Expr::literal(Value::Bool(false)))));
            }
        }
        let names: Vec<String> = self.shape(input, Some(fitted), &mut Vec::new()).names().map(str::to_owned).collect();
        steps.push(RowStep::set(sets));
        steps.push(RowStep::keep(names));
        Ok(steps)
    }
}
