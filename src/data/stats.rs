//! Statistics that are the same on any number of threads: sums in blocks of fixed length, in the order of the rows.
//!
//! Missing values don't count. A column without values has no statistic.

use std::collections::HashMap;

use polars::prelude::{Column, DataType};

use super::{Value, value_at};

/// How many values one partial sum covers. Fixed, so that sums are the same on any number of threads.
pub const BLOCK: usize = 1024;

/// The values that aren't missing, as floats. Empty for columns that aren't numbers.
pub fn numbers(column: &Column) -> Vec<f64> {
    let Ok(column) = column.cast(&DataType::Float64) else {
        return Vec::new();
    };
    let Ok(values) = column.f64() else {
        return Vec::new();
    };
    values.iter().flatten().filter(|number| !number.is_nan()).collect()
}

/// A sum in blocks of fixed length.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut whole = 0.0;
    let mut part = 0.0;
    for (nth, value) in values.into_iter().enumerate() {
        if nth % BLOCK == 0 {
            whole += part;
            part = 0.0;
        }
        part += value;
    }
    whole + part
}

/// The arithmetic mean.
pub fn mean(column: &Column) -> Option<f64> {
    mean_of(&numbers(column))
}

/// The arithmetic mean of plain numbers.
pub fn mean_of(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mut rough = sum(values.iter().copied()) / count;
    if !rough.is_finite() {
        // The sum is beyond what a float holds; the mean isn't.
        rough = sum(values.iter().map(|value| value / count));
    }
    // A second pass takes the rounding of the first away: a constant column's mean is that constant.
    let rest = sum(values.iter().map(|value| value - rough)) / count;
    Some(if rest.is_finite() { rough + rest } else { rough })
}

/// The population's standard deviation: the root of the mean squared distance to the mean.
pub fn std(column: &Column) -> Option<f64> {
    let values = numbers(column);
    let mean = mean_of(&values)?;
    let squares = sum(values.iter().map(|value| (value - mean).powi(2)));
    let count = values.len() as f64;
    if squares.is_finite() {
        return Some((squares / count).sqrt());
    }
    // In units of the farthest value, whose square a float holds.
    let unit = values.iter().fold(0.0, |far: f64, value| far.max((value / 2.0 - mean / 2.0).abs()));
    let squares = sum(values.iter().map(|value| ((value / 2.0 - mean / 2.0) / unit).powi(2)));
    Some(((squares / count).sqrt() * unit * 2.0).min(f64::MAX))
}

/// The middle value, or the mean of the two in the middle.
pub fn median(column: &Column) -> Option<f64> {
    quantile(column, 0.5)
}

/// The middle value of plain numbers, or the mean of the two in the middle.
pub fn median_of(values: Vec<f64>) -> Option<f64> {
    Some(quantile_of(&risen(values)?, 0.5))
}

/// The value below which a share of the values lies, interpolated linearly (type 7 of Hyndman & Fan 1996, as numpy).
pub fn quantile(column: &Column, share: f64) -> Option<f64> {
    quantiles(column, [share]).map(|found| found[0])
}

/// Several of them, in the order of `shares`, for one sorting.
pub fn quantiles(column: &Column, shares: impl IntoIterator<Item = f64>) -> Option<Vec<f64>> {
    let values = risen(numbers(column))?;
    Some(shares.into_iter().map(|share| quantile_of(&values, share)).collect())
}

/// So many quantiles at even distances, from the least value to the greatest. Where one falls on a value, it is that value.
pub fn even_quantiles(column: &Column, count: usize) -> Option<Vec<f64>> {
    even_quantiles_of(numbers(column), count)
}

/// The same of plain numbers.
pub fn even_quantiles_of(values: Vec<f64>, count: usize) -> Option<Vec<f64>> {
    let values = risen(values)?;
    let (last, steps) = (values.len() - 1, count.max(2) - 1);
    let place = |nth: usize| (nth * last / steps, (nth * last % steps) as f64 / steps as f64);
    let mut found: Vec<f64> = (0..=steps).map(place).map(|(low, share)| between(&values, low, share)).collect();
    // A rounded one may lie above the next.
    for nth in 1..found.len() {
        found[nth] = found[nth].max(found[nth - 1]);
    }
    Some(found)
}

/// The values in rising order, if there is one.
fn risen(mut values: Vec<f64>) -> Option<Vec<f64>> {
    values.sort_unstable_by(f64::total_cmp);
    (!values.is_empty()).then_some(values)
}

