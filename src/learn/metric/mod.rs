//! How well predictions fit the truth: the catalogue of metrics.

mod bootstrap;
mod catalogue;
mod classes;
mod curve;
mod numbers;
mod ranking;
mod sheet;
#[cfg(test)]
mod tests;

use super::{Prediction, Target, Task};
use crate::source::Fault;

pub use bootstrap::{Interval, Paired, intervals, paired};
pub use catalogue::{find_metric, metrics};
pub use classes::{Average, ClassReport, Overall, Report, confusion, report};
pub use curve::{ClassCurves, Curves, Gain, PrecisionRecall, Reliability, ReliabilityBin, ResidualBin, Residuals, Roc};
pub use sheet::Sheet;

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

impl Direction {
    /// Whether score `a` is better than `b`; equals are not.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Direction::Higher => a > b,
            Direction::Lower => a < b,
        }
    }
}

/// What is judged.
#[derive(Clone, Copy)]
pub struct Scored<'a> {
    /// The true answers.
    pub truth: &'a Target,
    /// What the model says of the same rows.
    pub prediction: &'a Prediction,
    /// The positive class' index, where there are two. Not read otherwise.
    pub positive: u32,
}

/// One metric.
pub struct MetricEntry {
    /// Its name in the language.
    pub name: &'static str,
    /// What it judges.
    pub task: Task,
    /// Whether more is better.
    pub direction: Direction,
    /// What it says, in a line.
    pub summary: &'static str,
    compute: fn(&Sheet, &sheet::Draw) -> Result<f64, Fault>,
}

/// The score of a prediction.
///
/// # Errors
/// If the metric is for another task, there are no rows or not as many on both sides, or the metric has no value on
/// these rows (`roc_auc` of a single class, `r2` of a single row).
pub fn score(metric: &MetricEntry, scored: &Scored) -> Result<f64, Fault> {
    fits(metric, scored)?;
    Sheet::new(scored, None)?.score(metric)
}

/// Checks that a metric judges what is scored.
fn fits(metric: &MetricEntry, scored: &Scored) -> Result<(), Fault> {
    let task = scored.truth.task();
    if task == metric.task {
        return Ok(());
    }
    let message = format!("`{}` judges a {}, and this is a {}", metric.name, metric.task.name(), task.name());
    Err(Fault::new("wrong-task", message))
}

/// Checks that truth and prediction go together.
fn fitting(truth: &Target, prediction: &Prediction) -> Result<(), Fault> {
    let same = match (truth, prediction) {
        (Target::Classes { codes, count }, Prediction::Probabilities { classes, .. }) => {
            count == classes && codes.iter().all(|&code| (code as usize) < *count)
        }
        (Target::Numbers(_), Prediction::Numbers(_)) => true,
        _ => false,
    };
    if !same {
        return Err(Fault::new("answers-differ", "the predictions are of other classes than the truth"));
    }
    if truth.rows() != prediction.rows() {
        return Err(Fault::new("rows-differ", format!("{} predictions for {} rows", prediction.rows(), truth.rows())));
    }
    if truth.rows() == 0 {
        return Err(Fault::new("no-rows", "there are no rows to judge on"));
    }
    Ok(())
}
