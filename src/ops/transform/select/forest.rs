//! How much each column tells beside the others: its share in what a random forest learns.

use polars::prelude::Column;
use serde_json::Value as Json;

use super::score::{Answers, codes, numbers};
use crate::data::Matrix;
use crate::learn::{Target, Training, find_model};
use crate::source::Fault;

/// Each column's mean decrease in impurity, by a random forest with defaults; together 1, or all 0 where there is nothing to
/// tell apart. Rows whose target has no value don't count.
///
/// # Errors
/// If a column holds an infinite number.
pub(super) fn scores(columns: &[&Column], answers: &Answers, seed: u64) -> Result<Vec<f64>, Fault> {
    let rows: Vec<usize> = (0..answers.values.len()).filter(|row| !answers.values[*row].is_nan()).collect();
    let y = target(answers, &rows);
    if columns.is_empty() || rows.is_empty() || matches!(y, Target::Classes { count: 1, .. }) {
        return Ok(vec![0.0; columns.len()]);
    }
    let x = matrix(columns)?.take(&rows);
    let forest = (find_model("random_forest")?.check)(Json::Null).map_err(crate::ops::first)?;
    let learned = forest.fit(&Training::new(&x, &y).seeded(seed))?;
    Ok(learned.importance().map_or_else(|| vec![0.0; columns.len()], <[f64]>::to_vec))
}

/// The answers of rows that have one: classes by their place among those that occur, or numbers.
fn target(answers: &Answers, rows: &[usize]) -> Target {
    let values: Vec<f64> = rows.iter().map(|row| answers.values[*row]).collect();
    if !answers.classes {
        return Target::Numbers(values);
    }
    let mut known = values.clone();
    known.sort_unstable_by(f64::total_cmp);
    known.dedup();
    let place = |value: &f64| known.partition_point(|other| other < value) as u32;
    Target::Classes { codes: values.iter().map(place).collect(), count: known.len() }
}

/// The columns side by side: numbers, and texts as categories.
fn matrix(columns: &[&Column]) -> Result<Matrix, Fault> {
    let rows = columns.first().map_or(0, |column| column.len());
    let (mut values, mut levels) = (Vec::with_capacity(columns.len() * rows), Vec::new());
    for column in columns {
        let is_text = column.str().is_ok();
        let found = if is_text { codes(column) } else { numbers(column)? };
        let most = found.iter().copied().filter(|value| !value.is_nan()).fold(-1.0, f64::max);
        levels.push(is_text.then_some((most + 1.0) as u32));
        values.extend(found);
    }
    let names = columns.iter().map(|column| column.name().to_string()).collect();
    Ok(Matrix::new(names, rows, values).with_levels(levels))
}
