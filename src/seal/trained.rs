//! What training leaves behind: the estimator, and what its numbers mean.

use serde::{Deserialize, Serialize};

use super::{Feature, format};
use crate::data::{Kind, Matrix, Value};
use crate::learn::{Estimator, Task, argmax};
use crate::source::Fault;

/// A trained model, without the way that leads to its features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// The model's name in the catalogue.
    pub model: String,
    /// The version of its code.
    pub version: u32,
    /// What it predicts.
    pub target: String,
    /// The target's type.
    pub kind: Kind,
    /// Classes or numbers.
    pub task: Task,
    /// The classes, in order; empty for numbers.
    pub classes: Vec<Value>,
    /// Which class is the positive one, if there are two.
    pub positive: Option<u32>,
    /// From which probability on the positive one of two classes is the answer; the likelier one if not said.
    pub threshold: Option<f64>,
    /// The columns it reads, in order.
    pub features: Vec<Feature>,
    /// Whether a row may lack a feature.
    pub missing: bool,
    /// How many rows it learned from.
    pub rows: u64,
    /// What it learned.
    pub estimator: Estimator,
}

impl Trained {
    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        format::to_bytes(self)
    }

    /// From bytes, checked so that no row can lead out of bounds.
    ///
    /// # Errors
    /// If the bytes aren't a model, or one that doesn't hang together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let trained: Self = format::from_bytes(bytes)?;
        trained.check()?;
        Ok(trained)
    }

    /// Whether the numbers hang together.
    pub(super) fn check(&self) -> Result<(), Fault> {
        self.estimator.check()?;
        let columns = self.estimator.columns().is_none_or(|columns| columns == self.features.len());
        let outputs = match self.task {
            Task::Classification => !self.classes.is_empty() && self.estimator.outputs() == self.classes.len(),
            Task::Regression => self.estimator.outputs() == 1,
        };
        let positive = self.positive.is_none_or(|positive| (positive as usize) < self.classes.len());
        let threshold = self.threshold.is_none_or(|at| (0.0..=1.0).contains(&at) && self.classes.len() == 2);
        let features = self.features.iter().all(Feature::is_sound);
        if columns && outputs && positive && threshold && features && self.estimator.task() == self.task {
            return Ok(());
        }
        Err(Fault::new("broken-model", "the model's parts do not fit together").help("train it again"))
    }

    /// Each feature's share in what was learned, the largest first.
    pub fn importance(&self) -> Vec<(&str, f64)> {
        let shares = self.estimator.importance().unwrap_or_default();
        let mut named: Vec<(&str, f64)> =
            self.features.iter().map(|feature| feature.name.as_str()).zip(shares.iter().copied()).collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        named
    }

    /// The place of the class that probabilities stand for: the positive one of two from the threshold on, else the
    /// likeliest, the first of equals.
    pub fn decide(&self, probabilities: &[f64]) -> u32 {
        let Some(threshold) = self.threshold else { return argmax(probabilities) };
        let positive = self.positive.unwrap_or(1);
        if probabilities[positive as usize] >= threshold { positive } else { 1 - positive }
    }

    /// What it says of rows whose columns are the features in order.
    pub fn predict(&self, x: &Matrix) -> Result<crate::learn::Prediction, Fault> {
        self.estimator.predict(x)
    }
}
