//! Parts of dates, in UTC, by arithmetic of integers.

use super::super::builder::{Builder, Name};
use super::super::cell::Cell;
use super::super::expr::Call;
use crate::data::Kind;
use crate::learn::onnx::proto::element;

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    let cell = call.cells.first()?;
    let value = match call.name {
        "year" => civil(cell, builder).year,
        "month" => civil(cell, builder).month,
        "day" => civil(cell, builder).day,
        "quarter" => {
            let month = civil(cell, builder).month;
            let moved = builder.int_line(&month, 1, 2);
            builder.int_floor(&moved, 3)
        }
        "weekday" => {
            // 1970-01-01 was a Thursday; Monday is 1.
            let days = days(cell, builder);
            let moved = builder.int_line(&days, 1, 3);
            let rest = builder.int_rest(&moved, 7);
            builder.int_line(&rest, 1, 1)
        }
        "day_of_year" => day_of_year(cell, builder),
        "week" => week(cell, builder),
        "days_in_month" => days_in_month(cell, builder),
        "hour" => time(cell, HOUR, builder),
        "minute" => {
            let minutes = time(cell, MINUTE, builder);
            builder.int_rest(&minutes, 60)
        }
        "second" => {
            let seconds = time(cell, SECOND, builder);
            builder.int_rest(&seconds, 60)
        }
        "epoch" => return Some(Ok(epoch(cell, builder))),
        "date_diff" | "date_trunc" => return Some(Err("it has no form in ONNX here".to_owned())),
        _ => return None,
    };
    let mask = builder.mask(cell);
    Some(Ok(Cell::masked(Kind::Int, value, mask)))
}

/// The number of the day, from 1970-01-01 on. Rows without a value have any.
fn days(cell: &Cell, builder: &mut Builder) -> Name {
    match cell.kind {
        Kind::Datetime => builder.int_floor(&cell.value, DAY),
        _ => cell.value.clone(),
    }
}

/// The time of the day in units of so many microseconds.
fn time(cell: &Cell, unit: i64, builder: &mut Builder) -> Name {
    if cell.kind == Kind::Date {
        let zero = builder.int(0);
        return builder.op("Mul", &[&cell.value, &zero]);
    }
    let of_day = builder.int_rest(&cell.value, DAY);
    builder.int_floor(&of_day, unit)
}

struct Civil {
    year: Name,
    month: Name,
    day: Name,
}

/// Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(cell: &Cell, builder: &mut Builder) -> Civil {
    let days = days(cell, builder);
    let shifted = builder.int_line(&days, 1, 719_468);
    let era = builder.int_floor(&shifted, 146_097);
    let of_era = builder.int_rest(&shifted, 146_097);
    let (a, b, c) =
        (builder.int_floor(&of_era, 1460), builder.int_floor(&of_era, 36_524), builder.int_floor(&of_era, 146_096));
    let less = builder.op("Sub", &[&of_era, &a]);
    let more = builder.op("Add", &[&less, &b]);
    let rest = builder.op("Sub", &[&more, &c]);
    let year_of_era = builder.int_floor(&rest, 365);
    let long = builder.int_line(&year_of_era, 365, 0);
    let (fourth, hundredth) = (builder.int_floor(&year_of_era, 4), builder.int_floor(&year_of_era, 100));
    let sum = builder.op("Add", &[&long, &fourth]);
    let sum = builder.op("Sub", &[&sum, &hundredth]);
    let of_year = builder.op("Sub", &[&of_era, &sum]);
    let moved = builder.int_line(&of_year, 5, 2);
    let march = builder.int_floor(&moved, 153);
    let start = builder.int_line(&march, 153, 2);
    let start = builder.int_floor(&start, 5);
    let day = builder.op("Sub", &[&of_year, &start]);
    let day = builder.int_line(&day, 1, 1);
    let (early, late) = (builder.int_line(&march, 1, 3), builder.int_line(&march, 1, -9));
    let ten = builder.int(10);
    let is_early = builder.op("Less", &[&march, &ten]);
    let month = builder.op("Where", &[&is_early, &early, &late]);
    let two = builder.int(2);
    let is_next = builder.op("LessOrEqual", &[&month, &two]);
    let next = builder.cast(&is_next, element::INT64);
    let years = builder.int_line(&era, 400, 0);
    let year = builder.op("Add", &[&year_of_era, &years]);
    Civil { year: builder.op("Add", &[&year, &next]), month, day }
}

/// Day 1 to 366: the day's number less that of New Year's Eve (`days_from_civil` of the same paper, for January 1).
fn day_of_year(cell: &Cell, builder: &mut Builder) -> Name {
    let year = civil(cell, builder).year;
    let year = builder.int_line(&year, 1, -1);
    let era = builder.int_floor(&year, 400);
    let of_era = builder.int_rest(&year, 400);
    let long = builder.int_line(&of_era, 365, 306 - 719_468 - 1);
    let (fourth, hundredth) = (builder.int_floor(&of_era, 4), builder.int_floor(&of_era, 100));
    let sum = builder.op("Add", &[&long, &fourth]);
    let sum = builder.op("Sub", &[&sum, &hundredth]);
    let eras = builder.int_line(&era, 146_097, 0);
    let before = builder.op("Add", &[&sum, &eras]);
    let days = days(cell, builder);
    builder.op("Sub", &[&days, &before])
}

/// By ISO 8601: where the Thursday of its week is in the year.
fn week(cell: &Cell, builder: &mut Builder) -> Name {
    let days = days(cell, builder);
    let moved = builder.int_line(&days, 1, 3);
    let rest = builder.int_rest(&moved, 7);
    let monday = builder.op("Sub", &[&days, &rest]);
    let thursday = Cell::sure(Kind::Date, builder.int_line(&monday, 1, 3));
    let of_year = day_of_year(&thursday, builder);
    let before = builder.int_line(&of_year, 1, -1);
    let weeks = builder.int_floor(&before, 7);
    builder.int_line(&weeks, 1, 1)
}

/// 31 and 30 in turn, save that July and August both have 31, and February fewer.
fn days_in_month(cell: &Cell, builder: &mut Builder) -> Name {
    let Civil { year, month, .. } = civil(cell, builder);
    let later = builder.int_floor(&month, 8);
    let sum = builder.op("Add", &[&month, &later]);
    let odd = builder.int_rest(&sum, 2);
    let usual = builder.int_line(&odd, 1, 30);
    let [fourth, hundredth, fourhundredth] = [4, 100, 400].map(|by| {
        let (rest, zero) = (builder.int_rest(&year, by), builder.int(0));
        let divides = builder.op("Equal", &[&rest, &zero]);
        builder.cast(&divides, element::INT64)
    });
    let leap = builder.op("Sub", &[&fourth, &hundredth]);
    let leap = builder.op("Add", &[&leap, &fourhundredth]);
    let february = builder.int_line(&leap, 1, 28);
    let two = builder.int(2);
    let is_february = builder.op("Equal", &[&month, &two]);
    builder.op("Where", &[&is_february, &february, &usual])
}

/// Seconds since 1970, or of a span.
fn epoch(cell: &Cell, builder: &mut Builder) -> Cell {
    let float = builder.float_of(cell);
    let made = match cell.kind {
        Kind::Date => {
            let factor = builder.float(86_400.0);
            builder.op("Mul", &[&float, &factor])
        }
        _ => {
            let divisor = builder.float(1e6);
            builder.op("Div", &[&float, &divisor])
        }
    };
    Cell::float(made)
}
