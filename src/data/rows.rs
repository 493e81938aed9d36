//! Rows as bytes, to tell equal ones.

use polars::prelude::DataFrame;

use super::table::unexpected;
use super::{Value, value_at};
use crate::source::Fault;

/// Bytes for each row that are equal for rows with equal values in `by`.
pub fn row_keys(frame: &DataFrame, by: &[String]) -> Result<Vec<Vec<u8>>, Fault> {
    let mut keys: Vec<Vec<u8>> = (0..frame.height()).map(|_| Vec::with_capacity(by.len() * 9)).collect();
    for name in by {
        let column = frame.column(name).map_err(unexpected)?;
        if let Ok(texts) = column.str() {
            for (key, text) in keys.iter_mut().zip(texts.iter()) {
                push_text(key, text);
            }
            continue;
        }
        for (row, key) in keys.iter_mut().enumerate() {
            push_key(key, &value_at(column, row));
        }
    }
    Ok(keys)
}

fn push_text(key: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => key.push(0),
        Some(text) => {
            key.push(1);
            key.extend((text.len() as u64).to_le_bytes());
            key.extend(text.as_bytes());
        }
    }
}

/// Adds a value to a row's bytes, as [`row_keys`] does.
pub fn push_key(key: &mut Vec<u8>, value: &Value) {
    let bits = match value {
        Value::Null => return key.push(0),
        Value::Str(text) => return push_text(key, Some(text)),
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(bits) | Value::Datetime(bits) | Value::Duration(bits) => *bits,
        // 0 and -0 are equal.
        Value::Float(number) => (number + 0.0).to_bits() as i64,
        Value::Date(days) => i64::from(*days),
    };
    key.push(1);
    key.extend(bits.to_le_bytes());
}
