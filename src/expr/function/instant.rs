//! Dates made of parts, moved by units, and named.

use super::date::{day_number, micros, time_unit, unit, unit_and_days};
use super::typing::Mistake;
use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};
use crate::expr::calendar::{self, Civil, DAY};
use crate::expr::tree::Expr;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Beyond it no date has its year.
const LAST_YEAR: i64 = 6_000_000;

const fn of_day(name: &'static str, gives: Kind, kernel: fn(&[Value], Kind) -> Value) -> FunctionEntry {
    FunctionEntry::new(name, Family::Date, &[Takes::Day], Gives::Is(gives), Kernel::Strict(kernel))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    of_day("dayname", Kind::Str, |args, _| named(args, |days| DAYS[calendar::weekday(days) as usize - 1]))
        .doc("dayname(x)", "The English name of its day of the week.", "dayname(DATE '2024-01-31')", "Wednesday"),
    of_day("monthname", Kind::Str, |args, _| named(args, |days| MONTHS[calendar::civil(days).month as usize - 1]))
        .doc("monthname(x)", "The English name of its month.", "monthname(DATE '2024-01-31')", "January"),
    of_day("dayofweek", Kind::Int, |args, _| number(args, |days| calendar::weekday(days) % 7))
        .also(&["dow"])
        .doc("dayofweek(x)", "The day of the week from Sunday, 0, to Saturday, 6.", "dayofweek(DATE '2024-01-28')", "0"),
    of_day("isoyear", Kind::Int, |args, _| number(args, |days| calendar::civil(days - calendar::weekday(days) + 4).year))
        .doc("isoyear(x)", "The year that its week is of by ISO 8601.", "isoyear(DATE '2021-01-03')", "2020"),
    of_day("century", Kind::Int, |args, _| number(args, |days| century(calendar::civil(days).year)))
        .doc("century(x)", "The century: 21 from 2001 to 2100, -1 before our era.", "century(DATE '2000-12-31')", "20"),
    of_day("is_leap_year", Kind::Bool, |args, _| {
        day_number(&args[0]).map_or(Value::Null, |days| {
            let february = Civil { month: 2, day: 1, ..calendar::civil(days) };
            Value::Bool(calendar::days_in_month(calendar::days(february)) == 29)
        })
    })
    .doc("is_leap_year(x)", "Whether its year has a 29th of February.", "is_leap_year(DATE '1900-05-01')", "false"),
    of_day("last_day", Kind::Date, |args, _| {
        day_number(&args[0]).map_or(Value::Null, |days| {
            date(days - calendar::civil(days).day + calendar::days_in_month(days))
        })
    })
    .doc("last_day(x)", "The last day of its month.", "last_day(DATE '2024-02-10')", "2024-02-29"),
    of_day("millisecond", Kind::Int, |args, _| within_minute(args, 1000))
        .doc("millisecond(x)", "The seconds of its minute in thousandths.", "millisecond(TIMESTAMP '2024-01-31 12:30:45.5')", "45500"),
    of_day("microsecond", Kind::Int, |args, _| within_minute(args, 1))
        .doc("microsecond(x)", "The seconds of its minute in millionths.", "microsecond(TIMESTAMP '2024-01-31 12:30:45.5')", "45500000"),
    of_day("epoch_ms", Kind::Int, |args, _| micros(&args[0]).map_or(Value::Null, |micros| Value::Int(micros.div_euclid(1000))))
        .doc("epoch_ms(x)", "Milliseconds since 1970.", "epoch_ms(TIMESTAMP '1970-01-02 00:00:00.5')", "86400500"),
    FunctionEntry::new("make_date", Family::Date, &[Takes::Int, Takes::Int, Takes::Int], Gives::Is(Kind::Date), Kernel::Strict(|args, _| {
        made_day(args).map_or(Value::Null, date)
    }))
    .doc("make_date(year, month, day)", "The date of these; null if there is no such day.", "make_date(2024, 2, 29)", "2024-02-29"),
    FunctionEntry::new("make_timestamp", Family::Date, &[Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Number], Gives::Is(Kind::Datetime), Kernel::Strict(made_moment))
        .doc("make_timestamp(year, month, day, hour, minute, second)", "The datetime of these; null if there is no such moment.", "make_timestamp(2024, 2, 29, 12, 30, 1.5)", "2024-02-29T12:30:01.5Z"),
    FunctionEntry::new("date_add", Family::Date, &[Takes::Constant, Takes::Int, Takes::Day], Gives::By(added), Kernel::Strict(date_add))
        .doc("date_add('unit', n, x)", "So many years, quarters, months, weeks, days, hours, minutes or seconds later; on the month's last day where it has no such day.", "date_add('month', 1, DATE '2024-01-31')", "2024-02-29"),
    FunctionEntry::new("date_sub", Family::Date, &[Takes::Constant, Takes::Day, Takes::Day], Gives::By(unit_and_days), Kernel::Strict(date_sub))
        .doc("date_sub('unit', a, b)", "How many whole years, quarters, months, weeks, days, hours, minutes or seconds lie between a and b, as in an age; negative if b is before a.", "date_sub('year', DATE '2000-05-17', DATE '2024-05-16')", "23"),
];

fn named(args: &[Value], name: fn(i64) -> &'static str) -> Value {
    day_number(&args[0]).map_or(Value::Null, |days| Value::str(name(days)))
}

