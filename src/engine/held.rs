//! Answers to rows that a model hasn't learned from.

use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};

use super::features::{self, Meaning};
use super::run::Cx;
use super::table;
use crate::learn::{self, Prediction};
use crate::plan::Train;
use crate::seal::Trained;
use crate::source::Fault;
use crate::spec::Weights;
use crate::store::Digest;

/// What the models of the folds say of the rows that they didn't learn from. Any metric can be computed of it later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutOfFold {
    /// How many classes; 0 for numbers.
    pub(super) classes: usize,
    /// Fold by fold.
    pub(super) folds: Vec<FoldAnswers>,
}

impl OutOfFold {
    /// From the store.
    pub(super) fn kept(cx: &Cx, digest: &Digest) -> Result<Self, Fault> {
        serde_json::from_slice(&table::object(&cx.store, digest)?).map_err(|error| {
            Fault::new("broken-record", "kept predictions can't be read").because(error).help("run with `--force`")
        })
    }

    /// All folds as one. Folds may call rows by thresholds of their own, and together they have none.
    pub(super) fn joined(&self) -> FoldAnswers {
        let all = |of: fn(&FoldAnswers) -> &[f64]| self.folds.iter().flat_map(of).copied().collect();
        FoldAnswers {
            codes: self.folds.iter().flat_map(|fold| &fold.codes).copied().collect(),
            numbers: all(|fold| &fold.numbers),
            values: all(|fold| &fold.values),
            weights: all(|fold| &fold.weights),
            threshold: None,
        }
    }
}

/// One fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FoldAnswers {
    /// The true classes. A row of a class that no train row has counts as of one more.
    pub(super) codes: Vec<u32>,
    /// The true numbers.
    pub(super) numbers: Vec<f64>,
    /// What the model says: probabilities row by row, or numbers.
    pub(super) values: Vec<f64>,
    /// How much each row counts, if a column says so; else none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) weights: Vec<f64>,
    /// From which probability on the model calls a row positive, if not by the likelier class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) threshold: Option<f64>,
}

impl FoldAnswers {
    /// As a metric reads it.
    pub(super) fn scored(&self, classes: usize) -> (learn::Target, Prediction) {
        if classes == 0 {
            return (learn::Target::Numbers(self.numbers.clone()), Prediction::Numbers(self.values.clone()));
        }
        let truth = learn::Target::Classes { codes: self.codes.clone(), count: classes };
        (truth, Prediction::Probabilities { classes, values: self.values.clone() })
    }

    /// How much each row counts; `None` if all count the same.
    pub(super) fn weights(&self) -> Option<&[f64]> {
        (!self.weights.is_empty()).then_some(&self.weights)
    }
}

/// What a model says of rows, beside the truth.
pub(super) fn answers(
    train: &Train,
    trained: &Trained,
    rows: &DataFrame,
    meaning: &Meaning,
) -> Result<FoldAnswers, Fault> {
    let prediction = trained.predict(&features::matrix(rows, &trained.features, trained.missing)?)?;
    let truth = features::answers(rows, &trained.target, meaning)?;
    let weights = match &train.weights {
        Some(Weights::Column(_)) => features::weights(train, rows, &truth)?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let values = match prediction {
        Prediction::Probabilities { values, .. } | Prediction::Numbers(values) => values,
    };
    let (codes, numbers) = match truth {
        learn::Target::Classes { codes, .. } => (codes, Vec::new()),
        learn::Target::Numbers(numbers) => (Vec::new(), numbers),
    };
    Ok(FoldAnswers { codes, numbers, values, weights, threshold: trained.threshold })
}
