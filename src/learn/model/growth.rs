//! The hyper-parameters that all models of trees share: their check, and what they say to the engine.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, Features};
use super::{HyperParameter, out_of_range};
use crate::learn::tree::Limits;
use crate::learn::{Target, Task, Training};
use crate::source::{Fault, suggest};

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

/// Which way answers go as a feature rises: 1 never down, -1 never up, 0 as they like.
pub type Monotone = BTreeMap<String, i8>;

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

pub(super) const fn hyper(
    name: &'static str,
    default: &'static str,
    range: &'static str,
    summary: &'static str,
) -> HyperParameter {
    HyperParameter { name, default, range, summary }
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

pub(super) const FOREST_FEATURES: HyperParameter = hyper(
    "max_features",
    "sqrt for classes, all for numbers",
    "sqrt, log2, all, a whole number, or a share up to 1",
    "how many features are looked at for a cut",
);
pub(super) const MAX_SAMPLES: HyperParameter = hyper(
    "max_samples",
    "null (as many as there are)",
    "a whole number, or a share up to 1; only with `bootstrap`",
    "how many rows are drawn for a tree",
);
pub(super) const OOB_SCORE: HyperParameter = hyper(
    "oob_score",
    "false",
    "true, false; only with `bootstrap`",
    "whether rows are judged by the trees that have not drawn them: accuracy or R²",
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

/// What the hyper-parameters of forests are called elsewhere.
pub(super) const FOREST_SYNONYMS: [(&str, &str); 25] = {
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
        all[place] = if place < own.len() { own[place] } else { SYNONYMS[place - own.len()] };
        place += 1;
    }
    all
};

/// How many features a forest looks at for a cut, unless it is said.
pub(super) fn features(task: Task) -> Features {
    match task {
        Task::Classification => Features::Sqrt,
        Task::Regression => Features::All,
    }
}

/// How many rows are drawn for a tree of `rows`; `None`: every row once.
pub(super) fn draws(bootstrap: bool, max_samples: Option<Amount>, rows: usize) -> Option<usize> {
    bootstrap.then(|| max_samples.map_or(rows, |amount| amount.of(rows).min(rows)))
}

/// Collects the faults of hyper-parameters.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    pub(super) fn at_least(&mut self, key: &str, least: usize, value: usize) {
        if value < least {
            self.0.push(out_of_range(key, format!("`{key}` is at least {least}, and this is {value}")));
        }
    }

    fn amount(&mut self, key: &str, least: u64, amount: Amount) {
        let sound = amount.is_sound() && !matches!(amount, Amount::Count(count) if count < least);
        if !sound {
            let message = format!("`{key}` is at least {least}, or a share above 0 and up to 1");
            self.0.push(out_of_range(key, message));
        }
    }

    fn not_negative(&mut self, key: &str, value: f64) {
        if !(value >= 0.0 && value.is_finite()) {
            self.0.push(out_of_range(key, format!("`{key}` is at least 0, and this is {value}")));
        }
    }

    /// What is asked of how rows are drawn for a tree.
    pub(super) fn draws(&mut self, bootstrap: bool, max_samples: Option<Amount>, oob_score: bool) {
        if let Some(amount) = max_samples {
            self.amount("max_samples", 1, amount);
        }
        if max_samples.is_some() && !bootstrap {
            let fault = out_of_range("max_samples", "`max_samples` has no meaning without `bootstrap`");
            self.0.push(fault.help("leave it out, or say `bootstrap: true`"));
        }
        if oob_score && !bootstrap {
            let fault = out_of_range("oob_score", "without `bootstrap` no row is out of any bag");
            self.0.push(fault.help("leave it out, or say `bootstrap: true`"));
        }
    }
}

impl Growth<'_> {
    /// What is wrong with them.
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at_least("max_depth", 1, self.max_depth.unwrap_or(1));
        faults.at_least("max_leaf_nodes", 2, self.max_leaf_nodes.unwrap_or(2));
        faults.amount("min_samples_split", 2, self.min_samples_split);
        faults.amount("min_samples_leaf", 1, self.min_samples_leaf);
        let share = self.min_weight_fraction_leaf;
        if !(0.0..=0.5).contains(&share) {
            let message = format!("`min_weight_fraction_leaf` is a share from 0 to 0.5, and this is {share}");
            faults.0.push(out_of_range("min_weight_fraction_leaf", message));
        }
        faults.not_negative("min_impurity_decrease", self.min_impurity_decrease);
        if let Some(Features::Some(amount)) = self.max_features {
            faults.amount("max_features", 1, amount);
        }
        for (name, sign) in self.monotone {
            if !(-1..=1).contains(sign) {
                let message = format!("`{name}` goes up (1), down (-1) or both ways (0), and this is {sign}");
                faults.0.push(out_of_range(name, message).within("monotone"));
            }
        }
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
            monotone: self.signs(data)?,
            ccp_alpha: self.ccp_alpha,
        })
    }

    /// Each feature's constraint, or nothing if there is none.
    fn signs(&self, data: &Training) -> Result<Vec<i8>, Fault> {
        if self.monotone.values().all(|sign| *sign == 0) {
            return Ok(Vec::new());
        }
        if matches!(data.y, Target::Classes { count, .. } if *count > 2) {
            return Err(Fault::new("wrong-task", "more than two classes have no order that could rise or fall")
                .within("monotone")
                .help("leave `monotone` out"));
        }
        let names = data.x.names();
        let mut signs = vec![0; names.len()];
        for (name, &sign) in self.monotone {
            let Some(place) = names.iter().position(|other| other == name) else {
                return Err(Fault::new("unknown-column", format!("there is no feature `{name}`"))
                    .within("monotone")
                    .maybe_help(suggest(name, names.iter().map(String::as_str))));
            };
            if data.x.levels(place).is_some() && sign != 0 {
                return Err(Fault::new("wrong-type", format!("`{name}` is a category, which neither rises nor falls"))
                    .within("monotone")
                    .help(format!("leave `{name}` out of `monotone`")));
            }
            signs[place] = sign;
        }
        Ok(signs)
    }
}

#[cfg(test)]
mod tests;
