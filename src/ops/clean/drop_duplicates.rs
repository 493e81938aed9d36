//! `drop_duplicates`: keeps one of each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, row_keys};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Rows, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// Which one of several equal rows stays.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
    /// None of them.
    None,
}

/// The argument of `drop_duplicates`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns that make rows equal; without it, all.
    by: Option<Selector>,
    /// Which one of several equal rows stays.
    #[serde(default)]
    keep: Which,
}

/// The checked form.
#[derive(Serialize)]
pub struct DropDuplicates {
    by: Option<Selector>,
    keep: Which,
}

impl Op for DropDuplicates {
    const NAME: &'static str = "drop_duplicates";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Keeps one of several equal rows, or of rows with equal values in some columns.",
        learns: "",
        serving: Serving::Nothing,
        example: "drop_duplicates: {by: [id], keep: first}",
    };
    const SHORTHAND: Option<&'static str> = Some("by");
    const DROPS_ROWS: bool = true;
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { by: params.by, keep: params.keep })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        if let Some(Err(found)) = self.by.as_ref().map(|by| by.select(input)) {
            faults.extend(found.into_iter().map(|fault| fault.within("by")));
        }
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(Vec::new())
    }

    fn table(&self, (): &(), table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let by = match &self.by {
            Some(by) => by.resolve(&table.shape)?,
            None => table.shape.names().map(str::to_owned).collect(),
        };
        let only_train = cx.rows == Some(Rows::Train);
        let keys = table.parts().map(|(_, frame)| row_keys(frame, &by)).collect::<Result<Vec<_>, _>>()?;
        let mut marks: Vec<Vec<bool>> = keys.iter().map(|keys| vec![true; keys.len()]).collect();
        let works: Vec<bool> = table.parts().map(|(part, _)| !only_train || part.trains()).collect();
        // Rows of all parts in their order, so that a test row equal to an earlier train row goes.
        let mut seen: BTreeMap<&[u8], Vec<(usize, usize)>> = BTreeMap::new();
        for (part, row) in table.in_order()?.into_iter().filter(|(part, _)| works[*part]) {
            seen.entry(&keys[part][row]).or_default().push((part, row));
        }
        for rows in seen.values().filter(|rows| rows.len() > 1) {
            let gone = match self.keep {
                Which::First => &rows[1..],
                Which::Last => &rows[..rows.len() - 1],
                Which::None => rows,
            };
            gone.iter().for_each(|(part, row)| marks[*part][*row] = false);
        }
        table.only_marked(&marks)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Value, positions};
    use crate::ops::testing::{CX, halved, op, table_of};

    #[test]
    fn the_first_and_the_last_are_told_by_the_order_through_all_parts() {
        let ints = |values: [i64; 5]| values.map(Value::Int).to_vec();
        let table = table_of(&[("id", Kind::Int, ints([1, 1, 2, 1, 2])), ("day", Kind::Int, ints([5, 9, 4, 1, 3]))]);
        let left = |table, argument: &str| -> Vec<i64> {
            let sorted = op("sort: day", &table_of(&[("day", Kind::Int, Vec::new())]).shape);
            let table = sorted.table(&serde_json::Value::Null, table, &CX).expect("sorted");
            let after = op(argument, &table.shape).table(&serde_json::Value::Null, table, &CX).expect("done");
            after
                .parts()
                .flat_map(|(_, frame)| positions(frame).expect("rows").iter().flatten().collect::<Vec<_>>())
                .collect()
        };
        assert_eq!(left(table.clone(), "drop_duplicates: id"), [3, 4]);
        assert_eq!(left(table.clone(), "drop_duplicates: {by: id, keep: last}"), [2, 1]);
        // Rows 0, 2 and 4 are to train on.
        assert_eq!(left(halved(&table), "drop_duplicates: {by: id, keep: last}"), [2, 1]);
        assert_eq!(left(halved(&table), "drop_duplicates: {by: id, keep: none}"), [0i64; 0]);
    }
}
