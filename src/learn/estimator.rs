//! What a fit leaves behind: data only, that says something of any row.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bayes::Bayes;
use super::calibration::Calibrated;
use super::explain::Explanation;
use super::fusion::{Ensemble, Mix};
use super::linear::{Constant, Line, Logistic};
use super::memory::Resumable;
use super::neighbors::Neighbors;
use super::neural::Network;
use super::shapley::{self, Background};
use super::svm::{Duels, Machine};
use super::transform::{TargetScale, Transformed};
use super::tree::{Boosted, Forest};
use super::{Prediction, Task};
use crate::data::Matrix;
use crate::source::Fault;

/// What every kind of estimator can do. A new kind implements it beside its data, and gets a line in [`Estimator`] and
/// one in `Estimator::fitted`.
pub(super) trait Fitted: Sync {
    /// Whether it answers with classes or numbers.
    fn task(&self) -> Task;
    /// How many features a row has; `None` if it reads none.
    fn columns(&self) -> Option<usize>;
    /// How many values it gives for a row: one a class, or one number.
    fn outputs(&self) -> usize;
    /// Each feature's share; `None` if it knows none.
    fn importance(&self) -> Option<&[f64]>;
    /// What the fit tells of itself, in the order to be shown: how many trees, an out-of-bag score.
    fn facts(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
    /// Says something of one row.
    fn row(&self, row: &[f64], into: &mut [f64]);
    /// Says something of rows of `columns` values each, bit for bit what `row` says.
    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        for (nth, into) in into.chunks_mut(self.outputs()).enumerate() {
            self.row(&rows[nth * columns..(nth + 1) * columns], into);
        }
    }
    /// How many rows are best predicted at a time.
    fn block(&self) -> usize {
        256
    }
    /// What each feature contributes to what it says of a row; `None` if that isn't known exactly.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let _ = row;
        None
    }
    /// Says something of the rows of a matrix from `first` on, as many as `into` has places for, bit for bit what
    /// `row` says.
    fn matrix(&self, x: &Matrix, first: usize, into: &mut [f64]) {
        let (columns, outputs) = (x.columns(), self.outputs());
        let mut rows = vec![0.0; into.len() / outputs * columns];
        for column in 0..columns {
            let values = &x.column(column)[first..];
            for (slot, value) in rows[column..].iter_mut().step_by(columns).zip(values) {
                *slot = *value;
            }
        }
        self.rows(&rows, columns, into);
    }
    /// Whether its numbers hang together, so that no row can lead out of bounds.
    fn is_sound(&self) -> bool;
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The same answer for every row.
    Constant(Constant),
    /// A weighted sum.
    Line(Line),
    /// Weighted sums, one a class, taken as log-odds.
    Logistic(Logistic),
    /// Classes with a likelihood for each feature.
    Bayes(Bayes),
    /// Training rows that answer for those near them.
    Neighbors(Neighbors),
    /// Trees whose answers are averaged.
    Forest(Forest),
    /// Another one with its probabilities calibrated.
    Calibrated(Calibrated),
    /// Several as one.
    Ensemble(Ensemble),
    /// A mean of answers.
    Mix(Mix),
    /// Another one with what it takes to go on from it.
    Resumable(Resumable),
    /// Another one with its numbers brought back from another scale.
    Transformed(Transformed),
    /// Trees whose answers are summed up.
    Boosted(Boosted),
    /// Weighted similarities with support vectors.
    Machine(Machine),
    /// Weighted sums that decide between each two classes.
    Duels(Duels),
    /// Layers of bent sums.
    Network(Network),
    /// A network that was made elsewhere.
    Onnx(super::onnx::Network),
}

impl Estimator {
    pub(super) fn fitted(&self) -> &dyn Fitted {
        match self {
            Estimator::Constant(constant) => constant,
            Estimator::Line(line) => line,
            Estimator::Logistic(logistic) => logistic,
            Estimator::Bayes(bayes) => bayes,
            Estimator::Neighbors(neighbors) => neighbors,
            Estimator::Forest(forest) => forest,
            Estimator::Calibrated(calibrated) => calibrated,
            Estimator::Ensemble(ensemble) => ensemble,
            Estimator::Mix(mix) => mix,
            Estimator::Resumable(resumable) => resumable,
            Estimator::Transformed(transformed) => transformed,
            Estimator::Boosted(boosted) => boosted,
            Estimator::Machine(machine) => machine,
            Estimator::Duels(duels) => duels,
            Estimator::Network(network) => network,
            Estimator::Onnx(network) => network,
        }
    }

    /// What was learned of the features, without what was learned of its answers: the scale that they are brought back
    /// from is told besides.
    pub fn bare(&self) -> (&Self, Option<&TargetScale>) {
        match self {
            Estimator::Calibrated(calibrated) => calibrated.inner.bare(),
            Estimator::Transformed(transformed) => (&transformed.inner, Some(&transformed.transform)),
            other => (other, None),
        }
    }

