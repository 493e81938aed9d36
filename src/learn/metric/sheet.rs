//! Predictions beside the truth, laid out so that a metric of any resample of the rows is one pass over them.

use std::sync::OnceLock;

use super::classes::Tally;
use super::numbers::Errors;
use super::ranking::Ranks;
use super::{MetricEntry, Scored};
use crate::learn::chance::Chance;
use crate::learn::{Prediction, Target};
use crate::source::Fault;

/// Up to so many places the rows' order by each class is remembered (80 MB); else it is found when it is asked for.
const RANKED: usize = 20_000_000;

/// How often each row counts: once, or as a draw with replacement says.
pub(super) struct Draw {
    pub(super) weights: Vec<u32>,
    pub(super) total: u64,
    /// Of the sheet that it is read with.
    tally: OnceLock<Tally>,
}

impl Draw {
    /// Each row once.
    pub(super) fn once(rows: usize) -> Self {
        Self { weights: vec![1; rows], total: rows as u64, tally: OnceLock::new() }
    }

    /// As many rows as there are, drawn with replacement.
    pub(super) fn with_replacement(rows: usize, chance: &mut Chance) -> Self {
        let mut weights = vec![0; rows];
        for _ in 0..rows {
            weights[chance.below(rows)] += 1;
        }
        Self { weights, total: rows as u64, tally: OnceLock::new() }
    }

    /// The same rows, for another sheet.
    pub(super) fn again(&self) -> Self {
        Self { weights: self.weights.clone(), total: self.total, tally: OnceLock::new() }
    }

    /// The sum of a value of each row that counts, in blocks of fixed length.
    pub(super) fn sum(&self, value: impl Fn(usize) -> f64) -> f64 {
        let weighted = self.weights.iter().enumerate();
        crate::data::stats::sum(weighted.map(|(row, &weight)| match weight {
            0 => 0.0,
            weight => f64::from(weight) * value(row),
        }))
    }

    /// The mean of a value over the rows that count.
    pub(super) fn mean(&self, value: impl Fn(usize) -> f64) -> f64 {
        self.sum(value) / self.total as f64
    }
}

/// True and predicted classes.
pub(super) struct Classes<'a> {
    pub(super) codes: &'a [u32],
    pub(super) count: usize,
    /// Row after row, `count` probabilities each.
    pub(super) values: &'a [f64],
    pub(super) positive: u32,
    pub(super) labels: Vec<u32>,
    ranks: Vec<OnceLock<Ranks>>,
    pub(super) losses: OnceLock<Vec<f64>>,
    pub(super) distances: OnceLock<Vec<f64>>,
}

impl Classes<'_> {
    /// How many rows of each class there are, are called so, and both.
    pub(super) fn tally<'d>(&self, draw: &'d Draw) -> &'d Tally {
        draw.tally.get_or_init(|| Tally::of(self.codes, &self.labels, self.count, &draw.weights))
    }

    /// The probability of a class in a row.
    pub(super) fn chance(&self, row: usize, class: usize) -> f64 {
        self.values[row * self.count + class]
    }

    /// Does something with the rows in the order of a class' probability.
    pub(super) fn ranked<T>(&self, class: usize, read: impl FnOnce(&Ranks) -> T) -> T {
        match self.ranks.get(class) {
            Some(known) => read(known.get_or_init(|| Ranks::of(self, class))),
            None => read(&Ranks::of(self, class)),
        }
    }
}

/// True and predicted numbers.
pub(super) struct Numbers<'a> {
    pub(super) truth: &'a [f64],
    pub(super) predicted: &'a [f64],
    pub(super) errors: OnceLock<Errors>,
}

impl Numbers<'_> {
    pub(super) fn errors(&self) -> &Errors {
        self.errors.get_or_init(|| Errors::of(self.truth, self.predicted))
    }
}

enum Answers<'a> {
    Classes(Classes<'a>),
    Numbers(Numbers<'a>),
}

/// Predictions beside the truth.
pub struct Sheet<'a> {
    scored: Scored<'a>,
    threshold: Option<f64>,
    answers: Answers<'a>,
    once: Draw,
}

