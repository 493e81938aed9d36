//! A lookup as operators: the value's place among the keys, and what each column has there.

use std::collections::BTreeMap;

use super::builder::{Builder, Name, doubles, int, ints, many, texts};
use super::cell::Cell;
use super::expr::Columns;
use crate::data::{Cells, Kind, Value};
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
        return Err("ONNX finds rows by one column only, not by several or a moment".to_owned());
    };
    let Some(asked) = columns.get(on).cloned() else { return Ok(None) };
    let (place, missing) = match asked.kind.is_string() {
        true => text_place(&asked.value, keys.values(), builder),
        false => other_place(&asked, keys, builder),
    };
    let place = match builder.mask(&asked) {
        None => place,
        Some(mask) => {
            let none = builder.int(missing);
            builder.op("Where", &[&mask, &place, &none])
        }
    };
    let brought = lookup.brings().iter().map(|looked| {
        let mut values = looked.cells.values().to_vec();
        values.push(looked.otherwise.clone());
        (looked.name.clone(), gathered(&values, looked.cells.kind(), &place, builder))
    });
    let brought = brought.collect();
    let end = builder.int(keys.len() as i64);
    Ok(Some((brought, builder.op("Equal", &[&place, &end]))))
}

/// The place of a text among the keys, one past the last if it is none, and the place for what is missing. Of keys that
/// stand twice the first counts, so it is put in last.
fn text_place(text: &str, keys: &[Value], builder: &mut Builder) -> (Name, i64) {
    let nowhere = keys.len() as i64;
    let mut texts_at = BTreeMap::new();
    for (place, key) in keys.iter().enumerate().rev() {
        if let Value::Str(text) = key {
            texts_at.insert(text.to_string(), place as i64);
        }
    }
    let (names, places): (Vec<String>, Vec<i64>) = texts_at.into_iter().unzip();
    (builder.places(text, &names, &places, nowhere), missing(keys))
}

/// The same for numbers, truths and days: each row beside all keys, and the least place where they are equal.
fn other_place(asked: &Cell, keys: &Cells, builder: &mut Builder) -> (Name, i64) {
    let nowhere = builder.int(keys.len() as i64);
    if keys.is_empty() {
        return (nowhere, 0);
    }
    let (value, row) = match keys.kind() {
        Kind::Float => {
            let floats: Vec<f64> = keys.values().iter().map(|key| key.as_f64().unwrap_or(f64::NAN)).collect();
            (builder.float_of(asked), builder.tensor(doubles(&[1, floats.len()], &floats)))
        }
        _ => {
            let whole: Vec<i64> = keys.values().iter().map(whole).collect();
            (builder.cast(&asked.value, element::INT64), builder.tensor(ints(&[1, whole.len()], &whole)))
        }
    };
    // A key that is missing is equal to none.
    let places: Vec<i64> = (0_i64..)
        .zip(keys.values())
        .map(|(place, key)| if key.is_null() { keys.len() as i64 } else { place })
        .collect();
    let places = builder.tensor(ints(&[1, places.len()], &places));
    let same = builder.op("Equal", &[&value, &row]);
    let found = builder.op("Where", &[&same, &places, &nowhere]);
    let least = builder.op_with("ReduceMin", &[&found], vec![many("axes", &[1]), int("keepdims", 1)]);
    (least, missing(keys.values()))
}

/// The place for what is missing.
fn missing(keys: &[Value]) -> i64 {
    keys.iter().position(Value::is_null).unwrap_or(keys.len()) as i64
}

fn whole(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(number) | Value::Datetime(number) | Value::Duration(number) => *number,
        Value::Date(days) => (*days).into(),
        _ => 0,
    }
}

fn gathered(values: &[Value], kind: Kind, place: &str, builder: &mut Builder) -> Cell {
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
