//! `balance`: as many rows to learn from of each class.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, IdxCa, IdxSize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Shape, Table, row_draws, row_keys, stats, unexpected};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How classes become as large as one another.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// Rows of smaller classes are repeated, until each class has as many as the largest.
    #[default]
    Oversample,
    /// Rows of larger classes are left out, until each class has as many as the smallest.
    Undersample,
}

/// The argument of `balance`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// The column whose values are the classes.
    by: String,
    /// How classes become as large as one another.
    #[serde(default)]
    method: Method,
}

impl Op for Balance {
    const NAME: &'static str = "balance";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Gives each class as many train rows: those of smaller classes are repeated (`oversample`), each as often as any other of its class or once more, or rows of larger classes are left out (`undersample`). Who is drawn depends on the seed and on each row's position in its source. Rows to judge on stay as they are, rows without a class too. It stands after the split, and cross-validation balances the train rows of each fold anew, so a row is never on both sides.",
        learns: "how many rows each class is to have",
        serving: Serving::Nothing,
        example: "balance: {by: species, method: oversample}",
    };
    const SHORTHAND: Option<&'static str> = Some("by");
    const CHANCE: bool = true;
    type Params = Balance;
    /// How many rows each class is to have.
    type Fitted = usize;

    fn check(params: Balance, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&usize>, faults: &mut Vec<Fault>) -> Shape {
        let fault = match input.expect(&self.by) {
            Ok(kind @ (Kind::Float | Kind::Text)) => {
                let fault = Fault::new("wrong-type", format!("`{}` is {kind}: its values are no classes", self.by));
                Some(fault.help("balance by a category, or make one with `bin`"))
            }
            Ok(_) => None,
            Err(fault) => Some(fault),
        };
        faults.extend(fault.map(|fault| fault.within("by")));
        input.clone()
    }

    fn learns(&self) -> bool {
        true
    }

    fn repeats_rows(&self) -> bool {
        true
    }

    fn placeholder(&self, _: &Shape) -> usize {
        0
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<usize, Fault> {
        let counts = stats::value_counts(table.training_column(&self.by)?);
        let wanted = match self.method {
            Method::Oversample => counts.first(),
            Method::Undersample => counts.last(),
        };
        Ok(wanted.map_or(0, |(_, count)| *count))
    }

    fn lower(&self, _: &usize, _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(Vec::new())
    }

    fn table(&self, wanted: &usize, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        table.map(|part, frame| {
            if !part.trains() {
                return Ok(frame);
            }
            let classes = self.classes(&frame, cx.seed)?;
            match self.method {
                Method::Oversample => with_copies(frame, &classes, *wanted),
                Method::Undersample => {
                    let mut gone = vec![false; frame.height()];
                    classes.iter().flat_map(|rows| rows.iter().skip(*wanted)).for_each(|row| gone[*row] = true);
                    frame.filter(&gone.into_iter().map(|gone| Some(!gone)).collect()).map_err(unexpected)
                }
            }
        })
    }
}

impl Balance {
    /// The rows of each class, in the order in which they are drawn.
    fn classes(&self, frame: &DataFrame, seed: u64) -> Result<Vec<Vec<usize>>, Fault> {
        let has_class = frame.column(&self.by).map_err(unexpected)?.is_not_null();
        let draws = row_draws(frame, seed, Self::NAME)?;
        let mut classes: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (row, key) in row_keys(frame, std::slice::from_ref(&self.by))?.into_iter().enumerate() {
            if has_class.get(row) == Some(true) {
                classes.entry(key).or_default().push(row);
            }
        }
        let drawn = |mut rows: Vec<usize>| {
            rows.sort_by_key(|row| draws[*row]);
            rows
        };
        Ok(classes.into_values().map(drawn).collect())
    }
}

/// The rows with as many of each class as wanted. Copies stand behind them all, round by round, and keep the positions of
/// the rows that they are copies of.
fn with_copies(frame: DataFrame, classes: &[Vec<usize>], wanted: usize) -> Result<DataFrame, Fault> {
    let mut copies: Vec<(usize, usize)> = Vec::new();
    for rows in classes {
        let missing = wanted.saturating_sub(rows.len());
        copies.extend((0..missing).map(|nth| (nth / rows.len(), rows[nth % rows.len()])));
    }
    copies.sort_unstable();
    let copies: Vec<IdxSize> = copies.into_iter().map(|(_, row)| row as IdxSize).collect();
    let copies = frame.take(&IdxCa::from_vec("".into(), copies)).map_err(unexpected)?;
    frame.vstack(&copies).map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Shape, positions};
    use crate::ops::FitContext;
    use crate::ops::testing::{faults, halved, op, parts_after, table};

    /// How many rows have each value.
    fn counts(rows: &[Option<i64>]) -> Vec<(Option<i64>, usize)> {
        let mut found = std::collections::BTreeMap::new();
        rows.iter().for_each(|value| *found.entry(*value).or_default() += 1);
        found.into_iter().collect()
    }

    fn rows() -> Vec<Option<i64>> {
        let of = |value: Option<i64>, count: usize| std::iter::repeat_n(value, count);
        of(Some(0), 10).chain(of(Some(1), 4)).chain(of(None, 2)).chain(of(Some(2), 1)).collect()
    }

    #[test]
    fn each_class_gets_as_many_rows() {
        let over = parts_after("balance: x", table(&rows()), None).remove(0);
        assert_eq!(counts(&over), [(None, 2), (Some(0), 10), (Some(1), 10), (Some(2), 10)]);
        assert_eq!(over[..17], rows());
        let under = parts_after("balance: {by: x, method: undersample}", table(&rows()), None).remove(0);
        assert_eq!(counts(&under), [(None, 2), (Some(0), 1), (Some(1), 1), (Some(2), 1)]);
        assert_eq!(parts_after("balance: x", table(&[]), None), [vec![]]);
        assert_eq!(parts_after("balance: x", table(&[None, None]), None), [vec![None, None]]);
    }

    #[test]
    fn every_row_of_a_class_is_repeated_as_often_as_any_other() {
        let cx = FitContext::alone(None, 3, None);
        let before = table(&rows());
        let op = op("balance: x", &before.shape);
        let fitted = op.fit(&before, &cx).expect("fitted");
        let after = op.table(&fitted, before, &cx).expect("balanced");
        let mut times = [0; 17];
        positions(after.training()).expect("rows").iter().flatten().for_each(|row| times[row as usize] += 1);
        assert_eq!(times[..10], [1; 10]);
        let mut second = times[10..14].to_vec();
        second.sort_unstable();
        assert_eq!(second, [2, 2, 3, 3]);
        assert_eq!(times[14..], [1, 1, 10]);
    }

    #[test]
    fn only_train_rows_are_balanced() {
        let values: Vec<Option<i64>> = (0..40).map(|row| Some(i64::from(row % 8 == 0))).collect();
        for argument in ["balance: x", "balance: {by: x, method: undersample}"] {
            let found = parts_after(argument, halved(&table(&values)), None);
            assert_eq!(found[1], [Some(0); 20]);
            let train = counts(&found[0]);
            assert_eq!(train[0].1, train[1].1, "{argument}");
        }
    }

    #[test]
    fn numbers_are_no_classes() {
        let shape = Shape::of([("x", Kind::Float)]);
        assert_eq!(faults("balance: x", &shape), ["`x` is float: its values are no classes"]);
        assert_eq!(faults("balance: y", &shape), ["there is no column `y` here"]);
    }
}
