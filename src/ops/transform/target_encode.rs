//! `target_encode`: what the target is like where a category stands.

mod encoding;
mod folds;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::encoding::{Answers, Encoding, Rows};
use crate::data::{Cells, Kind, Selector, Shape, Table, Value, unexpected};
use crate::expr::Scope;
use crate::ops::{FitContext, MEMBER, Op, Page, Serving, apply_to_table, categories, taken};
use crate::recipe::{Looked, Lookup, RowStep};
use crate::source::Fault;

/// The argument of `target_encode`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetEncode {
    /// The columns.
    columns: Selector,
    /// How many rows of the overall mean are mixed into each category's own; if not said, as many as its rows' spread asks for.
    smoothing: Option<f64>,
    /// Into how many folds the train rows are parted, each encoded by what the others are like, so that a row's own target is
    /// no part of it. If not said, train rows are encoded as all others.
    folds: Option<usize>,
}

impl Op for TargetEncode {
    const NAME: &'static str = "target_encode";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts the mean of the target over the train rows of a category in the category's place, mixed with the overall mean, as scikit-learn's `TargetEncoder`. With `smoothing: m` it is `(sum + m × mean) / (count + m)`; without, the less the rows of a category tell (few, or at odds with each other), the more of the overall mean it has (empirical Bayes). For true and false, and for two classes, it is the share of true, or of the class that is last in order; for more classes there is a column for each (`kind_a` …). A missing value is a category of its own; one that no train row has gets the overall mean. With `folds` a train row is encoded by the rows of the other folds, and all other rows and requests by all train rows: a model then doesn't learn to trust it more than it should.",
        learns: "means of the target",
        serving: Serving::Same,
        example: "target_encode: {columns: [kind], smoothing: 20, folds: 5}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    const CHANCE: bool = true;
    type Params = TargetEncode;
    type Fitted = BTreeMap<String, Encoding>;

    fn check(params: TargetEncode, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        if let Some(smoothing) = params.smoothing.filter(|smoothing| !(*smoothing >= 0.0 && smoothing.is_finite())) {
            let message = format!("`smoothing` is at least 0, and this is {smoothing}");
            faults.push(Fault::new("out-of-range", message).within("smoothing"));
        }
        if let Some(folds) = params.folds.filter(|folds| *folds < 2) {
            let message = format!("`folds` is at least 2, and this is {folds}");
            faults.push(Fault::new("out-of-range", message).within("folds"));
        }
        if faults.is_empty() { Ok(params) } else { Err(faults) }
    }

