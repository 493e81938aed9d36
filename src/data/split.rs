//! Which rows are train, validation or test. The draw depends on the seed and on each row alone, never on names or threads.

use std::collections::BTreeMap;

use polars::prelude::{BooleanChunked, Column, DataFrame};
use sha2::{Digest as _, Sha256};

use super::table::{positions, unexpected};
use super::{Part, Table, Value, value_at};
use crate::source::Fault;

/// What the draw of a split is called, beside draws for other purposes.
const PARTS: &str = "rows";

/// How rows are told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// By each row's position in its source.
    Rows,
    /// The same, within each value of the column.
    Stratified(String),
    /// By the column's value, so that rows of one value stay together; as many rows as asked for, as near as can be.
    Group(String),
    /// By the column's value alone, so that a row keeps its part as data grows.
    Hash(String),
    /// The latest rows by this column are the test part, those before them the validation part.
    Time(String),
    /// By what the column says.
    Named(String),
}

/// How much goes into a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A share of the rows.
    Share(f64),
    /// The last so many microseconds.
    Span(i64),
}

/// How much goes into the parts beside the train part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amounts {
    /// Into the test part.
    pub test: Option<Amount>,
    /// Into the validation part.
    pub validation: Option<Amount>,
}

impl Amounts {
    fn shares(&self) -> (f64, f64) {
        let share = |amount| match amount {
            Some(Amount::Share(share)) => share,
            _ => 0.0,
        };
        (share(self.test), share(self.validation))
    }
}

/// Splits an unsplit table.
///
/// # Errors
/// If the table is split already, a needed value is missing, or no row is left to learn from.
pub fn split_rows(table: Table, draw: &Draw, amounts: &Amounts, seed: u64) -> Result<Table, Fault> {
    let Some(frame) = table.part(Part::All) else {
        return Err(Fault::new("second-split", "the table is split already"));
    };
    let parts = match draw {
        Draw::Rows => by_rank(&row_draws(frame, seed, PARTS)?, &[(0..frame.height()).collect()], amounts),
        Draw::Stratified(column) => {
            by_rank(&row_draws(frame, seed, PARTS)?, &groups(column_named(frame, column)?), amounts)
        }
        Draw::Group(column) => by_group(column_named(frame, column)?, amounts, seed),
        Draw::Hash(column) => by_hash(column_named(frame, column)?, amounts, seed),
        Draw::Time(column) => by_time(column_named(frame, column)?, amounts)?,
        Draw::Named(column) => by_name(column_named(frame, column)?)?,
    };
    if !parts.is_empty() && !parts.contains(&Part::Train) {
        return Err(Fault::new("empty-part", format!("the split leaves none of {} rows to learn from", parts.len()))
            .help("give the test and validation parts less"));
    }
    let mut frames = Vec::new();
    for part in [Part::Train, Part::Validation, Part::Test] {
        let asked = match part {
            Part::Validation => amounts.validation.is_some(),
            Part::Test => amounts.test.is_some(),
            _ => true,
        };
        if asked || parts.contains(&part) {
            let mask: BooleanChunked = parts.iter().map(|of| Some(*of == part)).collect();
            frames.push((part, frame.filter(&mask).map_err(unexpected)?));
        }
    }
    let mut shape = table.shape.clone();
    if let Draw::Named(column) = draw {
        shape.remove(column);
        for (_, frame) in &mut frames {
            *frame = frame.drop(column).map_err(unexpected)?;
        }
    }
    Ok(Table::of_parts(shape, frames))
}

fn column_named<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Column, Fault> {
    frame.column(name).map_err(unexpected)
}

/// A number for each row, as if drawn, from the seed and the row's position. Draws for different purposes have nothing to do
/// with one another.
pub fn row_draws(frame: &DataFrame, seed: u64, purpose: &str) -> Result<Vec<u64>, Fault> {
    let start = hashed(seed, purpose.as_bytes());
    Ok(positions(frame)?.iter().map(|row| mix(start ^ mix(row.unwrap_or(-1) as u64))).collect())
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014): every bit of the result depends on every bit of the argument.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The first 8 bytes of SHA-256(seed, bytes).
fn hashed(seed: u64, bytes: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(bytes).finalize();
    u64::from_le_bytes(digest[..8].try_into().expect("8 bytes"))
}

/// The rows of each value of a column, in the order of the values; missing ones are a value.
fn groups(column: &Column) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in 0..column.len() {
        groups.entry(key(&value_at(column, row))).or_default().push(row);
    }
    groups.into_values().collect()
}

/// A value as text that tells nothing apart from the word for it.
fn key(value: &Value) -> String {
    match value {
        Value::Null => "\u{0}".to_owned(),
        other => other.to_string(),
    }
}

