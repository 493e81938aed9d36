//! Metrics of labels: all from how often each class is, is said, and is said rightly. Where a share is 0 of 0, it is 0.

use serde::{Deserialize, Serialize};

use super::sheet::{Draw, Sheet};
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

/// Precision, recall and f1 averaged over classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Of precision.
    pub precision: f64,
    /// Of recall.
    pub recall: f64,
    /// Of f1.
    pub f1: f64,
}

/// What holds over all classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overall {
    /// The share of rows whose class is right.
    pub accuracy: f64,
    /// The mean over the classes that occur in the truth or in the prediction.
    pub macro_avg: Average,
    /// The mean over the rows of their true class' value.
    pub weighted_avg: Average,
}

/// What there is to say of labels, class after class and over all of them: scikit-learn's `classification_report`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// One for each class, also those that don't occur.
    pub classes: Vec<ClassReport>,
    /// Over all of them.
    pub overall: Overall,
}

/// How many rows of each true class (first index) were called each class (second).
///
/// # Errors
/// If these aren't classes.
pub fn confusion(sheet: &Sheet) -> Result<Vec<Vec<u64>>, Fault> {
    let classes = sheet.of_classes()?;
    let mut matrix = vec![vec![0; classes.count]; classes.count];
    for (code, label) in classes.codes.iter().zip(&classes.labels) {
        matrix[*code as usize][*label as usize] += 1;
    }
    Ok(matrix)
}

/// Precision, recall, f1 and support of each class, and their averages.
///
/// # Errors
/// If these aren't classes.
pub fn report(sheet: &Sheet) -> Result<Report, Fault> {
    let tally = sheet.of_classes()?.tally(sheet.whole());
    let averaged = |over: fn(&Tally, Pick) -> f64| Average {
        precision: over(tally, PRECISION),
        recall: over(tally, RECALL),
        f1: over(tally, F1),
    };
    let (macro_avg, weighted_avg) = (averaged(macro_average), averaged(weighted_average));
    Ok(Report { classes: tally.classes(), overall: Overall { accuracy: tally.accuracy(), macro_avg, weighted_avg } })
}

/// How often each class is, is said, and is said rightly.
pub(super) struct Tally {
    right: Vec<u64>,
    support: Vec<u64>,
    predicted: Vec<u64>,
    rows: u64,
}

impl Tally {
    pub(super) fn of(codes: &[u32], labels: &[u32], count: usize, weights: &[u32]) -> Self {
        let mut tally = Self { right: vec![0; count], support: vec![0; count], predicted: vec![0; count], rows: 0 };
        for ((&code, &label), &weight) in codes.iter().zip(labels).zip(weights) {
            let weight = u64::from(weight);
            tally.support[code as usize] += weight;
            tally.predicted[label as usize] += weight;
            if code == label {
                tally.right[code as usize] += weight;
            }
            tally.rows += weight;
        }
        tally
    }

    fn class(&self, class: usize) -> ClassReport {
        let (right, support, predicted) = (self.right[class], self.support[class], self.predicted[class]);
        ClassReport {
            precision: share(right, predicted),
            recall: share(right, support),
            f1: share(2 * right, predicted + support),
            support,
            predicted,
        }
    }

    pub(super) fn classes(&self) -> Vec<ClassReport> {
        (0..self.support.len()).map(|class| self.class(class)).collect()
    }

    /// How many rows are of a class.
    pub(super) fn support(&self, class: usize) -> u64 {
        self.support[class]
    }

    fn accuracy(&self) -> f64 {
        share(self.right.iter().sum(), self.rows)
    }

    /// How many pairs of a row's class and a row's label there would be of each class, if neither knew of the other.
    fn products(&self, of: &[u64], with: &[u64]) -> f64 {
        of.iter().zip(with).map(|(of, with)| *of as f64 * *with as f64).sum()
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn tally<'d>(sheet: &Sheet, draw: &'d Draw) -> Result<&'d Tally, Fault> {
    Ok(sheet.of_classes()?.tally(draw))
}