    /// A target of texts may have two classes or more, and so the column one successor or more.
    fn shape(&self, input: &Shape, fitted: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for column in categories(&self.columns, input, faults) {
            match fitted.map(|fitted| fitted.get(&column)) {
                Some(encoding) => {
                    let classes = encoding.map_or(&[][..], |encoding| &encoding.classes);
                    if !classes.is_empty() {
                        shape.remove(&column);
                    }
                    for name in names(&column, classes) {
                        if !classes.is_empty() && shape.known(&name).is_some() {
                            faults.push(taken(&name).within("columns"));
                        }
                        shape.set(&name, Kind::Float);
                    }
                }
                None if has_classes(input) => {
                    shape.remove(&column);
                    shape.open(&column, Kind::Float);
                }
                None if input.known(&column).is_some() => shape.set(&column, Kind::Float),
                None => {}
            }
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn needs_target(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let classes = if has_classes(input) { vec![Value::str(MEMBER)] } else { Vec::new() };
        let columns = self.columns.select(input).unwrap_or_default().into_iter();
        let nothing = |column: &str| Encoding {
            values: Cells::new(input.kind(column).unwrap_or(Kind::Str), []),
            classes: classes.clone(),
            means: vec![Vec::new()],
            overall: vec![0.0],
        };
        columns.map(|column| (column.clone(), nothing(&column))).collect()
    }

    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Self::Fitted, Fault> {
        let frame = table.training();
        let answers = Answers::of(table, cx.target)?;
        if let Some(folds) = self.folds {
            folds::enough(folds, frame)?;
        }
        let all: Vec<usize> = (0..frame.height()).collect();
        let mut fitted = BTreeMap::new();
        for column in self.columns.resolve(&table.shape)? {
            let rows = Rows::of(frame, &column)?;
            let encoding = Encoding::of(&rows, table.shape.expect(&column)?, &answers, &all, self.smoothing);
            fitted.insert(column, encoding);
        }
        let mut faults = Vec::new();
        self.shape(&table.shape, Some(&fitted), &mut faults);
        faults.into_iter().next().map_or(Ok(fitted), Err)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        for (column, encoding) in fitted {
            let looked = |((name, means), overall): ((String, &Vec<f64>), &f64)| Looked {
                name,
                cells: Cells::new(Kind::Float, means.iter().copied().map(Value::Float)),
                otherwise: Value::Float(*overall),
            };
            let named = names(column, &encoding.classes).into_iter().zip(&encoding.means);
            let looked = named.zip(&encoding.overall).map(looked).collect();
            let lookup = Lookup::new(vec![column.clone()], vec![encoding.values.clone()], None, looked)
                .map_err(|why| Fault::new("fitted-state", format!("what `target_encode` learned is {why}")))?;
            steps.push(RowStep::Lookup(lookup));
        }
        let names = self.shape(input, Some(fitted), &mut Vec::new()).names().map(str::to_owned).collect();
        steps.push(RowStep::keep(names));
        Ok(steps)
    }

    fn table(&self, fitted: &Self::Fitted, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let Some(folds) = self.folds else { return apply_to_table(self, fitted, table, cx) };
        let others = self.by_other_folds(folds, fitted, &table, cx)?;
        apply_to_table(self, fitted, table, cx)?.map(|part, mut frame| {
            if part.trains() {
                others.iter().try_for_each(|column| frame.with_column(column.clone()).map(drop)).map_err(unexpected)?;
            }
            Ok(frame)
        })
    }
}

impl TargetEncode {
    /// The columns of the train rows, each row encoded by what the rows of the other folds are like.
    fn by_other_folds(
        &self,
        folds: usize,
        fitted: &BTreeMap<String, Encoding>,
        table: &Table,
        cx: &FitContext,
    ) -> Result<Vec<Column>, Fault> {
        let frame: &DataFrame = table.training();
        let answers = Answers::of(table, cx.target)?;
        let parted = folds::parted(folds, frame, &answers, cx.seed)?;
        let mut columns = Vec::new();
        for (column, whole) in fitted {
            let rows = Rows::of(frame, column)?;
            let mut cells = vec![vec![0.0; frame.height()]; whole.means.len()];
            for fold in 0..folds {
                let (own, others): (Vec<usize>, Vec<usize>) = (0..frame.height()).partition(|row| parted[*row] == fold);
                let encoding = Encoding::of(&rows, table.shape.expect(column)?, &answers, &others, self.smoothing);
                for (cells, means) in cells.iter_mut().zip(&encoding.means) {
                    own.iter().for_each(|row| cells[*row] = means[rows.codes[*row]]);
                }
            }
            let named = names(column, &whole.classes).into_iter().zip(cells);
            columns.extend(named.map(|(name, cells)| Column::new(name.into(), cells)));
        }
        Ok(columns)
    }
}

/// Whether the target is of texts, so that it may have more classes than two.
fn has_classes(input: &Shape) -> bool {
    input.guarded.iter().filter_map(|name| input.known(name)).any(Kind::is_string)
}

/// The columns that a column becomes: itself, or one for each class.
fn names(column: &str, classes: &[Value]) -> Vec<String> {
    if classes.is_empty() {
        return vec![column.to_owned()];
    }
    classes.iter().map(|class| format!("{column}_{class}")).collect()
}
