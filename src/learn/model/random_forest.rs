//! Random forests (Breiman 2001): trees on bootstrap samples that look at a few features for each cut.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, Features};
use super::{HyperParameter, Model, out_of_range, unless};
use crate::learn::tree::{self, Limits, Plan};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// How a cut is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Gini's impurity of classes.
    Gini,
    /// The entropy of classes.
    Entropy,
    /// The variance of numbers.
    SquaredError,
}

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How many trees.
    pub n_estimators: usize,
    /// How a cut is judged; `gini` for classes, `squared_error` for numbers.
    pub criterion: Option<Criterion>,
    /// How many cuts lie between the root and a leaf at most.
    pub max_depth: Option<usize>,
    /// How many rows a node has at least to be cut.
    pub min_samples_split: usize,
    /// How many rows a leaf has at least.
    pub min_samples_leaf: usize,
    /// How much impurity a cut takes away at least.
    pub min_impurity_decrease: f64,
    /// How many features are looked at for a cut; `sqrt` for classes, `all` for numbers.
    pub max_features: Option<Features>,
    /// Whether each tree learns from rows drawn with replacement.
    pub bootstrap: bool,
    /// How many rows are drawn for a tree; as many as there are.
    pub max_samples: Option<Amount>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            criterion: None,
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            min_impurity_decrease: 0.0,
            max_features: None,
            bootstrap: true,
            max_samples: None,
        }
    }
}

/// Trees that each learn from other rows and features; their answers are averaged.
#[derive(Debug, Serialize)]
pub struct RandomForest {
    n_estimators: usize,
    criterion: Option<Criterion>,
    max_depth: Option<usize>,
    min_samples_split: usize,
    min_samples_leaf: usize,
    min_impurity_decrease: f64,
    max_features: Option<Features>,
    bootstrap: bool,
    max_samples: Option<Amount>,
}

const fn hyper(
    name: &'static str,
    default: &'static str,
    range: &'static str,
    summary: &'static str,
) -> HyperParameter {
    HyperParameter { name, default, range, summary }
}

impl Model for RandomForest {
    const NAME: &'static str = "random_forest";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "trees on random rows and features, whose answers are averaged";
    const EXAMPLE: &'static str = "{n_estimators: 200, max_depth: 8}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("n_estimators", "100", "≥ 1", "how many trees"),
        hyper(
            "criterion",
            "gini for classes, squared_error for numbers",
            "gini, entropy, squared_error",
            "how a cut is judged",
        ),
        hyper("max_depth", "null (no limit)", "≥ 1", "how many cuts lie between the root and a leaf at most"),
        hyper("min_samples_split", "2", "≥ 2", "how many rows a node has at least to be cut"),
        hyper("min_samples_leaf", "1", "≥ 1", "how many rows a leaf has at least"),
        hyper("min_impurity_decrease", "0", "≥ 0", "how much weighted impurity a cut takes away at least"),
        hyper(
            "max_features",
            "sqrt for classes, all for numbers",
            "sqrt, log2, all, a whole number, or a share up to 1",
            "how many features are looked at for a cut",
        ),
        hyper("bootstrap", "true", "true, false", "whether each tree learns from rows drawn with replacement"),
        hyper(
            "max_samples",
            "null (as many as there are)",
            "a whole number, or a share up to 1; only with `bootstrap`",
            "how many rows are drawn for a tree",
        ),
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("trees", "n_estimators"),
        ("n_trees", "n_estimators"),
        ("num_trees", "n_estimators"),
        ("ntree", "n_estimators"),
        ("estimators", "n_estimators"),
        ("depth", "max_depth"),
        ("mtry", "max_features"),
        ("min_leaf", "min_samples_leaf"),
        ("min_samples", "min_samples_leaf"),
        ("replace", "bootstrap"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut at_least = |key: &str, least: usize, value: usize| {
            if value < least {
                faults.push(out_of_range(key, format!("`{key}` is at least {least}, and this is {value}")));
            }
        };
        at_least("n_estimators", 1, params.n_estimators);
        at_least("max_depth", 1, params.max_depth.unwrap_or(1));
        at_least("min_samples_split", 2, params.min_samples_split);
        at_least("min_samples_leaf", 1, params.min_samples_leaf);
        let least = params.min_impurity_decrease;
        if !(least >= 0.0 && least.is_finite()) {
            let message = format!("`min_impurity_decrease` is at least 0, and this is {least}");
            faults.push(out_of_range("min_impurity_decrease", message));
        }
        if matches!(params.max_features, Some(Features::Some(amount)) if !amount.is_sound()) {
            let message = "`max_features` is at least 1, or a share above 0 and up to 1";
            faults.push(out_of_range("max_features", message));
        }
        if params.max_samples.is_some_and(|amount| !amount.is_sound()) {
            let message = "`max_samples` is at least 1, or a share above 0 and up to 1";
            faults.push(out_of_range("max_samples", message));
        }
        if params.max_samples.is_some() && !params.bootstrap {
            let fault = out_of_range("max_samples", "`max_samples` has no meaning without `bootstrap`");
            faults.push(fault.help("leave it out, or say `bootstrap: true`"));
        }
        unless(faults, Self::from(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        self.suits(data.y.task())?;
        let rows = data.x.rows();
        let features = self.max_features.unwrap_or(match data.y.task() {
            Task::Classification => Features::Sqrt,
            Task::Regression => Features::All,
        });
        let draws = self.max_samples.map_or(rows, |amount| amount.of(rows).min(rows));
        let plan = Plan {
            trees: self.n_estimators,
            draws: self.bootstrap.then_some(draws),
            entropy: self.criterion == Some(Criterion::Entropy),
            limits: Limits {
                max_depth: self.max_depth.unwrap_or(usize::MAX),
                min_samples_split: self.min_samples_split,
                min_samples_leaf: self.min_samples_leaf,
                min_impurity_decrease: self.min_impurity_decrease,
                features: features.of(data.x.columns()),
            },
        };
        Ok(Estimator::Forest(tree::forest(data, &plan)?))
    }
}

impl RandomForest {
    fn suits(&self, task: Task) -> Result<(), Fault> {
        let for_numbers = self.criterion.map(|criterion| criterion == Criterion::SquaredError);
        if for_numbers.is_none_or(|numbers| numbers == (task == Task::Regression)) {
            return Ok(());
        }
        Err(Fault::new("wrong-task", format!("this criterion does no {}", task.name()))
            .within("criterion")
            .help("leave `criterion` out"))
    }
}

impl From<Params> for RandomForest {
    fn from(params: Params) -> Self {
        Self {
            n_estimators: params.n_estimators,
            criterion: params.criterion,
            max_depth: params.max_depth,
            min_samples_split: params.min_samples_split,
            min_samples_leaf: params.min_samples_leaf,
            min_impurity_decrease: params.min_impurity_decrease,
            max_features: params.max_features,
            bootstrap: params.bootstrap,
            max_samples: params.max_samples,
        }
    }
}
