//! Tables of one column to try ops on.

use std::collections::BTreeMap;

use polars::prelude::{BooleanChunked, DataFrame};

use crate::data::{Kind, Part, Shape, Table, Value, column_of, value_at};
use crate::expr::Scope;
use crate::ops::{CheckedOp, FitContext, Rows, find};
use crate::source::Document;

/// A table with the column `x`.
pub(super) fn table(values: &[Option<i64>]) -> Table {
    let cells: Vec<Value> = values.iter().map(|value| value.map_or(Value::Null, Value::Int)).collect();
    let frame = DataFrame::new(values.len(), vec![column_of("x", Kind::Int, &cells)]).expect("a frame");
    Table::new(Shape::of([("x", Kind::Int)]), frame).expect("a table")
}

/// The same, with every other row from the first on to train on, and the others to test on.
pub(super) fn split(values: &[Option<i64>]) -> Table {
    let whole = table(values);
    let rows = |rest: usize| {
        let mask: BooleanChunked = (0..values.len()).map(|row| Some(row % 2 == rest)).collect();
        whole.training().filter(&mask).expect("rows")
    };
    Table::of_parts(whole.shape.clone(), vec![(Part::Train, rows(0)), (Part::Test, rows(1))])
}

/// The table without one of its rows.
pub(super) fn without_row(table: Table, row: usize) -> Table {
    super::without(table, &[(0, row)]).expect("filtered")
}

/// An op as it is written: `limit: 3`.
pub(super) fn op(written: &str, shape: &Shape) -> Box<dyn CheckedOp> {
    let document = Document::parse("op", written).expect("YAML");
    let entry = &document.root.entries()[0];
    let scope = Scope { shape, params: &BTreeMap::new() };
    let read = (find(&entry.key).expect("an op").read)(&entry.value, &scope);
    read.unwrap_or_else(|faults| panic!("{written}: {faults:?}"))
}

/// What is wrong with an op for these columns.
pub(super) fn faults(written: &str, shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    op(written, shape).shape(shape, None, &mut faults);
    faults.into_iter().map(|fault| fault.message).collect()
}

/// The values of `x` in each part after an op.
pub(super) fn through(written: &str, table: Table, rows: Option<Rows>) -> Vec<Vec<Option<i64>>> {
    let cx = FitContext::alone(None, 1, rows);
    let op = op(written, &table.shape);
    let fitted = op.fit(&table, &cx).expect("fitted");
    let after = op.table(&fitted, table, &cx).expect("done");
    let cells = |frame: &DataFrame| {
        let column = frame.column("x").expect("the column");
        let int = |row| match value_at(column, row) {
            Value::Int(number) => Some(number),
            _ => None,
        };
        (0..column.len()).map(int).collect()
    };
    after.parts().map(|(_, frame)| cells(frame)).collect()
}
