//! On dates and datetimes, all in UTC.

use super::typing::{Mistake, common};
use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};
use crate::expr::calendar::{self, Civil, DAY};
use crate::expr::tree::Expr;
use crate::source::nearest;

const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;
const UNITS: [&str; 8] = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

const fn part(name: &'static str, kernel: fn(&[Value], Kind) -> Value) -> FunctionEntry {
    FunctionEntry::new(name, Family::Date, &[Takes::Day], Gives::Is(Kind::Int), Kernel::Strict(kernel))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    part("year", |args, _| day(args, |days| calendar::civil(days).year))
        .doc("year(x)", "The year.", "year(DATE '2024-01-31')", "2024"),
    part("quarter", |args, _| day(args, |days| (calendar::civil(days).month + 2) / 3))
        .doc("quarter(x)", "The quarter, 1 to 4.", "quarter(DATE '2024-05-31')", "2"),
    part("month", |args, _| day(args, |days| calendar::civil(days).month))
        .doc("month(x)", "The month, 1 to 12.", "month(DATE '2024-01-31')", "1"),
    part("day", |args, _| day(args, |days| calendar::civil(days).day))
        .doc("day(x)", "The day of the month.", "day(DATE '2024-01-31')", "31"),
    part("weekday", |args, _| day(args, calendar::weekday))
        .also(&["isodow"])
        .doc("weekday(x)", "The day of the week: Monday is 1, Sunday 7.", "weekday(DATE '2024-01-31')", "3"),
    part("day_of_year", |args, _| day(args, calendar::day_of_year))
        .also(&["dayofyear"])
        .doc("day_of_year(x)", "The day of the year, 1 to 366.", "day_of_year(DATE '2024-02-01')", "32"),
    part("week", |args, _| day(args, calendar::week))
        .doc("week(x)", "The week by ISO 8601, 1 to 53: it starts on Monday, and the first one has the year's first Thursday.", "week(DATE '2021-01-03')", "53"),
    part("days_in_month", |args, _| day(args, calendar::days_in_month))
        .doc("days_in_month(x)", "How many days its month has.", "days_in_month(DATE '2024-02-01')", "29"),
    part("hour", |args, _| time(args, |micros| micros / HOUR))
        .doc("hour(x)", "The hour, 0 to 23; of a date 0.", "hour(TIMESTAMP '2024-01-31 12:30:45')", "12"),
    part("minute", |args, _| time(args, |micros| micros / MINUTE % 60))
        .doc("minute(x)", "The minute, 0 to 59.", "minute(TIMESTAMP '2024-01-31 12:30:45')", "30"),
    part("second", |args, _| time(args, |micros| micros / SECOND % 60))
        .doc("second(x)", "The second, 0 to 59.", "second(TIMESTAMP '2024-01-31 12:30:45.5')", "45"),
    FunctionEntry::new("epoch", Family::Date, &[Takes::Time], Gives::Is(Kind::Float), Kernel::Strict(epoch))
        .doc("epoch(x)", "Seconds since 1970, or the seconds of a duration, as a float.", "epoch(TIMESTAMP '1970-01-02 00:00:00.5')", "86400.5"),
    FunctionEntry::new("date_diff", Family::Date, &[Takes::Constant, Takes::Day, Takes::Day], Gives::By(unit_and_days), Kernel::Strict(date_diff))
        .doc("date_diff('unit', a, b)", "How many starts of a year, quarter, month, week (Monday), day, hour, minute or second lie between a and b; negative if b is before a.", "date_diff('month', DATE '2024-01-31', DATE '2024-03-01')", "2"),
    FunctionEntry::new("date_trunc", Family::Date, &[Takes::Constant, Takes::Day], Gives::By(unit_and_day), Kernel::Strict(date_trunc))
        .doc("date_trunc('unit', x)", "The start of its year, quarter, month, week (Monday), day, hour, minute or second.", "date_trunc('month', DATE '2024-01-31')", "2024-01-01"),
];