    /// The same without what it takes to go on from it, which says nothing of any row.
    #[must_use]
    pub fn settled(self) -> Self {
        match self {
            Estimator::Resumable(resumable) => *resumable.inner,
            Estimator::Calibrated(calibrated) => {
                Estimator::Calibrated(Calibrated { inner: Box::new(calibrated.inner.settled()), ..calibrated })
            }
            Estimator::Transformed(transformed) => {
                Estimator::Transformed(Transformed { inner: Box::new(transformed.inner.settled()), ..transformed })
            }
            other => other,
        }
    }

    /// Whether it answers with classes or numbers.
    pub fn task(&self) -> Task {
        self.fitted().task()
    }

    /// How many features a row has; `None` if it reads none.
    pub fn columns(&self) -> Option<usize> {
        self.fitted().columns()
    }

    /// How many values it gives for a row: one a class, or one number.
    pub fn outputs(&self) -> usize {
        self.fitted().outputs()
    }

    /// What each feature contributes, as shares that sum to 1 (all 0 if none does): the impurity that its splits
    /// took away for trees, |coefficient| × standard deviation for linear models. `None` if it knows none.
    pub fn importance(&self) -> Option<&[f64]> {
        self.fitted().importance()
    }

    /// What the fit tells of itself, each with its name, in the order to be shown.
    pub fn facts(&self) -> Vec<(&'static str, f64)> {
        self.fitted().facts()
    }

    /// The linear model's coefficients, one row a log-odds (one for two classes) or a single one for a regression,
    /// with its intercepts; `None` for others.
    pub fn coefficients(&self) -> Option<(Vec<&[f64]>, &[f64])> {
        match self {
            Estimator::Line(line) => Some((vec![line.coefficients.as_slice()], std::slice::from_ref(&line.intercept))),
            Estimator::Logistic(logistic) => {
                Some((logistic.coefficients.chunks(logistic.columns).collect(), &logistic.intercepts))
            }
            Estimator::Resumable(resumable) => resumable.inner.coefficients(),
            _ => None,
        }
    }

    /// Whether its probabilities are log-odds at heart, which a calibration then reads.
    pub(super) fn is_log_odds(&self) -> bool {
        match self {
            Estimator::Logistic(_) | Estimator::Boosted(_) => true,
            Estimator::Ensemble(ensemble) => ensemble.is_log_odds(),
            Estimator::Resumable(resumable) => resumable.inner.is_log_odds(),
            _ => false,
        }
    }

    /// Says something of rows of `columns` values each, one after another.
    pub(super) fn predict_rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        self.fitted().rows(rows, columns, into);
    }

    /// Says something of one row: of `outputs()` values into `into`. Nothing is allocated for up to 2 classes or
    /// trees of any kind.
    ///
    /// # Panics
    /// If `row` or `into` has another length than `columns()` and `outputs()` tell.
    pub fn predict_row(&self, row: &[f64], into: &mut [f64]) {
        self.fitted().row(row, into);
    }

    /// What each feature contributes to what it says of a row: exactly where what it has learned tells that, else by
    /// sampling mixtures of the row with those of the background.
    ///
    /// # Errors
    /// If it must be sampled and can't: without a background, of very many features, or where an answer is no number.
    ///
    /// # Panics
    /// If `row` has another length than `columns()` tells.
    pub fn explain(&self, row: &[f64], background: &Background) -> Result<Explanation, Fault> {
        match self.fitted().explain(row).filter(Explanation::is_finite) {
            Some(exact) => Ok(exact),
            None => shapley::explain(self, row, background),
        }
    }

    /// Says something of each row, in parallel; bit for bit what `predict_row` says.
    ///
    /// # Errors
    /// If the matrix has another number of columns than the training rows had.
    pub fn predict(&self, x: &Matrix) -> Result<Prediction, Fault> {
        if let Some(columns) = self.columns().filter(|&columns| columns != x.columns()) {
            return Err(Fault::new(
                "columns-differ",
                format!("the model reads {columns} features, and these rows have {}", x.columns()),
            ));
        }
        let (outputs, rows) = (self.outputs(), self.fitted().block());
        let mut values = vec![0.0; x.rows() * outputs];
        values.par_chunks_mut(rows * outputs).enumerate().for_each(|(block, into)| {
            self.fitted().matrix(x, block * rows, into);
        });
        Ok(match self.task() {
            Task::Classification => Prediction::Probabilities { classes: outputs, values },
            Task::Regression => Prediction::Numbers(values),
        })
    }

    /// Checks that data from outside hangs together, so that no row can lead out of bounds.
    ///
    /// # Errors
    /// If it doesn't.
    pub fn check(&self) -> Result<(), Fault> {
        if self.fitted().is_sound() {
            return Ok(());
        }
        Err(Fault::new("broken-model", "the model's numbers do not hang together").help("train it again"))
    }
}
