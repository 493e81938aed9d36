//! A lookup as operators: the text's place among the keys, and what each column has there.

use std::collections::BTreeMap;

use super::builder::{Builder, Name, doubles, ints, texts};
use super::cell::Cell;
use super::expr::Columns;
use crate::data::{Kind, Value};
use crate::learn::onnx::proto::element;
use crate::recipe::Lookup;

/// The columns that a lookup brings, and where it finds no row.
type Brought = (Vec<(String, Cell)>, Name);

/// The columns that a lookup brings, and where it finds no row; `None` where what it reads couldn't go either, and was told.
///
/// # Errors
/// Why it has no form in ONNX.
pub(super) fn columns(lookup: &Lookup, columns: &Columns, builder: &mut Builder) -> Result<Option<Brought>, String> {
    let Some((on, keys)) = lookup.single() else {
        return Err("ONNX finds rows by one text only, not by several columns or a moment".to_owned());
    };
    let Some(asked) = columns.get(on).cloned() else { return Ok(None) };
    if !asked.kind.is_string() {
        return Err(format!("ONNX finds rows by a text, and `{on}` is {}", asked.kind));
    }
    let nowhere = keys.len() as i64;
    let mut missing = nowhere;
    // Of keys that stand twice the first counts, so it is put in last.
    let mut texts_at = BTreeMap::new();
    for (place, key) in keys.values().iter().enumerate().rev() {
        match key {
            Value::Str(text) => {
                texts_at.insert(text.to_string(), place as i64);
            }
            _ => missing = place as i64,
        }
    }
    let (names, places): (Vec<String>, Vec<i64>) = texts_at.into_iter().unzip();
    let mut place = builder.places(&asked.value, &names, &places, nowhere);
    if let Some(mask) = builder.mask(&asked) {
        let none = builder.int(missing);
        place = builder.op("Where", &[&mask, &place, &none]);
    }
    let brought = lookup.brings().iter().map(|looked| {
        let mut values = looked.cells.values().to_vec();
        values.push(looked.otherwise.clone());
        (looked.name.clone(), gathered(&values, looked.cells.kind(), &place, builder))
    });
    let brought = brought.collect();
    let end = builder.int(nowhere);
    Ok(Some((brought, builder.op("Equal", &[&place, &end]))))
}

fn gathered(values: &[Value], kind: Kind, place: &str, builder: &mut Builder) -> Cell {
    let whole = |value: &Value| match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(number) | Value::Datetime(number) | Value::Duration(number) => *number,
        Value::Date(days) => (*days).into(),
        _ => 0,
    };
    let text = |value: &Value| match value {
        Value::Str(text) => text.to_string(),
        _ => String::new(),
    };
    if kind == Kind::Float {
        let floats: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
        let table = builder.tensor(doubles(&[floats.len()], &floats));
        return Cell::float(builder.op("Gather", &[&table, place]));
    }
    let table = match kind.is_string() {
        true => texts(&values.iter().map(text).collect::<Vec<_>>()),
        false => ints(&[values.len()], &values.iter().map(whole).collect::<Vec<_>>()),
    };
    let table = builder.tensor(table);
    let mut value = builder.op("Gather", &[&table, place]);
    if kind == Kind::Bool {
        value = builder.cast(&value, element::BOOL);
    }
    if values.iter().all(|value| !value.is_null()) {
        return Cell::sure(kind, value);
    }
    let solid: Vec<i64> = values.iter().map(|value| i64::from(!value.is_null())).collect();
    let solid = builder.tensor(ints(&[solid.len()], &solid));
    let solid = builder.op("Gather", &[&solid, place]);
    let mask = builder.cast(&solid, element::BOOL);
    Cell::masked(kind, value, Some(mask))
}
