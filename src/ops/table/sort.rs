//! `sort`: rows in the order of some columns.

use polars::prelude::{Column, DataFrame, SortMultipleOptions};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{ORDER, Selector, Shape, Table, order_column, unexpected};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The column that tells where a row stood before, while rows are sorted.
const BEFORE: &str = "__before";

/// Which columns run from the greatest to the least.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Descending {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Columns(Vec<String>),
}

impl<'de> Deserialize<'de> for Descending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DescendingVisitor)
    }
}

struct DescendingVisitor;

impl<'de> de::Visitor<'de> for DescendingVisitor {
    type Value = Descending;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("true, false, or the columns that run from the greatest to the least")
    }

    fn visit_bool<E: de::Error>(self, all: bool) -> Result<Descending, E> {
        Ok(if all { Descending::All } else { Descending::None })
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<Descending, E> {
        Ok(Descending::Columns(vec![column.to_owned()]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Descending, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = list.next_element()? {
            columns.push(column);
        }
        Ok(Descending::Columns(columns))
    }
}

impl JsonSchema for Descending {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Descending".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}
        ]})
    }
}

/// The argument of `sort`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The columns: rows equal in the first stand in the order of the second, and so on.
    by: Selector,
    /// From the greatest to the least: `true` for all columns, or a list of those that do.
    #[serde(default)]
    descending: Descending,
}

impl Op for Sort {
    const NAME: &'static str = "sort";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts rows in the order of some columns. Equal rows stay as they stood, missing values come last, strings go by their UTF-8 bytes. After a split the order goes through all parts. What depends on order keeps to it: `limit`, `drop_duplicates`, `fill_missing` with `forward`. A draw doesn't: it depends on where a row stands in its source.",
        learns: "",
        serving: Serving::Nothing,
        example: "sort: {by: [joined, id], descending: [id]}",
    };
    const SHORTHAND: Option<&'static str> = Some("by");
    type Params = Sort;
    type Fitted = ();

    fn check(params: Sort, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        match self.by.select(input) {
            Ok(by) if by.is_empty() => {
                faults.push(Fault::new("unknown-column", "this picks no column to sort by").within("by"));
            }
            Ok(by) => faults.extend(self.stray(&by)),
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.within("by"))),
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

    fn table(&self, (): &(), table: Table, _: &FitContext) -> Result<Table, Fault> {
        let by = self.by.resolve(&table.shape)?;
        let descending: Vec<bool> = by.iter().map(|column| self.descends(column)).collect();
        let mut places = order(&table, &by, descending)?.into_iter();
        table.map(|_, mut frame| {
            let own: Vec<i64> = places.by_ref().take(frame.height()).collect();
            frame.with_column(Column::new(ORDER.into(), own)).map_err(unexpected)?;
            frame.sort([ORDER], SortMultipleOptions::default()).map_err(unexpected)
        })
    }
}

impl Sort {
    fn descends(&self, column: &String) -> bool {
        match &self.descending {
            Descending::None => false,
            Descending::All => true,
            Descending::Columns(columns) => columns.contains(column),
        }
    }

    /// A column that should run downwards and isn't sorted by.
    fn stray(&self, by: &[String]) -> Option<Fault> {
        let Descending::Columns(columns) = &self.descending else { return None };
        let stray = columns.iter().find(|column| !by.contains(column))?;
        let fault = Fault::new("unknown-column", format!("`{stray}` is none of the columns that `by` names"));
        Some(fault.maybe_help(crate::source::suggest(stray, by.iter().map(String::as_str))).within("descending"))
    }
}

