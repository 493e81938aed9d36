//! `pca`: the directions in which rows differ most.

mod axes;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::axes::Axes;
use crate::data::{Kind, Part, Selector, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, apply_to_table, taken};
use crate::recipe::{Map, Mapped, RowStep, first_where};
use crate::source::Fault;

/// The argument of `pca`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pca {
    /// The columns: numbers or truths, with a value in every row.
    columns: Selector,
    /// How many components there are to be; as many as there can be, if neither this nor `variance` is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<usize>,
    /// As few components as explain more than this share of the variance.
    #[serde(skip_serializing_if = "Option::is_none")]
    variance: Option<f64>,
    /// Give each component a variance of 1.
    #[serde(default)]
    whiten: bool,
    /// What the new columns' names begin with.
    #[serde(rename = "as", default = "prefix")]
    prefix: String,
}

fn prefix() -> String {
    "pca".to_owned()
}

impl Op for Pca {
    const NAME: &'static str = "pca";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts principal components (`pca_1` …) in the place of columns: the directions in which the train rows differ most, each at a right angle to the others, as scikit-learn's `PCA`. In each component the largest weight is positive. Columns of different units should be brought to one scale before, by `standardize`. A missing value is an error in a table, and refuses a request.",
        learns: "means and axes",
        serving: Serving::Same,
        example: "pca: {columns: [wt, height, bill_length_mm], components: 2}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Pca;
    type Fitted = Axes;

    fn check(params: Pca, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        if params.components == Some(0) {
            faults.push(Fault::new("out-of-range", "`components` is at least 1, and this is 0").within("components"));
        }
        if let Some(share) = params.variance.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            let message = format!("{share} isn't a share of the variance: write a number between 0 and 1");
            faults.push(Fault::new("out-of-range", message).within("variance"));
        }
        if params.components.is_some() && params.variance.is_some() {
            let fault = Fault::new("bad-pca", "`components` and `variance` don't go together");
            faults.push(fault.on_key().within("variance"));
        }
        if params.prefix.is_empty() || params.prefix.starts_with("__") {
            faults.push(Fault::new("bad-name", "names can't be empty or begin with `__`").within("as"));
        }
        if faults.is_empty() { Ok(params) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, fitted: Option<&Axes>, faults: &mut Vec<Fault>) -> Shape {
        let columns = match self.columns.select(input) {
            Ok(columns) => columns,
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| fault.within("columns")));
                return input.clone();
            }
        };
        let mut shape = input.clone();
        for column in &columns {
            if let Some(kind) = input.kind(column).filter(|kind| !(kind.is_numeric() || *kind == Kind::Bool)) {
                let fault = Fault::new("wrong-type", format!("`{column}` is {kind}: only numbers have components"));
                faults.push(self.columns.blame(column, fault).within("columns"));
            }
            shape.remove(column);
        }
        // Columns that only the data will tell may be among them.
        let most = if input.families.is_empty() { columns.len() } else { usize::MAX };
        if let Some(count) = self.components.filter(|count| *count > most) {
            let message = format!("{most} columns have at most {most} components, and {count} are asked for");
            faults.push(Fault::new("out-of-range", message).within("components"));
            return shape;
        }
        match fitted.map(Axes::count).or(self.components) {
            Some(count) => {
                for name in (1..=count).map(|nth| self.name(nth)) {
                    if shape.known(&name).is_some() {
                        faults.push(taken(&name).within("as"));
                    }
                    shape.set(&name, Kind::Float);
                }
            }
            None => shape.open(&format!("{}_", self.prefix), Kind::Float),
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Axes {
        let columns = self.columns.select(input).unwrap_or_default();
        let count = self.components.map(|count| count.min(columns.len()));
        Axes::placeholder(columns, count)
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Axes, Fault> {
        let columns = self.columns.resolve(&table.shape)?;
        self.all_present(&columns, table, Part::trains)?;
        Axes::of(columns, table, (self.components, self.variance), self.whiten)
    }

    fn lower(&self, fitted: &Axes, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        for column in &fitted.columns {
            let missing = Expr::column(column, input.expect(column)?).is_null();
            steps.push(RowStep::refuse(missing, format!("`{column}` has no value"), Some(column)));
        }
        let weights = fitted.weights.iter().zip(1..);
        let outputs = weights.map(|(weights, nth)| Mapped { name: self.name(nth), weights: weights.clone() }).collect();
        let map = Map::new(fitted.columns.clone(), fitted.means.clone(), outputs)
            .map_err(|why| Fault::new("fitted-state", format!("what `pca` learned is {why}")))?;
        let names = self.shape(input, Some(fitted), &mut Vec::new()).names().map(str::to_owned).collect();
        steps.extend([RowStep::Map(map), RowStep::keep(names)]);
        Ok(steps)
    }

    fn table(&self, fitted: &Axes, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        self.all_present(&fitted.columns, &table, |_| true)?;
        apply_to_table(self, fitted, table, cx)
    }
}

impl Pca {
    fn name(&self, nth: usize) -> String {
        format!("{}_{nth}", self.prefix)
    }

    /// Every row of these parts has a value in each of the columns.
    fn all_present(&self, columns: &[String], table: &Table, of: impl Fn(Part) -> bool) -> Result<(), Fault> {
        for column in columns {
            let missing = Expr::column(column, table.shape.expect(column)?).is_null();
            for (part, frame) in table.parts().filter(|(part, _)| of(*part)) {
                if let Some((row, Value::Null)) = first_where(&missing, frame, column)? {
                    let whose = if table.is_split() { format!(" of the {part} part") } else { String::new() };
                    let message = format!("`{column}` has no value in row {}{whose}", row + 1);
                    let help = format!("put `fill_missing: {{{column}: median}}` or `drop_missing: [{column}]` before");
                    return Err(self
                        .columns
                        .blame(column, Fault::new("missing-values", message).help(help))
                        .within("columns"));
                }
            }
        }
        Ok(())
    }
}
