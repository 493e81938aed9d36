//! Extremely randomized trees (Geurts, Ernst and Wehenkel 2006): features are cut at places drawn by chance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, Features};
use super::growth::{self, Criterion, Faults, Growth, Monotone, hyper};
use super::{HyperParameter, Model, of_another_kind, unless};
use crate::learn::tree::{self, Limits, Plan};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How many trees.
    pub n_estimators: usize,
    /// How a cut is judged; `gini` for classes, `squared_error` for numbers.
    pub criterion: Option<Criterion>,
    /// How many cuts lie between the root and a leaf at most.
    pub max_depth: Option<usize>,
    /// How many leaves a tree has at most.
    pub max_leaf_nodes: Option<usize>,
    /// How many rows a node has at least to be cut.
    pub min_samples_split: Amount,
    /// How many rows a leaf has at least.
    pub min_samples_leaf: Amount,
    /// Which share of a tree's weight a leaf has at least.
    pub min_weight_fraction_leaf: f64,
    /// How much impurity a cut takes away at least.
    pub min_impurity_decrease: f64,
    /// How many features are looked at for a cut; `sqrt` for classes, `all` for numbers.
    pub max_features: Option<Features>,
    /// Which way answers go as a feature rises.
    pub monotone: Monotone,
    /// How much impurity a leaf less may cost.
    pub ccp_alpha: f64,
    /// Whether each tree learns from rows drawn with replacement.
    pub bootstrap: bool,
    /// How many rows are drawn for a tree; as many as there are.
    pub max_samples: Option<Amount>,
    /// Whether each row is judged by the trees that have not drawn it.
    pub oob_score: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            criterion: None,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: Amount::Count(2),
            min_samples_leaf: Amount::Count(1),
            min_weight_fraction_leaf: 0.0,
            min_impurity_decrease: 0.0,
            max_features: None,
            monotone: Monotone::new(),
            ccp_alpha: 0.0,
            bootstrap: false,
            max_samples: None,
            oob_score: false,
        }
    }
}

/// Trees whose cuts are the best of a few drawn by chance; their answers are averaged.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ExtraTrees(Params);

impl Model for ExtraTrees {
    const NAME: &'static str = "extra_trees";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "trees whose cuts are drawn by chance, whose answers are averaged";
    const EXAMPLE: &'static str = "{n_estimators: 200, min_samples_leaf: 3}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const UPDATES: bool = true;
    const MISSING: bool = true;
    const CATEGORIES: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("n_estimators", "100", "≥ 1", "how many trees"),
        growth::CRITERION,
        growth::MAX_DEPTH,
        growth::MAX_LEAF_NODES,
        growth::MIN_SAMPLES_SPLIT,
        growth::MIN_SAMPLES_LEAF,
        growth::MIN_WEIGHT_FRACTION_LEAF,
        growth::MIN_IMPURITY_DECREASE,
        growth::FOREST_FEATURES,
        growth::MONOTONE,
        growth::CCP_ALPHA,
        hyper("bootstrap", "false", "true, false", "whether each tree learns from rows drawn with replacement"),
        growth::MAX_SAMPLES,
        growth::OOB_SCORE,
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &growth::FOREST_SYNONYMS;
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        faults.at_least("n_estimators", 1, params.n_estimators);
        growth(&params).check(&mut faults);
        faults.draws(params.bootstrap, params.max_samples, params.oob_score);
        unless(faults.0, Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        Ok(Estimator::Forest(tree::forest(data, &self.plan(data)?)?))
    }

    /// As many trees more, grown on the rows of today.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Estimator::Forest(previous) = previous else { return Err(of_another_kind(Self::NAME)) };
        Ok(Estimator::Forest(tree::more(previous, data, &self.plan(data)?)?))
    }
}

impl ExtraTrees {
    /// What its trees are grown with.
    fn plan(&self, data: &Training) -> Result<Plan, Fault> {
        let (params, growth) = (&self.0, growth(&self.0));
        Ok(Plan {
            trees: params.n_estimators,
            draws: growth::draws(params.bootstrap, params.max_samples, data.x.rows()),
            out_of_bag: params.oob_score,
            entropy: growth.entropy(),
            limits: Limits { random: true, ..growth.limits(data, growth::features(data.y.task()))? },
        })
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
