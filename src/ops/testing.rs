//! Ops tried on small tables, and the same rows as records.

use std::collections::BTreeMap;
use std::path::PathBuf;

use polars::prelude::{BooleanChunked, DataFrame};
use serde_json::Value as Json;

use super::{CheckedOp, FitContext, ReadOp, Rows, find, no_tables};
use crate::data::{Kind, Part, Shape, Table, Value, column_of, value_at};
use crate::expr::Scope;
use crate::recipe::Evaluator;
use crate::source::Document;

/// What the tests of this room learn with: the target is the column `y`.
pub(super) const CX: FitContext = FitContext { target: Some("y"), seed: 1, rows: None, tables: &no_tables };

/// The JSON of a file of `tests/reference/`.
pub(super) fn reference(name: &str) -> Json {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "reference", name].iter().collect();
    serde_json::from_str(&std::fs::read_to_string(path).expect("a reference file")).expect("JSON")
}

/// A list of JSON as cells of a type.
pub(super) fn cells(list: &Json, kind: Kind) -> Vec<Value> {
    let cell = |json: &Json| Value::from_json(json, kind).unwrap_or_else(|| panic!("{json} is no {kind}"));
    list.as_array().expect("a list").iter().map(cell).collect()
}

/// An unsplit table of these columns.
pub(super) fn table_of(columns: &[(&str, Kind, Vec<Value>)]) -> Table {
    let shape = Shape::of(columns.iter().map(|(name, kind, _)| (*name, *kind)));
    let made = columns.iter().map(|(name, kind, values)| column_of(name, *kind, values)).collect();
    Table::new(shape, DataFrame::new(columns[0].2.len(), made).expect("a frame")).expect("a table")
}

/// A table with the int column `x`.
pub(super) fn table(values: &[Option<i64>]) -> Table {
    table_of(&[("x", Kind::Int, values.iter().map(|value| value.map_or(Value::Null, Value::Int)).collect())])
}

/// The table with every other row from the first on to train on, and the others to test on.
pub(super) fn halved(whole: &Table) -> Table {
    let frame = whole.training();
    let rows = |rest: usize| {
        let mask: BooleanChunked = (0..frame.height()).map(|row| Some(row % 2 == rest)).collect();
        frame.filter(&mask).expect("rows")
    };
    Table::of_parts(whole.shape.clone(), vec![(Part::Train, rows(0)), (Part::Test, rows(1))])
}

/// Reads an op as it is written: `limit: 3`.
fn read(written: &str, shape: &Shape) -> ReadOp {
    let document = Document::parse("op", written).expect("YAML");
    let entry = &document.root.entries()[0];
    (find(&entry.key).expect("an op").read)(&entry.value, &Scope { shape, params: &BTreeMap::new() })
}

/// An op as it is written.
pub(super) fn op(written: &str, shape: &Shape) -> Box<dyn CheckedOp> {
    read(written, shape).unwrap_or_else(|faults| panic!("{written}: {faults:?}"))
}

/// What is wrong with an op whatever the columns are.
pub(super) fn mistakes(written: &str) -> Vec<String> {
    let found = read(written, &Shape::default()).err().unwrap_or_default();
    found.into_iter().map(|fault| fault.message).collect()
}

/// What is wrong with an op for these columns.
pub(super) fn faults(written: &str, shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    op(written, shape).shape(shape, None, &mut faults);
    faults.into_iter().map(|fault| fault.message).collect()
}

/// The columns after an op that hasn't learned yet.
pub(super) fn shape_after(written: &str, shape: &Shape) -> Shape {
    let mut faults = Vec::new();
    let after = op(written, shape).shape(shape, None, &mut faults);
    assert!(faults.is_empty(), "{written}: {faults:?}");
    after
}

/// The values of `x` in each part after an op on whole tables.
pub(super) fn parts_after(written: &str, table: Table, rows: Option<Rows>) -> Vec<Vec<Option<i64>>> {
    let cx = FitContext { rows, ..CX };
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

/// The columns that an op makes of a table which it has learned from; every row as a record gives the same.
pub(super) fn through(written: &str, columns: &[(&str, Kind, Vec<Value>)]) -> BTreeMap<String, Vec<Value>> {
    let table = table_of(columns);
    let op = op(written, &table.shape);
    let fitted = op.fit(&table, &CX).unwrap_or_else(|fault| panic!("{written}: {fault}"));
    applied(op.as_ref(), &fitted, table)
}

/// The columns of an unsplit table after an op; every row as a record gives the same.
pub(super) fn applied(op: &dyn CheckedOp, fitted: &Json, table: Table) -> BTreeMap<String, Vec<Value>> {
    let steps = op.lower(fitted, &table.shape).expect("lowered");
    let before = table.clone();
    let after = op.table(fitted, table, &CX).expect("done");
    let names = |shape: &Shape| -> Vec<String> { shape.names().map(str::to_owned).collect() };
    let (inputs, outputs) = (names(&before.shape), names(&after.shape));
    let evaluator = Evaluator::new(&steps, &inputs, &outputs).expect("compiled");
    let row_of = |table: &Table, names: &[String], row: usize| -> Vec<Value> {
        names.iter().map(|name| value_at(table.training().column(name).expect("there"), row)).collect()
    };
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    for row in 0..before.rows() {
        evaluator.run(&row_of(&before, &inputs, row), &mut scratch, &mut out).expect("not refused");
        assert_eq!(out, row_of(&after, &outputs, row), "row {row} as a record");
    }
    let column = |name: &String| {
        let column = after.training().column(name).expect("there");
        (0..column.len()).map(|row| value_at(column, row)).collect()
    };
    outputs.iter().map(|name| (name.clone(), column(name))).collect()
}