/// In each group the rows with the lowest draws, as many as the share asks for; the totals are exact to the row.
fn by_rank(draws: &[u64], groups: &[Vec<usize>], amounts: &Amounts) -> Vec<Part> {
    let (test, validation) = amounts.shares();
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let tests = apportion(&sizes, test);
    let validations = apportion(&sizes, validation);
    let mut parts = vec![Part::Train; draws.len()];
    for ((group, tests), validations) in groups.iter().zip(tests).zip(validations) {
        let mut rows = group.clone();
        rows.sort_unstable_by_key(|row| (draws[*row], *row));
        for (nth, row) in rows.into_iter().enumerate() {
            if nth < tests {
                parts[row] = Part::Test;
            } else if nth < tests + validations {
                parts[row] = Part::Validation;
            }
        }
    }
    parts
}

/// How many of each group a share takes: whole numbers whose sum is the share of all, by largest remainders.
fn apportion(sizes: &[usize], share: f64) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let wanted = (share * total as f64).round() as usize;
    let exact: Vec<f64> = sizes.iter().map(|size| share * *size as f64).collect();
    let mut taken: Vec<usize> = exact.iter().map(|exact| exact.floor() as usize).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| (exact[*b].fract()).total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let missing = wanted.saturating_sub(taken.iter().sum());
    for group in order.into_iter().take(missing) {
        taken[group] += 1;
    }
    taken
}

fn by_group(column: &Column, amounts: &Amounts, seed: u64) -> Vec<Part> {
    let (test, validation) = amounts.shares();
    let mut groups: Vec<(u64, Vec<usize>)> = groups(column)
        .into_iter()
        .map(|rows| (hashed(seed, key(&value_at(column, rows[0])).as_bytes()), rows))
        .collect();
    groups.sort();
    let mut parts = vec![Part::Train; column.len()];
    let mut left = [(Part::Test, test), (Part::Validation, validation)]
        .map(|(part, share)| (part, (share * column.len() as f64).round() as usize));
    for (_, rows) in groups {
        let room = left.iter_mut().find(|(_, left)| *left > 0 && rows.len() < 2 * *left);
        if let Some((part, left)) = room {
            *left = left.saturating_sub(rows.len());
            for row in rows {
                parts[row] = *part;
            }
        }
    }
    parts
}

fn by_hash(column: &Column, amounts: &Amounts, seed: u64) -> Vec<Part> {
    let (test, validation) = amounts.shares();
    (0..column.len())
        .map(|row| {
            let draw = hashed(seed, key(&value_at(column, row)).as_bytes()) as f64 / 2f64.powi(64);
            if draw < test {
                Part::Test
            } else if draw < test + validation {
                Part::Validation
            } else {
                Part::Train
            }
        })
        .collect()
}

fn by_time(column: &Column, amounts: &Amounts) -> Result<Vec<Part>, Fault> {
    let mut times = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        times.push(match value_at(column, row) {
            Value::Date(days) => f64::from(days) * 86_400e6,
            Value::Datetime(micros) | Value::Duration(micros) => micros as f64,
            other => other.as_f64().ok_or_else(|| {
                Fault::new("missing-time", format!("`{}` has no value in row {}", column.name(), row + 1))
                    .help("put `drop_missing` of it before the split")
            })?,
        });
    }
    let mut sorted = times.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    // Rows of one moment stay together, so a part may get a few more than asked for.
    let cut = |end: usize, amount: Option<Amount>| -> usize {
        let from = match (amount, end) {
            (None, _) | (_, 0) => return end,
            (Some(Amount::Share(share)), _) => end.saturating_sub((share * times.len() as f64).round() as usize),
            (Some(Amount::Span(span)), _) => {
                let after = sorted[end - 1] - span as f64;
                return sorted[..end].partition_point(|time| *time <= after);
            }
        };
        sorted.get(from).map_or(end, |first| sorted.partition_point(|time| time < first))
    };
    let test = cut(sorted.len(), amounts.test);
    let validation = cut(test, amounts.validation);
    let bound = |at: usize| sorted.get(at).copied().unwrap_or(f64::INFINITY);
    let (test, validation) = (bound(test), bound(validation));
    Ok(times
        .iter()
        .map(|time| match *time {
            time if time >= test => Part::Test,
            time if time >= validation => Part::Validation,
            _ => Part::Train,
        })
        .collect())
}

