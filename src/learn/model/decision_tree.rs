//! One decision tree (Breiman, Friedman, Olshen and Stone 1984).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, Features};
use super::faults::{Faults, hyper};
use super::growth::{self, Criterion, Growth};
use super::monotone::Monotone;
use super::{HyperParameter, Model};
use crate::learn::tree::{self, Limits, Plan};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// Where a feature is cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Splitter {
    /// At the best of all places.
    Best,
    /// At a place drawn by chance.
    Random,
}

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How a cut is judged; `gini` for classes, `squared_error` for numbers.
    pub criterion: Option<Criterion>,
    /// Where a feature is cut.
    pub splitter: Splitter,
    /// How many cuts lie between the root and a leaf at most.
    pub max_depth: Option<usize>,
    /// How many leaves the tree has at most.
    pub max_leaf_nodes: Option<usize>,
    /// How many rows a node has at least to be cut.
    pub min_samples_split: Amount,
    /// How many rows a leaf has at least.
    pub min_samples_leaf: Amount,
    /// Which share of all weight a leaf has at least.
    pub min_weight_fraction_leaf: f64,
    /// How much impurity a cut takes away at least.
    pub min_impurity_decrease: f64,
    /// How many features are looked at for a cut; all.
    pub max_features: Option<Features>,
    /// Which way answers go as a feature rises.
    pub monotone: Monotone,
    /// How much impurity a leaf less may cost.
    pub ccp_alpha: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            criterion: None,
            splitter: Splitter::Best,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: Amount::Count(2),
            min_samples_leaf: Amount::Count(1),
            min_weight_fraction_leaf: 0.0,
            min_impurity_decrease: 0.0,
            max_features: None,
            monotone: Monotone::new(),
            ccp_alpha: 0.0,
        }
    }
}

/// A tree of cuts, each of one feature.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct DecisionTree(Params);

impl Model for DecisionTree {
    const NAME: &'static str = "decision_tree";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "a tree of cuts, each of one feature; its leaves answer";
    const EXAMPLE: &'static str = "{max_depth: 5, min_samples_leaf: 10}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const MISSING: bool = true;
    const CATEGORIES: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        growth::CRITERION,
        hyper(
            "splitter",
            "best",
            "best, random",
            "where a feature is cut: at its best place, or at one drawn by chance",
        ),
        growth::MAX_DEPTH,
        growth::MAX_LEAF_NODES,
        growth::MIN_SAMPLES_SPLIT,
        growth::MIN_SAMPLES_LEAF,
        growth::MIN_WEIGHT_FRACTION_LEAF,
        growth::MIN_IMPURITY_DECREASE,
        hyper(
            "max_features",
            "null (all)",
            "sqrt, log2, all, a whole number, or a share up to 1",
            "how many features are looked at for a cut",
        ),
        growth::MONOTONE,
        growth::CCP_ALPHA,
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &growth::SYNONYMS;
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        growth(&params).check(&mut faults);
        faults.or(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let growth = growth(&self.0);
        let limits = growth.limits(data, Features::All)?;
        let limits = Limits { random: self.0.splitter == Splitter::Random, exact: true, ..limits };
        let plan = Plan { trees: 1, draws: None, out_of_bag: false, entropy: growth.entropy(), limits };
        Ok(Estimator::Forest(tree::forest(data, &plan)?))
    }
}

fn growth(params: &Params) -> Growth<'_> {
    Growth {
        criterion: params.criterion,
        max_depth: params.max_depth,
        max_leaf_nodes: params.max_leaf_nodes,
        min_samples_split: params.min_samples_split,
        min_samples_leaf: params.min_samples_leaf,
        min_weight_fraction_leaf: params.min_weight_fraction_leaf,
        min_impurity_decrease: params.min_impurity_decrease,
        max_features: params.max_features,
        monotone: &params.monotone,
        ccp_alpha: params.ccp_alpha,
    }
}