impl<'a> Sheet<'a> {
    /// Lays predictions out. With `threshold` a row is called positive from that probability on, and else the
    /// other of the first two classes; without it as the likeliest class.
    ///
    /// # Errors
    /// If there are no rows, or truth and prediction don't go together.
    pub fn new(scored: &Scored<'a>, threshold: Option<f64>) -> Result<Self, Fault> {
        super::fitting(scored.truth, scored.prediction)?;
        let answers = match (scored.truth, scored.prediction) {
            (Target::Classes { codes, count }, Prediction::Probabilities { values, .. }) => {
                let ranks = if codes.len() * count <= RANKED { *count } else { 0 };
                Answers::Classes(Classes {
                    codes,
                    count: *count,
                    values,
                    positive: scored.positive,
                    labels: labels(scored, threshold),
                    ranks: (0..ranks).map(|_| OnceLock::new()).collect(),
                    losses: OnceLock::new(),
                    distances: OnceLock::new(),
                })
            }
            (Target::Numbers(truth), Prediction::Numbers(predicted)) => {
                Answers::Numbers(Numbers { truth, predicted, errors: OnceLock::new() })
            }
            _ => unreachable!("truth and prediction were found to go together"),
        };
        Ok(Self { scored: *scored, threshold, answers, once: Draw::once(scored.truth.rows()) })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.once.weights.len()
    }

    /// How many classes there are; 0 for numbers.
    pub fn classes(&self) -> usize {
        match &self.answers {
            Answers::Classes(classes) => classes.count,
            Answers::Numbers(_) => 0,
        }
    }

    /// What is judged.
    pub(super) fn scored(&self) -> &Scored<'a> {
        &self.scored
    }

    /// From which probability on a row is called positive.
    pub(super) fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    pub(super) fn of_classes(&self) -> Result<&Classes<'a>, Fault> {
        match &self.answers {
            Answers::Classes(classes) => Ok(classes),
            Answers::Numbers(_) => Err(Fault::new("wrong-task", "only classes have labels and probabilities")),
        }
    }

    pub(super) fn of_numbers(&self) -> Result<&Numbers<'a>, Fault> {
        match &self.answers {
            Answers::Numbers(numbers) => Ok(numbers),
            Answers::Classes(_) => Err(Fault::new("wrong-task", "only numbers have a distance")),
        }
    }

    /// Each row once.
    pub(super) fn whole(&self) -> &Draw {
        &self.once
    }

    /// The score by a metric.
    ///
    /// # Errors
    /// If the metric is for another task, or has no value on these rows (`roc_auc` of a single class).
    pub fn score(&self, metric: &MetricEntry) -> Result<f64, Fault> {
        super::fits(metric, &self.scored)?;
        let value = (metric.compute)(self, &self.once)?;
        if value.is_finite() {
            return Ok(value);
        }
        Err(Fault::new("no-score", format!("`{}` has no finite value on these rows", metric.name)))
    }

    /// Whether a score is of these rows, and not what a share of 0 of 0 is taken for: rows without a positive one have
    /// no recall.
    pub fn is_defined(&self, metric: &MetricEntry) -> bool {
        let Ok(classes) = self.of_classes() else { return true };
        let found = |is: fn(&super::ClassReport) -> bool| {
            let tally = classes.tally(&self.once).classes();
            match classes.count {
                2 => tally.get(classes.positive as usize).is_some_and(is),
                _ => tally.iter().any(is),
            }
        };
        match metric.name {
            "recall" => found(|class| class.support > 0),
            "precision" => found(|class| class.predicted > 0),
            "f1" => found(|class| class.support + class.predicted > 0),
            _ => true,
        }
    }
}

/// Of the first two classes the positive one from the threshold on; without one the likeliest of all.
fn labels(scored: &Scored, threshold: Option<f64>) -> Vec<u32> {
    match (threshold, scored.prediction.probability(scored.positive)) {
        (Some(threshold), Some(chances)) if scored.positive < 2 => {
            let label = |chance| if chance >= threshold { scored.positive } else { 1 - scored.positive };
            chances.into_iter().map(label).collect()
        }
        _ => scored.prediction.labels().unwrap_or_default(),
    }
}