fn quantile_of(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    between(values, place.floor() as usize, place - place.floor())
}

/// So far on the way from one value to the next.
fn between(values: &[f64], low: usize, share: f64) -> f64 {
    if share == 0.0 {
        return values[low];
    }
    let (low, high) = (values[low], values[low + 1]);
    let step = high - low;
    if step.is_finite() { low + share * step } else { low * (1.0 - share) + high * share }
}

/// The least and the greatest value.
pub fn range(column: &Column) -> Option<(f64, f64)> {
    let values = numbers(column);
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    let greatest = values.iter().copied().max_by(f64::total_cmp)?;
    Some((least, greatest))
}

/// The most frequent value; the smallest of several.
pub fn mode(column: &Column) -> Option<Value> {
    value_counts(column).into_iter().next().map(|(value, _)| value)
}

/// The last value that isn't missing.
pub fn last(column: &Column) -> Option<Value> {
    let mask = column.is_not_null();
    (0..column.len()).rev().find(|row| mask.get(*row) == Some(true)).map(|row| value_at(column, row))
}

/// Each value and how many rows have it: the most frequent first, equals in their order.
pub fn value_counts(column: &Column) -> Vec<(Value, usize)> {
    let mut counts: Vec<(Value, usize)> = match column.str() {
        Ok(texts) => {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for text in texts.iter().flatten() {
                *counts.entry(text).or_default() += 1;
            }
            counts.into_iter().map(|(text, count)| (Value::str(text), count)).collect()
        }
        Err(_) => {
            let mut values: Vec<Value> =
                (0..column.len()).map(|row| value_at(column, row)).filter(|value| !value.is_null()).collect();
            sort(&mut values);
            let mut counts: Vec<(Value, usize)> = Vec::new();
            for value in values {
                match counts.last_mut() {
                    Some((before, count)) if *before == value => *count += 1,
                    _ => counts.push((value, 1)),
                }
            }
            counts
        }
    };
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.order(b)));
    counts
}

/// Sorts values in their order.
pub fn sort(values: &mut [Value]) {
    values.sort_by(Value::order);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Kind, column_of};

    fn column(values: &[f64]) -> Column {
        let values: Vec<Value> = values.iter().map(|value| Value::float(*value)).collect();
        column_of("x", Kind::Float, &values)
    }

    #[test]
    fn statistics_pass_over_missing_values() {
        let x = column(&[1.0, f64::NAN, 4.0, 2.0, 3.0]);
        assert_eq!(mean(&x), Some(2.5));
        assert_eq!(median(&x), Some(2.5));
        assert_eq!(std(&x), Some(1.25f64.sqrt()));
        assert_eq!(quantile(&x, 0.25), Some(1.75));
        assert_eq!(quantiles(&x, [1.0, 0.0, 0.5]), Some(vec![4.0, 1.0, 2.5]));
        assert_eq!(even_quantiles(&x, 7), Some(vec![1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]));
        assert_eq!(even_quantiles(&column(&[2.0]), 3), Some(vec![2.0; 3]));
        assert_eq!(range(&x), Some((1.0, 4.0)));
        assert_eq!(last(&x), Some(Value::Float(3.0)));
        assert_eq!(mean(&column(&[f64::NAN])), None);
        assert_eq!(mean(&column(&[0.1; 3000])), Some(0.1));
        assert_eq!(std(&column(&[0.1; 3000])), Some(0.0));
    }

    #[test]
    fn numbers_near_the_end_of_the_floats_have_statistics() {
        let huge = column(&[1.5e308, -1.5e308, 1.5e308, 1.5e308]);
        assert_eq!(mean(&huge), Some(7.5e307));
        assert_eq!(quantile(&huge, 0.25), Some(7.5e307));
        let spread = std(&huge).expect("a number");
        assert!((spread / 1.299_038_105_676_658e308 - 1.0).abs() < 1e-12, "{spread}");
    }

    #[test]
    fn the_mode_is_the_smallest_of_the_most_frequent() {
        let texts = ["b", "a", "b", "a", "c"].map(Value::str);
        assert_eq!(mode(&column_of("x", Kind::Category, &texts)), Some(Value::str("a")));
        assert_eq!(mode(&column(&[3.0, 1.0, 3.0])), Some(Value::Float(3.0)));
    }
}
