//! What random forests and extra trees share: their hyper-parameters, and the plan that these make.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HyperParameter;
use super::amount::{Amount, Features};
use super::faults::{Faults, hyper, out_of_range};
use super::growth::{self, Criterion, Growth};
use super::monotone::Monotone;
use crate::learn::tree::{Limits, Plan};
use crate::learn::{Task, Training};
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
    /// Whether each tree learns from rows drawn with replacement; a random forest's do, unless it is said.
    pub bootstrap: Option<bool>,
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
            bootstrap: None,
            max_samples: None,
            oob_score: false,
        }
    }
}

impl Params {
    /// With `bootstrap` as the model has it unless it is said, or all that is wrong with them.
    pub(super) fn checked(mut self, bootstrap: bool) -> Result<Self, Vec<Fault>> {
        let bootstrap = *self.bootstrap.get_or_insert(bootstrap);
        let mut faults = Faults::default();
        faults.at_least("n_estimators", 1, self.n_estimators);
        self.growth().check(&mut faults);
        self.check_draws(bootstrap, &mut faults);
        faults.or(self)
    }

    /// What is asked of how rows are drawn for a tree.
    fn check_draws(&self, bootstrap: bool, faults: &mut Faults) {
        if let Some(amount) = self.max_samples {
            faults.amount("max_samples", 1, amount);
        }
        let help = "leave it out, or say `bootstrap: true`";
        if self.max_samples.is_some() && !bootstrap {
            faults.push(out_of_range("max_samples", "`max_samples` has no meaning without `bootstrap`").help(help));
        }
        if self.oob_score && !bootstrap {
            faults.push(out_of_range("oob_score", "without `bootstrap` no row is out of any bag").help(help));
        }
    }

    /// What the trees are grown with; `random`: cuts are drawn by chance.
    ///
    /// # Errors
    /// If the hyper-parameters don't suit the rows.
    pub(super) fn plan(&self, data: &Training, random: bool) -> Result<Plan, Fault> {
        let (growth, rows) = (self.growth(), data.x.rows());
        let features = match data.y.task() {
            Task::Classification => Features::Sqrt,
            Task::Regression => Features::All,
        };
        let draws = self.max_samples.map_or(rows, |amount| amount.of(rows).min(rows));
        Ok(Plan {
            trees: self.n_estimators,
            draws: self.bootstrap.unwrap_or_default().then_some(draws),
            out_of_bag: self.oob_score,
            entropy: growth.entropy(),
            limits: Limits { random, ..growth.limits(data, features)? },
        })
    }

    fn growth(&self) -> Growth<'_> {
        Growth {
            criterion: self.criterion,
            max_depth: self.max_depth,
            max_leaf_nodes: self.max_leaf_nodes,
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            min_weight_fraction_leaf: self.min_weight_fraction_leaf,
            min_impurity_decrease: self.min_impurity_decrease,
            max_features: self.max_features,
            monotone: &self.monotone,
            ccp_alpha: self.ccp_alpha,
        }
    }
}

/// Their table; `bootstrap` is its default.
pub(super) const fn table(bootstrap: &'static str) -> [HyperParameter; 14] {
    [
        hyper("n_estimators", "100", "≥ 1", "how many trees"),
        growth::CRITERION,
        growth::MAX_DEPTH,
        growth::MAX_LEAF_NODES,
        growth::MIN_SAMPLES_SPLIT,
        growth::MIN_SAMPLES_LEAF,
        growth::MIN_WEIGHT_FRACTION_LEAF,
        growth::MIN_IMPURITY_DECREASE,
        hyper(
            "max_features",
            "sqrt for classes, all for numbers",
            "sqrt, log2, all, a whole number, or a share up to 1",
            "how many features are looked at for a cut",
        ),
        growth::MONOTONE,
        growth::CCP_ALPHA,
        hyper("bootstrap", bootstrap, "true, false", "whether each tree learns from rows drawn with replacement"),
        hyper(
            "max_samples",
            "null (as many as there are)",
            "a whole number, or a share up to 1; only with `bootstrap`",
            "how many rows are drawn for a tree",
        ),
        hyper(
            "oob_score",
            "false",
            "true, false; only with `bootstrap`",
            "whether rows are judged by the trees that have not drawn them: accuracy or R²",
        ),
    ]
}

/// What they are called elsewhere.
pub(super) const SYNONYMS: [(&str, &str); 25] = {
    let mut all = [("", ""); 25];
    let own = [
        ("trees", "n_estimators"),
        ("n_trees", "n_estimators"),
        ("num_trees", "n_estimators"),
        ("ntree", "n_estimators"),
        ("estimators", "n_estimators"),
        ("replace", "bootstrap"),
        ("sample_fraction", "max_samples"),
        ("oob", "oob_score"),
    ];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < own.len() { own[place] } else { growth::SYNONYMS[place - own.len()] };
        place += 1;
    }
    all
};
