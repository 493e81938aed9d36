//! Constants as they are written in SQL.

use sqlparser::ast::{self, DateTimeField};

use super::calendar;
use super::function::Mistake;
use crate::data::{Kind, Value};

/// A number: an int unless it has a point or an exponent.
pub fn number(digits: &str, negative: bool) -> Result<Value, Mistake> {
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return signed.parse().map(Value::Int).map_err(|_| {
            Mistake::of(None, format!("`{signed}` is too large for an int"))
                .help("write it with a point to have a float")
        });
    }
    match signed.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => Err(Mistake::of(None, format!("`{signed}` isn't a number that a float can hold"))),
    }
}

/// The text of a value in single quotes.
pub fn text(value: &ast::Value) -> Option<&str> {
    match value {
        ast::Value::SingleQuotedString(text)
        | ast::Value::EscapedStringLiteral(text)
        | ast::Value::UnicodeStringLiteral(text)
        | ast::Value::NationalStringLiteral(text) => Some(text),
        ast::Value::DollarQuotedString(text) => Some(&text.value),
        _ => None,
    }
}

/// The type meant by a type's SQL name.
pub fn kind(data_type: &ast::DataType) -> Option<Kind> {
    use ast::DataType as D;
    Some(match data_type {
        D::TinyInt(_) | D::SmallInt(_) | D::MediumInt(_) | D::Int(_) | D::Integer(_) | D::BigInt(_) => Kind::Int,
        D::Int2(_) | D::Int4(_) | D::Int8(_) | D::Int16 | D::Int32 | D::Int64 => Kind::Int,
        D::Float(_) | D::Real | D::Double(_) | D::DoublePrecision | D::Float4 | D::Float8 | D::Float32 | D::Float64 => {
            Kind::Float
        }
        D::Bool | D::Boolean => Kind::Bool,
        D::Char(_) | D::Character(_) | D::Varchar(_) | D::CharVarying(_) | D::CharacterVarying(_) | D::String(_) => {
            Kind::Str
        }
        D::Text => Kind::Text,
        D::Date => Kind::Date,
        D::Datetime(_) | D::Timestamp(_, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            Kind::Datetime
        }
        D::Custom(name, _) => return custom(&name.to_string()),
        _ => return None,
    })
}

fn custom(name: &str) -> Option<Kind> {
    Some(match name.to_lowercase().as_str() {
        "str" => Kind::Str,
        "category" => Kind::Category,
        "duration" => Kind::Duration,
        _ => return None,
    })
}

/// `DATE '2024-01-31'`, `TIMESTAMP '2024-01-31 12:30:00'`.
pub fn typed(kind: Kind, text: &str) -> Result<Value, Mistake> {
    let value = match kind {
        Kind::Date => calendar::read_date(text).map(Value::Date),
        Kind::Datetime => calendar::read_moment(text).map(Value::Datetime),
        other => return Err(Mistake::of(None, format!("there are no {other} constants of this form"))),
    };
    let example = if kind == Kind::Date { "2024-01-31" } else { "2024-01-31 12:30:00" };
    value.ok_or_else(|| Mistake::of(None, format!("`{text}` isn't a {kind}")).help(format!("write it as '{example}'")))
}

/// `INTERVAL '1' DAY`: a whole number of a unit of fixed length.
pub fn interval(number: &str, unit: Option<&DateTimeField>) -> Result<Value, Mistake> {
    let help = "write it as INTERVAL '2' DAY, with WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND or MICROSECOND";
    let size = match unit {
        Some(DateTimeField::Week(None) | DateTimeField::Weeks) => 7 * calendar::DAY,
        Some(DateTimeField::Day | DateTimeField::Days) => calendar::DAY,
        Some(DateTimeField::Hour | DateTimeField::Hours) => 3_600_000_000,
        Some(DateTimeField::Minute | DateTimeField::Minutes) => 60_000_000,
        Some(DateTimeField::Second | DateTimeField::Seconds) => 1_000_000,
        Some(DateTimeField::Millisecond | DateTimeField::Milliseconds) => 1000,
        Some(DateTimeField::Microsecond | DateTimeField::Microseconds) => 1,
        Some(other) => {
            return Err(
                Mistake::of(None, format!("an interval of {other} isn't supported: its length varies")).help(help)
            );
        }
        None => return Err(Mistake::of(None, "an interval without a unit isn't supported").help(help)),
    };
    let count: Option<i64> = number.trim().parse().ok();
    count
        .and_then(|count| count.checked_mul(size))
        .map(Value::Duration)
        .ok_or_else(|| Mistake::of(None, format!("`{number}` isn't a whole number of that unit")).help(help))
}