pub(super) fn unit(args: &[Expr]) -> Result<(), Mistake> {
    match args[0].as_literal() {
        Some(Value::Str(name)) if UNITS.contains(&&**name) => Ok(()),
        Some(Value::Str(name)) => {
            let near = nearest(name, UNITS).map_or(String::new(), |near| format!("did you mean '{near}'? "));
            let help = format!("{near}there is '{}'", UNITS.join("', '"));
            Err(Mistake::of(Some(0), format!("`{name}` isn't a unit of time")).help(help))
        }
        _ => Err(Mistake::of(Some(0), "the unit must be a string constant")),
    }
}

pub(super) fn unit_and_days(args: &mut [Expr]) -> Result<Kind, Mistake> {
    unit(args)?;
    common(args, |nth| nth > 0)?;
    Ok(Kind::Int)
}

fn unit_and_day(args: &mut [Expr]) -> Result<Kind, Mistake> {
    unit(args)?;
    Ok(args[1].kind())
}

pub(super) fn day_number(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => Some((*days).into()),
        Value::Datetime(micros) => Some(calendar::day_of(*micros)),
        _ => None,
    }
}

/// A moment, or the midnight a date starts with.
pub(super) fn micros(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => calendar::midnight(*days),
        Value::Datetime(micros) => Some(*micros),
        _ => None,
    }
}

fn day(args: &[Value], part: fn(i64) -> i64) -> Value {
    day_number(&args[0]).map_or(Value::Null, |days| Value::Int(part(days)))
}

fn time(args: &[Value], part: fn(i64) -> i64) -> Value {
    match &args[0] {
        Value::Date(_) => Value::Int(0),
        Value::Datetime(micros) => Value::Int(part(micros.rem_euclid(DAY))),
        _ => Value::Null,
    }
}

fn epoch(args: &[Value], _: Kind) -> Value {
    match &args[0] {
        Value::Date(days) => Value::Float(f64::from(*days) * 86_400.0),
        Value::Datetime(micros) | Value::Duration(micros) => Value::Float(*micros as f64 / 1e6),
        _ => Value::Null,
    }
}

/// The number of a unit's period, counted from a fixed one. Days of either type, times only of datetimes.
fn period(unit: &str, value: &Value) -> Option<i64> {
    let days = day_number(value)?;
    let civil = calendar::civil(days);
    Some(match unit {
        "year" => civil.year,
        "quarter" => civil.year * 4 + (civil.month - 1) / 3,
        "month" => civil.year * 12 + civil.month - 1,
        // 1969-12-29 was a Monday.
        "week" => (days + 3).div_euclid(7),
        "day" => days,
        smaller => {
            let size = time_unit(smaller)?;
            match value {
                Value::Datetime(micros) => micros.div_euclid(size),
                _ => days * (DAY / size),
            }
        }
    })
}

pub(super) fn time_unit(unit: &str) -> Option<i64> {
    Some(match unit {
        "hour" => HOUR,
        "minute" => MINUTE,
        "second" => SECOND,
        _ => return None,
    })
}

fn date_diff(args: &[Value], _: Kind) -> Value {
    let Value::Str(unit) = &args[0] else { return Value::Null };
    match (period(unit, &args[1]), period(unit, &args[2])) {
        (Some(a), Some(b)) => b.checked_sub(a).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

fn date_trunc(args: &[Value], _: Kind) -> Value {
    let Value::Str(unit) = &args[0] else { return Value::Null };
    if let (Some(size), Value::Datetime(micros)) = (time_unit(unit), &args[1]) {
        return micros.div_euclid(size).checked_mul(size).map_or(Value::Null, Value::Datetime);
    }
    let Some(start) = day_number(&args[1]).map(|days| first_day(unit, days)) else { return Value::Null };
    match &args[1] {
        Value::Date(_) => i32::try_from(start).map_or(Value::Null, Value::Date),
        _ => start.checked_mul(DAY).map_or(Value::Null, Value::Datetime),
    }
}

fn first_day(unit: &str, days: i64) -> i64 {
    let Civil { year, month, .. } = calendar::civil(days);
    match unit {
        "year" => calendar::days(Civil { year, month: 1, day: 1 }),
        "quarter" => calendar::days(Civil { year, month: (month - 1) / 3 * 3 + 1, day: 1 }),
        "month" => calendar::days(Civil { year, month, day: 1 }),
        "week" => (days + 3).div_euclid(7) * 7 - 3,
        _ => days,
    }
}
