//! For the tests of ops: rows with what scikit-learn, pandas and numpy make of them (`tests/reference/make_ops.py`).

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use serde_json::Value as Json;

use super::testing::{CX, cells, reference};
use super::{CheckedOp, find};
use crate::data::{Kind, Part, Shape, Table, Value, column_of, value_at};
use crate::expr::Scope;
use crate::source::{Document, Fault};

/// The rows: the first of them are the train part, the others the test part.
fn table(reference: &Json) -> Table {
    let kinds = reference["kinds"].as_object().expect("kinds");
    let kinds = kinds.iter().map(|(name, kind)| {
        let kind: Kind = serde_json::from_value(kind.clone()).expect("a type");
        (name.as_str(), kind)
    });
    let shape = Shape::of(kinds);
    let columns: Vec<Vec<Value>> =
        shape.fields.iter().map(|field| cells(&reference["rows"][&field.name], field.kind)).collect();
    let rows = columns[0].len();
    let train = reference["train"].as_u64().expect("a count") as usize;
    let part = |from: usize, to: usize| {
        let fields = shape.fields.iter().zip(&columns);
        let columns = fields.map(|(field, cells)| column_of(&field.name, field.kind, &cells[from..to])).collect();
        DataFrame::new(to - from, columns).expect("a frame")
    };
    let parts = vec![(Part::Train, part(0, train)), (Part::Test, part(train, rows))];
    Table::of_parts(shape, parts)
}

fn read(op: &str, argument: &str, shape: &Shape) -> Result<Box<dyn CheckedOp>, Vec<Fault>> {
    let document = Document::parse("argument", argument).expect("YAML");
    let (entry, params) = (find(op).expect("an op"), BTreeMap::new());
    (entry.read)(&document.root, &Scope { shape, params: &params })
}

fn made(op: &str, argument: &str, table: Table) -> Table {
    let op = read(op, argument, &table.shape).unwrap_or_else(|faults| panic!("{argument}: {faults:?}"));
    let fitted = op.fit(&table, &CX).unwrap_or_else(|fault| panic!("{argument}: {fault:?}"));
    op.table(&fitted, table, &CX).unwrap_or_else(|fault| panic!("{argument}: {fault:?}"))
}

/// An op gives what the reference has under `key`, floats to 1e-12.
pub(super) fn against(key: &str, op: &str, argument: &str) {
    within(1e-12, key, op, argument);
}

/// The same with floats to a relative distance.
pub(super) fn within(slack: f64, key: &str, op: &str, argument: &str) {
    let reference = reference("ops.json");
    let made = made(op, argument, table(&reference));
    let wanted = reference["made"][key].as_object().unwrap_or_else(|| panic!("the reference has no {key}"));
    for (column, wanted) in wanted {
        let kind = made.shape.expect(column).unwrap_or_else(|fault| panic!("{key}: {fault:?}"));
        let found: Vec<Value> = made
            .parts()
            .flat_map(|(_, frame)| {
                let column = frame.column(column).expect("a column of the shape");
                (0..frame.height()).map(move |row| value_at(column, row))
            })
            .collect();
        let wanted = cells(wanted, kind);
        assert_eq!(found.len(), wanted.len(), "{key}, `{column}`");
        for (row, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let near = match (found, wanted) {
                (Value::Float(found), Value::Float(wanted)) => (found - wanted).abs() <= slack * wanted.abs().max(1.0),
                _ => found == wanted,
            };
            assert!(near, "{key}, `{column}` in row {row}: {found:?}, not {wanted:?}");
        }
    }
}

/// An op works on these rows.
pub(super) fn runs(op: &str, argument: &str) {
    let table = table(&reference("ops.json"));
    let rows = table.rows();
    assert_eq!(made(op, argument, table).rows(), rows);
}

/// What is wrong with an argument over these columns, each with its route.
pub(super) fn mistakes(op: &str, argument: &str) -> Vec<String> {
    let shape = table(&reference("ops.json")).shape;
    let faults = match read(op, argument, &shape) {
        Ok(op) => {
            let mut faults = Vec::new();
            op.shape(&shape, None, &mut faults);
            faults
        }
        Err(faults) => faults,
    };
    faults.iter().map(|fault| format!("{}: {fault}", fault.route)).collect()
}

/// The types of some columns after an op.
pub(super) fn kinds(op: &str, argument: &str, columns: &[&str]) -> Vec<Kind> {
    let table = table(&reference("ops.json"));
    let shape = read(op, argument, &table.shape).expect("a right argument").shape(&table.shape, None, &mut Vec::new());
    let made = made(op, argument, table).shape;
    assert_eq!(shape, made, "{argument}: as was told before");
    columns.iter().map(|column| made.known(column).expect("a column")).collect()
}
