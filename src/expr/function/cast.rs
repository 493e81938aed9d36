//! From one type to another. What doesn't fit becomes null.

use std::sync::Arc;

use super::typing::Mistake;
use super::{Family, FunctionEntry, Gives, Kernel, Prepared, Takes};
use crate::data::{Kind, Value};
use crate::expr::calendar;
use crate::expr::tree::Expr;

const fn cast(
    name: &'static str,
    rule: fn(&mut [Expr]) -> Result<Kind, Mistake>,
    kernel: fn(&[Value], Kind) -> Value,
) -> FunctionEntry {
    FunctionEntry::new(name, Family::Cast, &[Takes::Any], Gives::By(rule), Kernel::Strict(kernel))
}

const READ: &[Takes] = &[Takes::Str, Takes::Constant];

pub(super) static ENTRIES: &[FunctionEntry] = &[
    cast("int", |args| to(args, Kind::Int), |args, _| to_int(&args[0])).doc(
        "int(x)",
        "`CAST(x AS int)`: floats are cut towards zero, text must be an integer.",
        "int(-2.7)",
        "-2",
    ),
    cast("float", |args| to(args, Kind::Float), |args, _| to_float(&args[0])).doc(
        "float(x)",
        "`CAST(x AS float)`.",
        "float('1e3')",
        "1000",
    ),
    cast("bool", |args| to(args, Kind::Bool), |args, _| to_bool(&args[0])).doc(
        "bool(x)",
        "`CAST(x AS bool)`: zero is false, other numbers true, text must be true, false, 1 or 0.",
        "bool('TRUE')",
        "true",
    ),
    cast("str", |args| to(args, Kind::Str), |args, _| Value::str(text(&args[0]))).doc(
        "str(x)",
        "`CAST(x AS str)`: numbers plain, dates as ISO 8601.",
        "str(DATE '2024-01-31')",
        "2024-01-31",
    ),
    cast("date", |args| to(args, Kind::Date), |args, _| to_date(&args[0])).doc(
        "date(x)",
        "`CAST(x AS date)`: the day of a datetime, or text as 2024-01-31.",
        "date(TIMESTAMP '2024-01-31 12:30:00')",
        "2024-01-31",
    ),
    cast("datetime", |args| to(args, Kind::Datetime), |args, _| to_datetime(&args[0])).also(&["timestamp"]).doc(
        "datetime(x)",
        "`CAST(x AS datetime)`: the midnight of a date, or text as 2024-01-31 12:30:00, in UTC.",
        "datetime('2024-01-31 12:30:00+02:00')",
        "2024-01-31T10:30:00Z",
    ),
    FunctionEntry::new("parse_date", Family::Cast, READ, Gives::Is(Kind::Date), Kernel::Prepared(by_format)).doc(
        "parse_date(x, 'format')",
        "Reads a date by a format of strptime; null where it doesn't fit.",
        "parse_date('31.01.2024', '%d.%m.%Y')",
        "2024-01-31",
    ),
    FunctionEntry::new("parse_datetime", Family::Cast, READ, Gives::Is(Kind::Datetime), Kernel::Prepared(by_format))
        .doc(
            "parse_datetime(x, 'format')",
            "Reads a datetime by a format of strptime; without a time it is midnight, without an offset UTC.",
            "parse_datetime('31.01.2024 12:30', '%d.%m.%Y %H:%M')",
            "2024-01-31T12:30:00Z",
        ),
];

/// The entry that casts to `kind`; nothing is cast to a duration.
pub fn cast_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "bool",
        Kind::Str | Kind::Category | Kind::Text => "str",
        Kind::Date => "date",
        Kind::Datetime => "datetime",
        Kind::Duration => return None,
    })
}

fn to(args: &mut [Expr], kind: Kind) -> Result<Kind, Mistake> {
    let from = args[0].kind();
    let number = |kind: Kind| kind.is_numeric() || kind == Kind::Bool;
    let day = |kind| matches!(kind, Kind::Date | Kind::Datetime);
    let can = kind.is_string()
        || from.is_string()
        || number(from) && number(kind)
        || day(from) && day(kind)
        || args[0].is_null_literal();
    if can {
        return Ok(kind);
    }
    let mistake = Mistake::of(Some(0), format!("type {from} can't be turned into {kind}"));
    Err(if from.is_temporal() && kind.is_numeric() { mistake.help("`epoch(x)` gives its seconds") } else { mistake })
}