type Pick = fn(&ClassReport) -> f64;
const PRECISION: Pick = |class| class.precision;
const RECALL: Pick = |class| class.recall;
const F1: Pick = |class| class.f1;

/// The mean over the classes that `counts` says to count.
fn average(tally: &Tally, counts: fn(&ClassReport) -> bool, pick: Pick) -> f64 {
    let (mut total, mut found) = (0.0, 0usize);
    for class in (0..tally.support.len()).map(|class| tally.class(class)).filter(counts) {
        total += pick(&class);
        found += 1;
    }
    total / found as f64
}

/// The mean over classes that occur in the truth or in the prediction.
fn macro_average(tally: &Tally, pick: Pick) -> f64 {
    average(tally, |class| class.support + class.predicted > 0, pick)
}

/// The mean over rows of their true class' value.
fn weighted_average(tally: &Tally, pick: Pick) -> f64 {
    let classes = (0..tally.support.len()).map(|class| tally.class(class));
    classes.map(|class| class.support as f64 * pick(&class)).sum::<f64>() / tally.rows as f64
}

/// The positive class' value; for any other number of classes than two the macro average.
fn plain(sheet: &Sheet, draw: &Draw, pick: Pick) -> Result<f64, Fault> {
    let classes = sheet.of_classes()?;
    match (classes.count, classes.positive as usize) {
        (2, positive @ 0..2) => Ok(pick(&classes.tally(draw).class(positive))),
        (2, _) => Err(Fault::new("unknown-class", "the positive class is none of the two")),
        _ => Ok(macro_average(classes.tally(draw), pick)),
    }
}

pub(super) fn accuracy(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(tally(sheet, draw)?.accuracy())
}

/// The mean recall of the classes that occur in the truth.
pub(super) fn balanced_accuracy(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(average(tally(sheet, draw)?, |class| class.support > 0, RECALL))
}

/// Each wrong row is one false positive and one false negative: all micro averages are the accuracy.
pub(super) fn micro(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    accuracy(sheet, draw)
}

pub(super) fn precision(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    plain(sheet, draw, PRECISION)
}

pub(super) fn precision_macro(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(macro_average(tally(sheet, draw)?, PRECISION))
}

pub(super) fn precision_weighted(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(weighted_average(tally(sheet, draw)?, PRECISION))
}

pub(super) fn recall(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    plain(sheet, draw, RECALL)
}

pub(super) fn recall_macro(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(macro_average(tally(sheet, draw)?, RECALL))
}

pub(super) fn recall_weighted(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(weighted_average(tally(sheet, draw)?, RECALL))
}

pub(super) fn f1(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    plain(sheet, draw, F1)
}

pub(super) fn f1_macro(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(macro_average(tally(sheet, draw)?, F1))
}

pub(super) fn f1_weighted(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    Ok(weighted_average(tally(sheet, draw)?, F1))
}

/// Matthews' correlation of classes and labels, for any number of classes (Gorodkin 2004). 0 where all rows are of one
/// class or called so, as scikit-learn says.
pub(super) fn mcc(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let tally = tally(sheet, draw)?;
    let rows = tally.rows as f64;
    let right = tally.right.iter().sum::<u64>() as f64;
    let spread = |of: &[u64]| rows * rows - tally.products(of, of);
    let (true_spread, said_spread) = (spread(&tally.support), spread(&tally.predicted));
    if true_spread <= 0.0 || said_spread <= 0.0 {
        return Ok(0.0);
    }
    let common = right * rows - tally.products(&tally.support, &tally.predicted);
    Ok(common / (true_spread.sqrt() * said_spread.sqrt()))
}

/// How much of the agreement that chance doesn't give there is (Cohen 1960).
pub(super) fn kappa(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let tally = tally(sheet, draw)?;
    let by_chance = tally.products(&tally.support, &tally.predicted) / (tally.rows as f64 * tally.rows as f64);
    if by_chance >= 1.0 {
        return Err(Fault::new(
            "one-class",
            "`kappa` needs more than one class, and all these rows are and are called the same",
        )
        .help("judge on more rows, or split with `stratify`"));
    }
    Ok((tally.accuracy() - by_chance) / (1.0 - by_chance))
}