fn number(args: &[Value], part: fn(i64) -> i64) -> Value {
    day_number(&args[0]).map_or(Value::Null, |days| Value::Int(part(days)))
}

/// The calendar's year 0 is 1 BC, and no century is the 0th.
fn century(year: i64) -> i64 {
    if year > 0 { (year - 1) / 100 + 1 } else { year / 100 - 1 }
}

fn date(days: i64) -> Value {
    i32::try_from(days).map_or(Value::Null, Value::Date)
}

fn within_minute(args: &[Value], unit: i64) -> Value {
    match &args[0] {
        Value::Date(_) => Value::Int(0),
        Value::Datetime(micros) => Value::Int(micros.rem_euclid(60_000_000) / unit),
        _ => Value::Null,
    }
}

fn made_day(args: &[Value]) -> Option<i64> {
    let (Value::Int(year), Value::Int(month), Value::Int(day)) = (&args[0], &args[1], &args[2]) else { return None };
    let day = Civil { year: *year, month: *month, day: *day };
    let fits = (-LAST_YEAR..=LAST_YEAR).contains(year) && (1..=12).contains(month) && (1..=31).contains(&day.day);
    // A day that doesn't exist comes back as another one.
    fits.then(|| calendar::days(day)).filter(|days| calendar::civil(*days) == day)
}

fn made_moment(args: &[Value], _: Kind) -> Value {
    let (Value::Int(hour), Value::Int(minute), Some(second)) = (&args[3], &args[4], args[5].as_f64()) else {
        return Value::Null;
    };
    if !(0..24).contains(hour) || !(0..60).contains(minute) || !(0.0..60.0).contains(&second) {
        return Value::Null;
    }
    let of_day = (hour * 60 + minute) * 60_000_000 + (second * 1e6).round() as i64;
    let moment = made_day(args).and_then(|days| days.checked_mul(DAY)?.checked_add(of_day));
    moment.map_or(Value::Null, Value::Datetime)
}

/// Hours of a date make a datetime of it.
fn added(args: &mut [Expr]) -> Result<Kind, Mistake> {
    unit(args)?;
    let is_time = matches!(args[0].as_literal(), Some(Value::Str(unit)) if time_unit(unit).is_some());
    Ok(if is_time { Kind::Datetime } else { args[2].kind() })
}

/// A unit as months or as microseconds.
enum Step {
    Months(i64),
    Micros(i64),
}

fn step(unit: &str) -> Step {
    match unit {
        "year" => Step::Months(12),
        "quarter" => Step::Months(3),
        "month" => Step::Months(1),
        "week" => Step::Micros(7 * DAY),
        smaller => Step::Micros(time_unit(smaller).unwrap_or(DAY)),
    }
}

fn date_add(args: &[Value], kind: Kind) -> Value {
    let (Value::Str(unit), Value::Int(count)) = (&args[0], &args[1]) else { return Value::Null };
    let moved = match (step(unit), &args[2]) {
        (Step::Micros(size), Value::Date(days)) if kind == Kind::Date => {
            return count
                .checked_mul(size / DAY)
                .and_then(|by| by.checked_add((*days).into()))
                .map_or(Value::Null, date);
        }
        (Step::Months(size), Value::Date(days)) => {
            return count.checked_mul(size).and_then(|by| months_later((*days).into(), by)).map_or(Value::Null, date);
        }
        (Step::Micros(size), value) => {
            micros(value).zip(count.checked_mul(size)).and_then(|(from, by)| from.checked_add(by))
        }
        (Step::Months(size), Value::Datetime(from)) => {
            count.checked_mul(size).and_then(|by| moment_months_later(*from, by))
        }
        _ => None,
    };
    moved.map_or(Value::Null, Value::Datetime)
}

/// The same day so many months later, or the last one there.
fn months_later(days: i64, months: i64) -> Option<i64> {
    let Civil { year, month, day } = calendar::civil(days);
    let number = (year * 12 + month - 1).checked_add(months)?;
    let first = Civil { year: number.div_euclid(12), month: number.rem_euclid(12) + 1, day: 1 };
    if first.year.abs() > LAST_YEAR {
        return None;
    }
    let first = calendar::days(first);
    Some(first + day.min(calendar::days_in_month(first)) - 1)
}

fn moment_months_later(from: i64, months: i64) -> Option<i64> {
    months_later(calendar::day_of(from), months)?.checked_mul(DAY)?.checked_add(from.rem_euclid(DAY))
}

/// The most that `date_add` may add to the earlier without passing the later.
fn date_sub(args: &[Value], _: Kind) -> Value {
    let Value::Str(unit) = &args[0] else { return Value::Null };
    let (Some(a), Some(b)) = (micros(&args[1]), micros(&args[2])) else { return Value::Null };
    let (early, late, sign) = if a <= b { (a, b, 1) } else { (b, a, -1) };
    let whole = match step(unit) {
        Step::Micros(size) => late.checked_sub(early).map(|span| span / size),
        Step::Months(size) => {
            let number = |micros: i64| {
                let Civil { year, month, .. } = calendar::civil(calendar::day_of(micros));
                year * 12 + month
            };
            let months = number(late) - number(early);
            let passes = moment_months_later(early, months).is_none_or(|moment| moment > late);
            Some((months - i64::from(passes)) / size)
        }
    };
    whole.map_or(Value::Null, |whole| Value::Int(sign * whole))
}
