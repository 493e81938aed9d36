//! Between columns and single values.

use std::cmp::Ordering;

use polars::prelude::*;

use super::{Kind, Value};

/// The cell of a column at a row. Types the language doesn't have are read as null; NaN too.
pub fn value_at(column: &Column, row: usize) -> Value {
    match column.get(row) {
        Ok(cell) => value_of(&cell),
        Err(_) => Value::Null,
    }
}

fn value_of(cell: &AnyValue<'_>) -> Value {
    match cell {
        AnyValue::Boolean(flag) => Value::Bool(*flag),
        AnyValue::String(text) => Value::str(text),
        AnyValue::StringOwned(text) => Value::str(text.as_str()),
        AnyValue::Float64(number) => Value::float(*number),
        AnyValue::Float32(number) => Value::float(f64::from(*number)),
        AnyValue::Date(days) => Value::Date(*days),
        AnyValue::Datetime(count, unit, _) => micros(*count, *unit).map_or(Value::Null, Value::Datetime),
        AnyValue::DatetimeOwned(count, unit, _) => micros(*count, *unit).map_or(Value::Null, Value::Datetime),
        AnyValue::Duration(count, unit) => micros(*count, *unit).map_or(Value::Null, Value::Duration),
        other => other.extract::<i64>().map_or(Value::Null, Value::Int),
    }
}

fn micros(count: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Nanoseconds => Some(count.div_euclid(1000)),
        TimeUnit::Microseconds => Some(count),
        TimeUnit::Milliseconds => count.checked_mul(1000),
    }
}

/// A column of `kind` with these cells. A cell of another type is null, but an int in a float column is a float.
pub fn column_of(name: &str, kind: Kind, values: &[Value]) -> Column {
    collect(name.into(), kind, values.len(), |row| values[row].clone())
}

/// A column of `kind` with `rows` cells, made one after the other.
pub fn collect(name: PlSmallStr, kind: Kind, rows: usize, cell: impl Fn(usize) -> Value) -> Column {
    let cells = (0..rows).map(cell);
    let series = match kind {
        Kind::Int => cells
            .map(|value| if let Value::Int(it) = value { Some(it) } else { None })
            .collect::<Int64Chunked>()
            .into_series(),
        Kind::Float => cells
            .map(|value| if matches!(value, Value::Bool(_)) { None } else { value.as_f64() })
            .collect::<Float64Chunked>()
            .into_series(),
        Kind::Bool => cells
            .map(|value| if let Value::Bool(it) = value { Some(it) } else { None })
            .collect::<BooleanChunked>()
            .into_series(),
        Kind::Str | Kind::Category | Kind::Text => strings(rows, cells).into_series(),
        Kind::Date => cells
            .map(|value| if let Value::Date(it) = value { Some(it) } else { None })
            .collect::<Int32Chunked>()
            .into_date()
            .into_series(),
        Kind::Datetime => cells
            .map(|value| if let Value::Datetime(it) = value { Some(it) } else { None })
            .collect::<Int64Chunked>()
            .into_datetime(TimeUnit::Microseconds, None)
            .into_series(),
        Kind::Duration => cells
            .map(|value| if let Value::Duration(it) = value { Some(it) } else { None })
            .collect::<Int64Chunked>()
            .into_duration(TimeUnit::Microseconds)
            .into_series(),
    };
    series.with_name(name).into_column()
}

fn strings(rows: usize, cells: impl Iterator<Item = Value>) -> StringChunked {
    let mut builder = StringChunkedBuilder::new(PlSmallStr::EMPTY, rows);
    for cell in cells {
        match cell {
            Value::Str(text) => builder.append_value(&*text),
            _ => builder.append_null(),
        }
    }
    builder.finish()
}

/// The column's own memory laid out anew: one chunk, nothing beneath missing values, so that equal columns give equal bytes.
pub(super) fn canonical(column: &Column) -> Column {
    let series = column.as_materialized_series().rechunk();
    if series.null_count() == 0 {
        return series.into_column();
    }
    let physical = series.to_physical_repr();
    let rebuilt = match physical.dtype() {
        DataType::Int64 => physical.i64().map(|ca| Series::new("".into(), ca.iter().collect::<Vec<_>>())),
        DataType::Int32 => physical.i32().map(|ca| Series::new("".into(), ca.iter().collect::<Vec<_>>())),
        DataType::Float64 => physical.f64().map(|ca| Series::new("".into(), ca.iter().collect::<Vec<_>>())),
        DataType::Boolean => physical.bool().map(|ca| Series::new("".into(), ca.iter().collect::<Vec<_>>())),
        DataType::String => physical.str().map(|ca| Series::new("".into(), ca.iter().collect::<Vec<_>>())),
        _ => Ok(physical.into_owned()),
    };
    let rebuilt = rebuilt.expect("the type was looked at").with_name(column.name().clone());
    if rebuilt.dtype() == series.dtype() {
        return rebuilt.into_column();
    }
    rebuilt.cast(series.dtype()).expect("back to what it was").into_series().into_column()
}

impl Value {
    /// The order of values: nothing first, then by type; strings by their bytes.
    pub fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Str(a), Value::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Datetime(a), Value::Datetime(b)) | (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            _ => match (self.as_f64(), other.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.kind().cmp(&other.kind()),
            },
        }
    }

    /// The same value as one of type `kind`, if it is one: an int as a float, a whole float as an int, a written date as a date.
    pub fn coerced(self, kind: Kind) -> Option<Value> {
        Some(match (self, kind) {
            (Value::Null, _) => Value::Null,
            (Value::Int(number), Kind::Float) => Value::Float(number as f64),
            (Value::Float(number), Kind::Int) if number.fract() == 0.0 && number.abs() < 9.0e15 => {
                Value::Int(number as i64)
            }
            (Value::Str(text), kind) if !kind.is_string() => super::parse::cell(&text, kind)?,
            (value, kind) => {
                let own = value.kind()?;
                if own != kind && !(own.is_string() && kind.is_string()) {
                    return None;
                }
                value
            }
        })
    }

    /// From JSON, as a value of type `kind`. `None` if it isn't one.
    pub fn from_json(json: &serde_json::Value, kind: Kind) -> Option<Value> {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Float(number.as_f64().filter(|number| number.is_finite())?),
            },
            Json::String(text) if kind.is_string() => Value::str(text),
            Json::String(text) if kind.is_temporal() => return super::parse::cell(text, kind),
            _ => return None,
        };
        value.coerced(kind)
    }

    /// As JSON: dates and moments in ISO 8601, durations in seconds.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Int(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Duration(micros) => (*micros as f64 / 1e6).into(),
            other => other.to_string().into(),
        }
    }
}
