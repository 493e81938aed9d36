//! Between columns and single values.

use std::cmp::Ordering;
use std::sync::Arc;

use polars::prelude::{AnyValue, Column, DataType, IntoColumn, IntoSeries, NamedFrom, Series, TimeUnit};

use super::{Kind, Value};

/// The value in one row.
///
/// # Panics
/// If there is no such row.
pub fn value_at(column: &Column, row: usize) -> Value {
    match column.get(row).expect("the row is there") {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(flag) => Value::Bool(flag),
        AnyValue::Int64(number) => Value::Int(number),
        AnyValue::Int32(number) => Value::Int(number.into()),
        AnyValue::UInt32(number) => Value::Int(number.into()),
        AnyValue::Float64(number) => Value::float(number),
        AnyValue::String(text) => Value::Str(Arc::from(text)),
        AnyValue::StringOwned(text) => Value::Str(Arc::from(text.as_str())),
        AnyValue::Date(days) => Value::Date(days),
        AnyValue::Datetime(moment, TimeUnit::Microseconds, _) => Value::Datetime(moment),
        AnyValue::Duration(span, TimeUnit::Microseconds) => Value::Duration(span),
        other => Value::str(other.to_string()),
    }
}

/// A column of values of one type; a value of another type is missing.
pub fn column_of(name: &str, kind: Kind, values: &[Value]) -> Column {
    let name = name.into();
    let series = match kind {
        Kind::Bool => Series::new(name, picked(values, |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })),
        Kind::Int => Series::new(name, picked(values, |value| match value {
            Value::Int(number) => Some(*number),
            _ => None,
        })),
        Kind::Float => Series::new(name, picked(values, Value::as_f64)),
        Kind::Str | Kind::Category | Kind::Text => Series::new(name, picked(values, |value| match value {
            Value::Str(text) => Some(text.to_string()),
            _ => None,
        })),
        Kind::Date => Series::new(name, picked(values, |value| match value {
            Value::Date(days) => Some(*days),
            _ => None,
        })),
        Kind::Datetime => Series::new(name, picked(values, |value| match value {
            Value::Datetime(moment) => Some(*moment),
            _ => None,
        })),
        Kind::Duration => Series::new(name, picked(values, |value| match value {
            Value::Duration(span) => Some(*span),
            _ => None,
        })),
    };
    if series.dtype() == &kind.dtype() {
        return series.into_column();
    }
    series.cast(&kind.dtype()).expect("the physical type of the kind").into_column()
}

fn picked<T>(values: &[Value], pick: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    values.iter().map(pick).collect()
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