/// The new place of each row, from 0, part after part.
fn order(table: &Table, by: &[String], descending: Vec<bool>) -> Result<Vec<i64>, Fault> {
    let mut rows: Option<DataFrame> = None;
    for (_, frame) in table.parts() {
        let order = Column::new(
            BEFORE.into(),
            frame.column(order_column(frame)).and_then(|at| at.i64()).map_err(unexpected)?.clone(),
        );
        let mut own = frame.select(by.iter().map(String::as_str)).map_err(unexpected)?;
        own.with_column(order).map_err(unexpected)?;
        match &mut rows {
            None => rows = Some(own),
            Some(rows) => drop(rows.vstack_mut(&own).map_err(unexpected)?),
        }
    }
    let mut rows = rows.unwrap_or_default();
    let count = rows.height();
    rows.with_column(Column::new("__at".into(), (0..count as i64).collect::<Vec<_>>())).map_err(unexpected)?;
    let columns: Vec<&str> = by.iter().map(String::as_str).chain([BEFORE]).collect();
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(descending.into_iter().chain([false]))
        .with_nulls_last(true)
        .with_maintain_order(true);
    let sorted = rows.sort(columns, options).map_err(unexpected)?;
    let mut places = vec![0; count];
    for (place, at) in sorted.column("__at").and_then(|at| at.i64()).map_err(unexpected)?.iter().flatten().enumerate() {
        places[at as usize] = place as i64;
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, ORDER, Shape, Table, Value, column_of, positions};
    use crate::ops::FitContext;
    use crate::ops::testing::{faults, halved, op, parts_after, table};

    #[test]
    fn missing_values_come_last_either_way() {
        let rows = table(&[Some(2), None, Some(3), Some(1)]);
        assert_eq!(parts_after("sort: x", rows.clone(), None), [vec![Some(1), Some(2), Some(3), None]]);
        let down = parts_after("sort: {by: [x], descending: true}", rows, None);
        assert_eq!(down, [vec![Some(3), Some(2), Some(1), None]]);
        assert_eq!(parts_after("sort: [x]", table(&[]), None), [vec![]]);
        assert_eq!(parts_after("sort: [x]", table(&[None]), None), [vec![None]]);
    }

    #[test]
    fn the_order_goes_through_all_parts_and_limit_keeps_to_it() {
        let parts = halved(&table(&[Some(9), Some(1), Some(7), Some(2), Some(8)]));
        let sorted = parts_after("sort: [x]", parts.clone(), None);
        assert_eq!(sorted, [vec![Some(7), Some(8), Some(9)], vec![Some(1), Some(2)]]);
        let cx = FitContext::alone(None, 0, None);
        let sorted = op("sort: [x]", &parts.shape).table(&serde_json::Value::Null, parts, &cx).expect("sorted");
        assert_eq!(parts_after("limit: 3", sorted, None), [vec![Some(7)], vec![Some(1), Some(2)]]);
    }

    #[test]
    fn several_columns_sort_one_after_the_other_and_equals_stay() {
        let shape = Shape::of([("s", Kind::Category), ("n", Kind::Float)]);
        let s = ["b", "é", "a", "b", "B", "b"].map(Value::str);
        let n = [1.0, 0.0, -0.0, 2.0, 0.0, 1.0].map(Value::Float);
        let columns = vec![column_of("s", Kind::Category, &s), column_of("n", Kind::Float, &n)];
        let frame = polars::prelude::DataFrame::new(6, columns).expect("a frame");
        let table = Table::new(shape, frame).expect("a table");
        let cx = FitContext::alone(None, 0, None);
        let rows = |argument: &str| -> Vec<i64> {
            let sorted =
                op(argument, &table.shape).table(&serde_json::Value::Null, table.clone(), &cx).expect("sorted");
            let frame = sorted.training();
            assert_eq!(
                frame.column(ORDER).expect("places").i64().expect("ints").iter().flatten().collect::<Vec<_>>(),
                (0..6).collect::<Vec<_>>()
            );
            positions(frame).expect("rows").iter().flatten().collect()
        };
        assert_eq!(rows("sort: [s, n]"), [4, 2, 0, 5, 3, 1]);
        assert_eq!(rows("sort: {by: [s, n], descending: n}"), [4, 2, 3, 0, 5, 1]);
        assert_eq!(rows("sort: {by: n, descending: true}"), [3, 0, 5, 1, 2, 4]);
    }

    #[test]
    fn a_column_that_is_not_sorted_by_cannot_descend() {
        let shape = table(&[]).shape;
        assert_eq!(faults("sort: {by: [x], descending: [y]}", &shape), ["`y` is none of the columns that `by` names"]);
        assert_eq!(faults("sort: [xx]", &shape), ["there is no column `xx` here"]);
    }
}