fn by_name(column: &Column) -> Result<Vec<Part>, Fault> {
    (0..column.len())
        .map(|row| {
            let value = value_at(column, row);
            let part = match &value {
                Value::Str(text) => Part::named(text).filter(|part| *part != Part::All),
                _ => None,
            };
            part.ok_or_else(|| {
                let message = format!("`{}` says `{value}` in row {}", column.name(), row + 1);
                Fault::new("bad-part", message).help("it must say `train`, `validation` or `test`")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Kind, ROW, Shape, column_of};

    fn table(column: &str, kind: Kind, values: Vec<Value>) -> Table {
        let frame = DataFrame::new_infer_height(vec![column_of(column, kind, &values)]).expect("a frame");
        Table::new(Shape::of([(column, kind)]), frame).expect("a table")
    }

    fn shares(test: f64, validation: f64) -> Amounts {
        Amounts { test: Some(Amount::Share(test)), validation: (validation > 0.0).then_some(Amount::Share(validation)) }
    }

    fn rows(table: &Table, part: Part) -> Vec<i64> {
        positions(table.part(part).expect("the part")).expect("rows").into_no_null_iter().collect()
    }

    #[test]
    fn the_parts_are_exact_and_together_all_rows() {
        let numbers = (0..103).map(Value::Int).collect();
        let split = split_rows(table("x", Kind::Int, numbers), &Draw::Rows, &shares(0.25, 0.1), 7).expect("split");
        let (train, validation, test) =
            (rows(&split, Part::Train), rows(&split, Part::Validation), rows(&split, Part::Test));
        assert_eq!((train.len(), validation.len(), test.len()), (67, 10, 26));
        let mut all = [train.clone(), validation, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..103).collect::<Vec<i64>>());
        assert!(train.is_sorted(), "rows keep their order");
    }

    #[test]
    fn strata_keep_their_shares() {
        let classes = (0..100).map(|row| Value::str(if row % 10 == 0 { "rare" } else { "common" })).collect();
        let split =
            split_rows(table("y", Kind::Category, classes), &Draw::Stratified("y".into()), &shares(0.2, 0.0), 1)
                .expect("split");
        let test = split.part(Part::Test).expect("test");
        let rare =
            (0..test.height()).filter(|row| value_at(test.column("y").expect("y"), *row) == Value::str("rare")).count();
        assert_eq!((test.height(), rare), (20, 2));
    }

    #[test]
    fn a_hashed_row_keeps_its_part_as_data_grows() {
        let of = |range: std::ops::Range<i64>| {
            let split = split_rows(
                table("id", Kind::Int, range.map(Value::Int).collect()),
                &Draw::Hash("id".into()),
                &shares(0.3, 0.0),
                3,
            )
            .expect("split");
            let test = split.part(Part::Test).expect("test").column("id").expect("id").clone();
            (0..test.len()).map(|row| value_at(&test, row).as_f64().expect("a number") as i64).collect::<Vec<_>>()
        };
        let small = of(0..200);
        let large: Vec<i64> = of(-50..400).into_iter().filter(|id| (0..200).contains(id)).collect();
        assert_eq!(small, large);
    }

    #[test]
    fn groups_stay_whole_and_times_do_not_straddle() {
        let groups: Vec<Value> = (0..90).map(|row| Value::Int(row % 9)).collect();
        let split =
            split_rows(table("g", Kind::Int, groups), &Draw::Group("g".into()), &shares(0.3, 0.0), 3).expect("split");
        let values = |part| super::super::stats::value_counts(split.part(part).expect("part").column("g").expect("g"));
        assert!(values(Part::Test).iter().chain(&values(Part::Train)).all(|(_, count)| *count == 10));
        assert_eq!(split.part(Part::Test).expect("test").height(), 30);

        let days: Vec<Value> = (0..100).map(|row| Value::Date(row / 7)).collect();
        let split = split_rows(table("d", Kind::Date, days.clone()), &Draw::Time("d".into()), &shares(0.2, 0.1), 3)
            .expect("split");
        let days_of = |part| super::super::stats::numbers(split.part(part).expect("part").column("d").expect("d"));
        let last = |part: Vec<f64>| part.into_iter().fold(f64::MIN, f64::max);
        let first = |part: Vec<f64>| part.into_iter().fold(f64::MAX, f64::min);
        assert!(last(days_of(Part::Train)) < first(days_of(Part::Validation)));
        assert!(last(days_of(Part::Validation)) < first(days_of(Part::Test)));
        let span = Amounts { test: Some(Amount::Span(2 * 86_400_000_000)), validation: None };
        let split = split_rows(table("d", Kind::Date, days), &Draw::Time("d".into()), &span, 3).expect("split");
        assert_eq!(split.part(Part::Test).expect("test").height(), 9);
        assert!(split.part(Part::Test).expect("test").column(ROW).is_ok());
    }
}
