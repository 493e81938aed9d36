//! `limit`: the first rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{without, worked_on};
use crate::data::{Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `limit`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many rows stay.
    rows: usize,
}

impl Op for Limit {
    const NAME: &'static str = "limit";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Keeps the first rows, in the order of the source or of the last `sort`. After a split they are the first of all parts together.",
        learns: "",
        serving: Serving::Nothing,
        example: "limit: 1000",
    };
    const SHORTHAND: Option<&'static str> = Some("rows");
    const DROPS_ROWS: bool = true;
    type Params = Limit;
    type Fitted = ();

    fn check(params: Limit, _: &Scope) -> Result<Self, Vec<Fault>> {
        if params.rows == 0 {
            return Err(vec![Fault::new("out-of-range", "a limit is at least 1 row, and this is 0").within("rows")]);
        }
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, _: &mut Vec<Fault>) -> Shape {
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
        let rows = worked_on(&table, cx)?;
        without(table, &rows[self.rows.min(rows.len())..])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Rows;
    use crate::ops::testing::{halved, parts_after, table};

    #[test]
    fn the_first_rows_stay() {
        let one = table(&[Some(3), None, Some(1)]);
        assert_eq!(parts_after("limit: 2", one.clone(), None), [vec![Some(3), None]]);
        assert_eq!(parts_after("limit: {rows: 9}", one, None), [vec![Some(3), None, Some(1)]]);
        assert_eq!(parts_after("limit: 1", table(&[]), None), [vec![]]);
    }

    #[test]
    fn after_a_split_they_are_the_first_of_all_parts() {
        // Rows 0, 2 and 4 are to train on.
        let parts = halved(&table(&[Some(0), Some(1), Some(2), Some(3), Some(4)]));
        assert_eq!(parts_after("limit: 3", parts.clone(), None), [vec![Some(0), Some(2)], vec![Some(1)]]);
        let train = parts_after("limit: 1", parts, Some(Rows::Train));
        assert_eq!(train, [vec![Some(0)], vec![Some(1), Some(3)]]);
    }
}
