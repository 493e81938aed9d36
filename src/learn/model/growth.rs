//! The hyper-parameters that all models of trees share: their check, and what they say to the engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HyperParameter;
use super::amount::{Amount, Features};
use super::faults::{Faults, hyper};
use super::monotone::{self, Monotone};
use crate::learn::tree::Limits;
use crate::learn::{Task, Training};
use crate::source::Fault;

/// How a cut is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Gini's impurity of classes.
    Gini,
    /// The entropy of classes.
    Entropy,
    /// The same as `entropy`.
    LogLoss,
    /// The variance of numbers.
    SquaredError,
}

/// Hyper-parameters of one tree.
pub(super) struct Growth<'a> {
    pub(super) criterion: Option<Criterion>,
    pub(super) max_depth: Option<usize>,
    pub(super) max_leaf_nodes: Option<usize>,
    pub(super) min_samples_split: Amount,
    pub(super) min_samples_leaf: Amount,
    pub(super) min_weight_fraction_leaf: f64,
    pub(super) min_impurity_decrease: f64,
    pub(super) max_features: Option<Features>,
    pub(super) monotone: &'a Monotone,
    pub(super) ccp_alpha: f64,
}

pub(super) const CRITERION: HyperParameter = hyper(
    "criterion",
    "gini for classes, squared_error for numbers",
    "gini, entropy, log_loss (the same as entropy), squared_error",
    "how a cut is judged",
);
pub(super) const MAX_DEPTH: HyperParameter =
    hyper("max_depth", "null (no limit)", "≥ 1", "how many cuts lie between the root and a leaf at most");
pub(super) const MAX_LEAF_NODES: HyperParameter = hyper(
    "max_leaf_nodes",
    "null (no limit)",
    "≥ 2",
    "how many leaves a tree has at most; the cut that takes most impurity away is made first",
);
pub(super) const MIN_SAMPLES_SPLIT: HyperParameter = hyper(
    "min_samples_split",
    "2",
    "≥ 2, or a share of the rows up to 1",
    "how many rows a node has at least to be cut",
);
pub(super) const MIN_SAMPLES_LEAF: HyperParameter =
    hyper("min_samples_leaf", "1", "≥ 1, or a share of the rows up to 1", "how many rows a leaf has at least");
pub(super) const MIN_WEIGHT_FRACTION_LEAF: HyperParameter =
    hyper("min_weight_fraction_leaf", "0", "0 to 0.5", "which share of all weight a leaf has at least");
pub(super) const MIN_IMPURITY_DECREASE: HyperParameter =
    hyper("min_impurity_decrease", "0", "≥ 0", "how much weighted impurity a cut takes away at least");
pub(super) const MONOTONE: HyperParameter = hyper(
    "monotone",
    "{}",
    "{feature: 1, 0 or -1}; numbers or two classes",
    "which way the number, or the second class' probability, goes as a feature rises",
);
pub(super) const CCP_ALPHA: HyperParameter = hyper(
    "ccp_alpha",
    "0",
    "≥ 0",
    "cuts go again beneath which a leaf less costs at most that much impurity (cost-complexity pruning)",
);

/// What the shared hyper-parameters are called elsewhere.
pub(super) const SYNONYMS: [(&str, &str); 17] = [
    ("depth", "max_depth"),
    ("maxdepth", "max_depth"),
    ("max_leaves", "max_leaf_nodes"),
    ("num_leaves", "max_leaf_nodes"),
    ("maxnodes", "max_leaf_nodes"),
    ("minsplit", "min_samples_split"),
    ("min_split", "min_samples_split"),
    ("min_leaf", "min_samples_leaf"),
    ("min_samples", "min_samples_leaf"),
    ("minbucket", "min_samples_leaf"),
    ("min_node_size", "min_samples_leaf"),
    ("nodesize", "min_samples_leaf"),
    ("mtry", "max_features"),
    ("monotonic_cst", "monotone"),
    ("monotone_constraints", "monotone"),
    ("alpha", "ccp_alpha"),
    ("cp", "ccp_alpha"),
];

impl Growth<'_> {
    /// What is wrong with them.
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at_least("max_depth", 1, self.max_depth.unwrap_or(1));
        faults.at_least("max_leaf_nodes", 2, self.max_leaf_nodes.unwrap_or(2));
        faults.amount("min_samples_split", 2, self.min_samples_split);
        faults.amount("min_samples_leaf", 1, self.min_samples_leaf);
        let share = self.min_weight_fraction_leaf;
        faults.number("min_weight_fraction_leaf", share, (0.0..=0.5).contains(&share), "from 0 to 0.5");
        faults.not_negative("min_impurity_decrease", self.min_impurity_decrease);
        if let Some(Features::Some(amount)) = self.max_features {
            faults.amount("max_features", 1, amount);
        }
        monotone::check(self.monotone, faults);
        faults.not_negative("ccp_alpha", self.ccp_alpha);
    }

    /// Whether classes are judged by entropy.
    pub(super) fn entropy(&self) -> bool {
        matches!(self.criterion, Some(Criterion::Entropy | Criterion::LogLoss))
    }

    /// What they say to the engine about these rows.
    ///
    /// # Errors
    /// If the criterion does another task, or a feature with a constraint isn't there, is a category, or there are
    /// more than two classes.
    pub(super) fn limits(&self, data: &Training, features: Features) -> Result<Limits, Fault> {
        let task = data.y.task();
        let for_numbers = self.criterion.map(|criterion| criterion == Criterion::SquaredError);
        if for_numbers.is_some_and(|numbers| numbers != (task == Task::Regression)) {
            return Err(Fault::new("wrong-task", format!("this criterion does no {}", task.name()))
                .within("criterion")
                .help("leave `criterion` out"));
        }
        let rows = data.x.rows();
        Ok(Limits {
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            max_leaf_nodes: self.max_leaf_nodes,
            min_samples_split: self.min_samples_split.least_of(rows).max(2),
            min_samples_leaf: self.min_samples_leaf.least_of(rows),
            min_weight_leaf: self.min_weight_fraction_leaf,
            min_impurity_decrease: self.min_impurity_decrease,
            features: self.max_features.unwrap_or(features).of(data.x.columns()),
            random: false,
            exact: false,
            monotone: monotone::signs(self.monotone, data)?,
            ccp_alpha: self.ccp_alpha,
        })
    }
}

#[cfg(test)]
mod tests;
