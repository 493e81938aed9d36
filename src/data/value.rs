//! One cell.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Kind;

/// A cell's value. There is one "no value", `Null`: tables and records never hold NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float, never NaN.
    Float(f64),
    /// Any of the string types.
    Str(Arc<str>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00 UTC.
    Datetime(i64),
    /// Microseconds.
    Duration(i64),
}

impl Value {
    /// A string value.
    pub fn str(text: impl AsRef<str>) -> Self {
        Value::Str(Arc::from(text.as_ref()))
    }

    /// A float, with NaN taken as no value.
    pub fn float(number: f64) -> Self {
        if number.is_nan() { Value::Null } else { Value::Float(number) }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Its type, `None` for null. Strings answer `str`.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Str(_) => Kind::Str,
            Value::Date(_) => Kind::Date,
            Value::Datetime(_) => Kind::Datetime,
            Value::Duration(_) => Kind::Duration,
        })
    }

    /// As a learner reads it: numbers as they are, booleans as 0 and 1.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    /// Plain, as a CSV cell would show it; null is `null`. Dates and datetimes in ISO 8601.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Str(text) => f.write_str(text),
            Value::Date(days) => {
                let day =
                    jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(*days)).map_err(|_| fmt::Error)?;
                write!(f, "{day}")
            }
            Value::Datetime(micros) => {
                let moment = jiff::Timestamp::from_microsecond(*micros).map_err(|_| fmt::Error)?;
                write!(f, "{moment}")
            }
            Value::Duration(micros) => write!(f, "{}s", *micros as f64 / 1e6),
        }
    }
}