fn to_int(value: &Value) -> Value {
    // 2⁶³ itself is the first float that is too large.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(number) => Value::Int(*number),
        Value::Bool(flag) => Value::Int(i64::from(*flag)),
        Value::Float(number) if (-LIMIT..LIMIT).contains(number) => Value::Int(*number as i64),
        Value::Str(text) => text.trim().parse().map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

fn to_float(value: &Value) -> Value {
    let number = match value {
        Value::Str(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite()).map_or(Value::Null, Value::Float)
}

fn to_bool(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Int(number) => Value::Bool(*number != 0),
        Value::Float(number) => Value::Bool(*number != 0.0),
        Value::Str(text) => match text.trim() {
            "1" => Value::Bool(true),
            "0" => Value::Bool(false),
            word if word.eq_ignore_ascii_case("true") => Value::Bool(true),
            word if word.eq_ignore_ascii_case("false") => Value::Bool(false),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

fn to_date(value: &Value) -> Value {
    let day = match value {
        Value::Date(day) => Some(*day),
        Value::Datetime(micros) => calendar::day_of(*micros).try_into().ok(),
        Value::Str(text) => {
            calendar::read_date(text).or_else(|| calendar::day_of(calendar::read_moment(text)?).try_into().ok())
        }
        _ => None,
    };
    day.map_or(Value::Null, Value::Date)
}

fn to_datetime(value: &Value) -> Value {
    let micros = match value {
        Value::Date(day) => calendar::midnight(*day),
        Value::Datetime(micros) => Some(*micros),
        Value::Str(text) => calendar::read_moment(text),
        _ => None,
    };
    micros.map_or(Value::Null, Value::Datetime)
}

/// A value as text. Unlike `Display` it knows every day there is.
pub fn text(value: &Value) -> String {
    match value {
        Value::Date(day) => calendar::date_text((*day).into()),
        Value::Datetime(micros) => calendar::moment_text(*micros),
        plain => plain.to_string(),
    }
}

fn by_format(constants: &[Value], kind: Kind) -> Result<Prepared, Mistake> {
    let Some(Value::Str(format)) = constants.first() else {
        return Err(Mistake::of(Some(1), "the format must be a string constant"));
    };
    let format = format.clone();
    check_format(&format)?;
    Ok(Arc::new(move |value| match value {
        Value::Str(text) => read(&format, text, kind).unwrap_or(Value::Null),
        _ => Value::Null,
    }))
}

/// Jiff has no check of a format by itself; but what it can write a moment with, it knows.
pub(super) fn check_format(format: &str) -> Result<(), Mistake> {
    let moment = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &moment)
        .map(|_| ())
        .map_err(|why| Mistake::of(Some(1), format!("`{format}` isn't a format of times: {why}")))
}

fn read(format: &str, text: &str, kind: Kind) -> Option<Value> {
    let broken = jiff::fmt::strtime::parse(format, text.trim()).ok()?;
    let date = broken.to_date().ok()?;
    if kind == Kind::Date {
        return Some(Value::Date(calendar::days(civil(date)).try_into().ok()?));
    }
    let time = if broken.hour().is_some() { broken.to_time().ok()? } else { jiff::civil::Time::midnight() };
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let offset = broken.offset().map_or(0, |offset| i64::from(offset.seconds()));
    let micros = (seconds - offset) * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000;
    Some(Value::Datetime(calendar::days(civil(date)).checked_mul(calendar::DAY)? + micros))
}

fn civil(date: jiff::civil::Date) -> calendar::Civil {
    calendar::Civil { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_checked_and_offsets_kept() {
        let parsed = |format: &str, text: &str| {
            by_format(&[Value::str(format)], Kind::Datetime).map(|ready| super::text(&ready(&Value::str(text))))
        };
        assert_eq!(parsed("%Y-%m-%dT%H:%M:%S%z", "2024-01-31T12:00:00+0200").as_deref(), Ok("2024-01-31T10:00:00Z"));
        assert_eq!(parsed("%d %b %Y %I:%M %p", "31 Jan 2024 01:05 PM").as_deref(), Ok("2024-01-31T13:05:00Z"));
        assert_eq!(parsed("%Y-%m-%d", "2024-01-31 rest").as_deref(), Ok("null"));
        assert!(parsed("%", "2024").is_err());
    }

    #[test]
    fn casts_stop_where_a_type_ends() {
        assert_eq!(to_int(&Value::Float(9_223_372_036_854_775_808.0)), Value::Null);
        assert_eq!(to_int(&Value::Float(-9_223_372_036_854_775_808.0)), Value::Int(i64::MIN));
        assert_eq!(to_float(&Value::str("nan")), Value::Null);
        assert_eq!(to_datetime(&Value::Date(i32::MAX)), Value::Null);
        assert_eq!(text(&Value::Float(1e300)).len(), 301);
    }
}
