//! Metrics of labels: all from the confusion matrix. Where a share is 0 of 0, it is 0.

use super::{Scored, fitting};
use crate::learn::{Prediction, Target};
use crate::source::Fault;

/// One class of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassReport {
    /// How many rows called so are so.
    pub precision: f64,
    /// How many rows that are so are called so.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// How many rows are so.
    pub support: u64,
    /// How many rows are called so.
    pub predicted: u64,
}

/// What there is to say of labels, class after class.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// One for each class, also those that don't occur.
    pub classes: Vec<ClassReport>,
    /// The share of rows whose class is right.
    pub accuracy: f64,
}

/// How many rows of each true class (first index) were called each class (second).
///
/// # Errors
/// If these aren't classes, or truth and prediction don't go together.
pub fn confusion(truth: &Target, prediction: &Prediction) -> Result<Vec<Vec<u64>>, Fault> {
    let (Target::Classes { codes, count }, Some(labels)) = (truth, prediction.labels()) else {
        return Err(Fault::new("wrong-task", "only classes have a confusion matrix"));
    };
    fitting(truth, prediction)?;
    let mut matrix = vec![vec![0; *count]; *count];
    for (&code, label) in codes.iter().zip(labels) {
        matrix[code as usize][label as usize] += 1;
    }
    Ok(matrix)
}

/// Precision, recall, f1 and support of each class.
///
/// # Errors
/// As [`confusion`].
pub fn report(truth: &Target, prediction: &Prediction) -> Result<Report, Fault> {
    let matrix = confusion(truth, prediction)?;
    let classes = (0..matrix.len()).map(|class| of_class(&matrix, class)).collect();
    let right = (0..matrix.len()).map(|class| matrix[class][class]).sum();
    let rows = matrix.iter().flatten().sum();
    Ok(Report { classes, accuracy: share(right, rows) })
}

fn of_class(matrix: &[Vec<u64>], class: usize) -> ClassReport {
    let right = matrix[class][class];
    let support: u64 = matrix[class].iter().sum();
    let predicted: u64 = matrix.iter().map(|row| row[class]).sum();
    ClassReport {
        precision: share(right, predicted),
        recall: share(right, support),
        f1: share(2 * right, predicted + support),
        support,
        predicted,
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

type Pick = fn(&ClassReport) -> f64;
const PRECISION: Pick = |class| class.precision;
const RECALL: Pick = |class| class.recall;
const F1: Pick = |class| class.f1;

/// The mean over classes that occur in the truth or in the prediction.
fn macro_average(scored: &Scored, pick: Pick) -> Result<f64, Fault> {
    let report = report(scored.truth, scored.prediction)?;
    let occur = report.classes.iter().filter(|class| class.support + class.predicted > 0);
    let values: Vec<f64> = occur.map(pick).collect();
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// The mean over rows of their true class' value.
fn weighted_average(scored: &Scored, pick: Pick) -> Result<f64, Fault> {
    let report = report(scored.truth, scored.prediction)?;
    let total: f64 = report.classes.iter().map(|class| class.support as f64 * pick(class)).sum();
    Ok(total / scored.truth.rows() as f64)
}

/// The positive class' value; for any other number of classes than two the macro average.
fn plain(scored: &Scored, pick: Pick) -> Result<f64, Fault> {
    let report = report(scored.truth, scored.prediction)?;
    match report.classes.get(scored.positive as usize) {
        Some(positive) if report.classes.len() == 2 => Ok(pick(positive)),
        None if report.classes.len() == 2 => Err(Fault::new("unknown-class", "the positive class is none of the two")),
        _ => macro_average(scored, pick),
    }
}

pub(super) fn accuracy(scored: &Scored) -> Result<f64, Fault> {
    Ok(report(scored.truth, scored.prediction)?.accuracy)
}

/// The mean recall of the classes that occur in the truth.
pub(super) fn balanced_accuracy(scored: &Scored) -> Result<f64, Fault> {
    let report = report(scored.truth, scored.prediction)?;
    let occur = report.classes.iter().filter(|class| class.support > 0);
    let values: Vec<f64> = occur.map(RECALL).collect();
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// Each wrong row is one false positive and one false negative: all micro averages are the accuracy.
pub(super) fn micro(scored: &Scored) -> Result<f64, Fault> {
    accuracy(scored)
}

pub(super) fn precision(scored: &Scored) -> Result<f64, Fault> {
    plain(scored, PRECISION)
}

pub(super) fn precision_macro(scored: &Scored) -> Result<f64, Fault> {
    macro_average(scored, PRECISION)
}

pub(super) fn precision_weighted(scored: &Scored) -> Result<f64, Fault> {
    weighted_average(scored, PRECISION)
}

pub(super) fn recall(scored: &Scored) -> Result<f64, Fault> {
    plain(scored, RECALL)
}

pub(super) fn recall_macro(scored: &Scored) -> Result<f64, Fault> {
    macro_average(scored, RECALL)
}

pub(super) fn recall_weighted(scored: &Scored) -> Result<f64, Fault> {
    weighted_average(scored, RECALL)
}

pub(super) fn f1(scored: &Scored) -> Result<f64, Fault> {
    plain(scored, F1)
}

pub(super) fn f1_macro(scored: &Scored) -> Result<f64, Fault> {
    macro_average(scored, F1)
}

pub(super) fn f1_weighted(scored: &Scored) -> Result<f64, Fault> {
    weighted_average(scored, F1)
}
