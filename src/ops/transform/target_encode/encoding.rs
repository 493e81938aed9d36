//! The target's mean in each category, and how it is mixed with the mean of all.

use std::collections::HashMap;

use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};

use crate::data::{Cells, Kind, Table, Value, row_keys, stats, unexpected, value_at};
use crate::source::Fault;

/// What stands for each category of a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Encoding {
    /// The categories, in order; a missing value is one.
    pub(super) values: Cells,
    /// The target's classes, if there are more than two; each has means of its own.
    pub(super) classes: Vec<Value>,
    /// For each class, or for the target as it is: what stands for each category.
    pub(super) means: Vec<Vec<f64>>,
    /// What stands for a category that isn't among them.
    pub(super) overall: Vec<f64>,
}

/// The target of the rows to learn from, as numbers.
pub(super) struct Answers {
    /// More than two classes, in order; else none.
    classes: Vec<Value>,
    /// For each of those classes whether a row is of it; else the target itself, or whether it is of the last class.
    numbers: Vec<Vec<f64>>,
    /// The class of each row; for numbers all are the same.
    pub(super) strata: Vec<usize>,
}

/// The rows to learn from by a column's categories.
pub(super) struct Rows {
    /// The categories, in order.
    values: Vec<Value>,
    /// The category of each row.
    pub(super) codes: Vec<usize>,
}

impl Answers {
    /// Those of the target.
    ///
    /// # Errors
    /// If there is no target, it isn't something that has a mean, or a row has none.
    pub(super) fn of(table: &Table, target: Option<&str>) -> Result<Self, Fault> {
        let Some(target) = target else {
            let fault = Fault::new("no-target", "nothing says which column the means are of");
            return Err(fault.help("write `target: COLUMN` at the top of the file"));
        };
        let kind = table.shape.expect(target)?;
        let column = table.training_column(target)?;
        if kind.is_temporal() {
            return Err(Fault::new("wrong-type", format!("the target `{target}` is {kind}: it has no mean")));
        }
        if column.is_empty() || column.null_count() > 0 {
            let message =
                format!("the target `{target}` has no value in {} of {} train rows", column.null_count(), column.len());
            return Err(Fault::new("missing-values", message).help(format!("put `drop_missing: [{target}]` before")));
        }
        let values: Vec<Value> = (0..column.len()).map(|row| value_at(column, row)).collect();
        if kind.is_numeric() {
            let numbers = values.iter().filter_map(Value::as_f64).collect();
            return Ok(Self { classes: Vec::new(), numbers: vec![numbers], strata: vec![0; values.len()] });
        }
        let mut classes: Vec<Value> = stats::value_counts(column).into_iter().map(|(value, _)| value).collect();
        stats::sort(&mut classes);
        let place = |value: &Value| classes.binary_search_by(|class| class.order(value)).unwrap_or_default();
        let strata: Vec<usize> = values.iter().map(place).collect();
        let is_of = |class: usize| strata.iter().map(|own| f64::from(u8::from(*own == class))).collect();
        if classes.len() > 2 {
            let numbers = (0..classes.len()).map(is_of).collect();
            return Ok(Self { classes, numbers, strata });
        }
        // Of true and false, true is the last one, even if all rows are false.
        let last = if kind == Kind::Bool {
            classes.iter().position(|class| *class == Value::Bool(true))
        } else {
            classes.len().checked_sub(1)
        };
        Ok(Self { numbers: vec![is_of(last.unwrap_or(classes.len()))], classes: Vec::new(), strata })
    }
}

impl Rows {
    /// Those of a column.
    pub(super) fn of(frame: &DataFrame, name: &String) -> Result<Self, Fault> {
        let column = frame.column(name).map_err(unexpected)?;
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut values: Vec<(Value, usize)> = Vec::new();
        let mut codes = Vec::with_capacity(frame.height());
        for (row, key) in row_keys(frame, std::slice::from_ref(name))?.into_iter().enumerate() {
            codes.push(*places.entry(key).or_insert_with(|| {
                values.push((value_at(column, row), values.len()));
                values.len() - 1
            }));
        }
        values.sort_by(|(a, _), (b, _)| a.order(b));
        let mut ranks = vec![0; values.len()];
        values.iter().enumerate().for_each(|(rank, (_, place))| ranks[*place] = rank);
        codes.iter_mut().for_each(|code| *code = ranks[*code]);
        Ok(Self { values: values.into_iter().map(|(value, _)| value).collect(), codes })
    }
}

impl Encoding {
    /// What stands for each category, by these of the rows; the column is of `kind`.
    pub(super) fn of(rows: &Rows, kind: Kind, answers: &Answers, learned: &[usize], smoothing: Option<f64>) -> Self {
        let (mut means, mut overall) = (Vec::new(), Vec::new());
        for numbers in &answers.numbers {
            let (own, all) = mixed(rows, numbers, learned, smoothing);
            means.push(own);
            overall.push(all);
        }
        Self { values: Cells::new(kind, rows.values.iter().cloned()), classes: answers.classes.clone(), means, overall }
    }
}

/// The mean of each category mixed with the mean of all, and that.
///
/// With smoothing m: (sum + m·mean) / (count + m). Without, by empirical Bayes (Micci-Barreca 2001, as scikit-learn): the share
/// λ = σ²·n / (σ²·n + s²) of the category's own mean, with the variance σ² of all, its own s², and its n rows.
fn mixed(rows: &Rows, numbers: &[f64], learned: &[usize], smoothing: Option<f64>) -> (Vec<f64>, f64) {
    let count = learned.len() as f64;
    let mean = stats::sum(learned.iter().map(|row| numbers[*row])) / count;
    let mut counts = vec![0.0; rows.values.len()];
    let mut means = vec![0.0; rows.values.len()];
    for row in learned {
        counts[rows.codes[*row]] += 1.0;
        means[rows.codes[*row]] += numbers[*row];
    }
    let sized = means.iter_mut().zip(&counts).filter(|(_, count)| **count > 0.0);
    let Some(smoothing) = smoothing else {
        sized.for_each(|(sum, count)| *sum /= count);
        let variance = stats::sum(learned.iter().map(|row| (numbers[*row] - mean).powi(2))) / count;
        let mut squares = vec![0.0; means.len()];
        for row in learned {
            squares[rows.codes[*row]] += (numbers[*row] - means[rows.codes[*row]]).powi(2);
        }
        for ((own, count), squares) in means.iter_mut().zip(&counts).zip(&squares) {
            let share = variance * count / (variance * count + squares / count);
            *own = if share.is_nan() { mean } else { share * *own + (1.0 - share) * mean };
        }
        return (means, mean);
    };
    for (sum, count) in means.iter_mut().zip(&counts) {
        *sum = if *count > 0.0 { (*sum + smoothing * mean) / (count + smoothing) } else { mean };
    }
    (means, mean)
}
