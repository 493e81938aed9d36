//! Learning from a matrix: models, their estimators, metrics, and cross-validation. No tables, no files.

mod alone;
mod bayes;
mod calibration;
mod centered;
mod chance;
mod cholesky;
mod cv;
mod descent;
mod estimator;
mod explain;
mod fusion;
mod gram;
mod lanes;
mod least_squares;
mod linear;
mod memory;
mod metric;
mod minimize;
mod model;
mod nature;
mod neighbors;
mod neural;
pub mod onnx;
mod permutation;
mod prediction;
#[cfg(test)]
pub(crate) mod reference;
mod scaling;
mod shapley;
mod softmax;
mod spreads;
mod sums;
mod svm;
mod threshold;
mod transform;
mod tree;
pub mod tune;
mod twins;
mod validate;
mod window;

use crate::data::Matrix;
use crate::source::Fault;
use serde::{Deserialize, Serialize};

pub use alone::tells_alone;
pub use bayes::{Bayes, Likelihood};
pub use calibration::{Calibrate, Calibrated, Calibration, CurveView, HeldOut};
pub use cv::{Fold, folds, group_folds, time_folds};
pub use estimator::Estimator;
pub use explain::{Explanation, How, Of, Scale};
pub use fusion::{
    ENSEMBLE, Ensemble, Fusion, Hard, Member, Method, Mix, Params as FusionParams, answer_columns, ensemble_entry,
};
pub use linear::{Constant, Line, Logistic};
pub use memory::{Memory, Resumable};
pub use metric::{
    Average, ClassCurves, ClassReport, Curves, Direction, Gain, Interval, MetricEntry, Overall, Paired,
    PrecisionRecall, Reliability, ReliabilityBin, Report, ResidualBin, Residuals, Roc, Scored, Sheet, confusion,
    find_metric, intervals, metrics, paired, report, score,
};
pub use model::{
    BROUGHT, Brought, Checked, CheckedModel, HyperParameter, Model, ModelEntry, ModelVisitor, catalogue as models,
    find as find_model, with_model,
};
pub use nature::balanced_weights;
pub use neighbors::{Answers, Metric as Distance, Neighbors};
pub use neural::{Activation, Network, Output};
pub use permutation::{Loss, permutation};
pub use prediction::{Prediction, argmax};
pub use shapley::Background;
pub use svm::{Duels, Kernel, Machine, Votes};
pub use threshold::{Goal, best_threshold};
pub use transform::{Quantile, TargetScale, Transform, Transformed, YeoJohnson};
pub use tree::{Boosted, Forest, Link, Trees, View as TreeNode};
pub use twins::twins;

/// What is to be predicted: a class or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
}

impl Task {
    /// The task in a word.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
        }
    }
}

/// The true answers, one a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Classes as indexes into sorted labels that the caller keeps.
    Classes {
        /// One code a row, each below `count`.
        codes: Vec<u32>,
        /// How many classes there are, whether or not they all occur.
        count: usize,
    },
    /// Numbers, all finite.
    Numbers(Vec<f64>),
}

impl Target {
    /// How many rows.
    pub fn rows(&self) -> usize {
        match self {
            Target::Classes { codes, .. } => codes.len(),
            Target::Numbers(numbers) => numbers.len(),
        }
    }

    /// The task that such a target sets.
    pub fn task(&self) -> Task {
        match self {
            Target::Classes { .. } => Task::Classification,
            Target::Numbers(_) => Task::Regression,
        }
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Target::Classes { codes, count } => {
                Target::Classes { codes: rows.iter().map(|&row| codes[row]).collect(), count: *count }
            }
            Target::Numbers(numbers) => Target::Numbers(rows.iter().map(|&row| numbers[row]).collect()),
        }
    }
}

/// What a long fit tells, and how it is told to stop.
pub trait Watch: Sync {
    /// `done` of `total` parts are done, which are called `unit`: "trees". Called from any thread.
    fn progress(&self, done: usize, total: usize, unit: &'static str) {
        let _ = (done, total, unit);
    }

    /// Whether to stop as soon as possible.
    fn cancelled(&self) -> bool {
        false
    }

    /// Something that somebody should know, as that a solver did not converge.
    fn warn(&self, warning: Fault) {
        drop(warning);
    }
}

/// A watch that neither listens nor stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// The rows to learn from.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// The features.
    pub x: &'a Matrix,
    /// The answers.
    pub y: &'a Target,
    /// How much each row counts; `None`: all the same.
    pub weights: Option<&'a [f64]>,
    /// Where chance comes from.
    pub seed: u64,
    /// Whether the model keeps what it takes to go on from it.
    pub remember: bool,
    /// Who listens.
    pub watch: &'a dyn Watch,
}

impl<'a> Training<'a> {
    /// Unweighted and unwatched, with seed 0.
    pub fn new(x: &'a Matrix, y: &'a Target) -> Self {
        Self { x, y, weights: None, seed: 0, remember: false, watch: &Unwatched }
    }

    /// With weights.
    #[must_use]
    pub fn weighted(self, weights: &'a [f64]) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// With a seed.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// For a model that is to be gone on from.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { remember: true, ..self }
    }

    /// With somebody who listens.
    #[must_use]
    pub fn watched(self, watch: &'a dyn Watch) -> Self {
        Self { watch, ..self }
    }

    /// The weight of a row.
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// A fault when the fit was told to stop.
    fn go_on(&self) -> Result<(), Fault> {
        if self.watch.cancelled() {
            return Err(Fault::new("interrupted", "the fit was interrupted"));
        }
        Ok(())
    }
}
