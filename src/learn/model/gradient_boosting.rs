//! Gradient boosting (Friedman 2001) on histograms, leaf by leaf, as scikit-learn's HistGradientBoosting and LightGBM do it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Features;
use super::{HyperParameter, Model, of_another_kind, out_of_range, unless};
use crate::learn::tree::{self, BoostLimits, BoostPlan, Patience};
use crate::learn::{Estimator, Task, Training};
use crate::source::{Fault, suggest};

/// What a regression lowers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Half the squared error: the mean.
    #[default]
    SquaredError,
    /// The absolute error: the median.
    AbsoluteError,
    /// The pinball loss: the quantile that `quantile` says.
    Quantile,
    /// Half Poisson's deviance: the mean of counts.
    Poisson,
}

/// The hyper-parameters as written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How many rounds at most; each grows a tree, or one a class for more than two.
    pub n_estimators: usize,
    /// What each tree's answers are multiplied by.
    pub learning_rate: f64,
    /// How many leaves a tree has at most.
    pub max_leaf_nodes: Option<usize>,
    /// How many cuts lie between the root and a leaf at most.
    pub max_depth: Option<usize>,
    /// How many rows a leaf has at least.
    pub min_samples_leaf: usize,
    /// How much curvature of the loss a leaf has at least.
    pub min_sum_hessian: f64,
    /// How much a cut gains at least.
    pub min_gain: f64,
    /// What large answers cost.
    pub l2_regularization: f64,
    /// How many features are looked at for a cut.
    pub max_features: Features,
    /// The share of rows that a round learns from.
    pub subsample: f64,
    /// How many bins a column is cut into at most.
    pub max_bins: usize,
    /// What a regression lowers; `squared_error`.
    pub loss: Option<Loss>,
    /// Which quantile `loss: quantile` looks for.
    pub quantile: Option<f64>,
    /// Features with which the answer may only rise (1) or fall (-1).
    pub monotone: BTreeMap<String, i8>,
    /// Whether to stop before the last round when rows held out gain nothing more.
    pub early_stopping: bool,
    /// How many rounds may gain nothing before it stops.
    pub n_iter_no_change: usize,
    /// The share of rows that is held out.
    pub validation_fraction: f64,
    /// What counts as a gain, in units of the loss.
    pub tol: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            learning_rate: 0.1,
            max_leaf_nodes: Some(31),
            max_depth: None,
            min_samples_leaf: 20,
            min_sum_hessian: 1e-3,
            min_gain: 0.0,
            l2_regularization: 0.0,
            max_features: Features::All,
            subsample: 1.0,
            max_bins: 255,
            loss: None,
            quantile: None,
            monotone: BTreeMap::new(),
            early_stopping: false,
            n_iter_no_change: 10,
            validation_fraction: 0.1,
            tol: 1e-7,
        }
    }
}

/// Trees that each correct those before, by histograms of the loss' slopes.
#[derive(Debug, Serialize)]
pub struct GradientBoosting {
    n_estimators: usize,
    learning_rate: f64,
    max_leaf_nodes: Option<usize>,
    max_depth: Option<usize>,
    min_samples_leaf: usize,
    min_sum_hessian: f64,
    min_gain: f64,
    l2_regularization: f64,
    max_features: Features,
    subsample: f64,
    max_bins: usize,
    loss: Option<Loss>,
    quantile: Option<f64>,
    monotone: BTreeMap<String, i8>,
    early_stopping: bool,
    n_iter_no_change: usize,
    validation_fraction: f64,
    tol: f64,
}

const fn hyper(
    name: &'static str,
    default: &'static str,
    range: &'static str,
    summary: &'static str,
) -> HyperParameter {
    HyperParameter { name, default, range, summary }
}

impl Model for GradientBoosting {
    const NAME: &'static str = "gradient_boosting";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "trees that each correct those before, by histograms";
    const EXAMPLE: &'static str = "{n_estimators: 200, learning_rate: 0.05, early_stopping: true}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const UPDATES: bool = true;
    const MISSING: bool = true;
    const CATEGORIES: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("n_estimators", "100", "≥ 1", "how many rounds at most: a tree each, or one a class for more than two"),
        hyper("learning_rate", "0.1", "> 0, up to 1", "what each tree's answers are multiplied by"),
        hyper("max_leaf_nodes", "31", "≥ 2, or null (no limit)", "how many leaves a tree has at most"),
        hyper("max_depth", "null (no limit)", "≥ 1", "how many cuts lie between the root and a leaf at most"),
        hyper("min_samples_leaf", "20", "≥ 1", "how many rows a leaf has at least"),
        hyper("min_sum_hessian", "1e-3", "≥ 0", "how much curvature of the loss a leaf has at least"),
        hyper("min_gain", "0", "≥ 0", "how much a cut lowers twice the loss at least"),
        hyper("l2_regularization", "0", "≥ 0", "what large answers cost"),
        hyper(
            "max_features",
            "all",
            "sqrt, log2, all, a whole number, or a share up to 1",
            "how many features are looked at for a cut",
        ),
        hyper("subsample", "1", "> 0, up to 1", "the share of rows that a round learns from"),
        hyper("max_bins", "255", "2 to 255", "how many bins a column of numbers is cut into at most"),
        hyper(
            "loss",
            "squared_error; for classes always log loss",
            "squared_error, absolute_error, quantile, poisson",
            "what a regression lowers",
        ),
        hyper("quantile", "null", "0 to 1; only with `loss: quantile`", "which quantile is looked for"),
        hyper(
            "monotone",
            "{}",
            "column: 1 or -1; not with absolute_error, quantile, or more than two classes",
            "features with which the answer may only rise (1) or fall (-1)",
        ),
        hyper("early_stopping", "false", "true, false", "whether to stop when rows held out gain nothing more"),
        hyper("n_iter_no_change", "10", "≥ 1", "how many rounds may gain nothing before it stops"),
        hyper("validation_fraction", "0.1", "between 0 and 1", "the share of rows that is held out to see that"),
        hyper("tol", "1e-7", "≥ 0", "what counts as a gain, in units of the loss"),
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("max_iter", "n_estimators"),
        ("iterations", "n_estimators"),
        ("rounds", "n_estimators"),
        ("num_rounds", "n_estimators"),
        ("num_round", "n_estimators"),
        ("num_boost_round", "n_estimators"),
        ("num_iterations", "n_estimators"),
        ("nrounds", "n_estimators"),
        ("n_rounds", "n_estimators"),
        ("trees", "n_estimators"),
        ("n_trees", "n_estimators"),
        ("num_trees", "n_estimators"),
        ("eta", "learning_rate"),
        ("shrinkage", "learning_rate"),
        ("num_leaves", "max_leaf_nodes"),
        ("max_leaves", "max_leaf_nodes"),
        ("leaves", "max_leaf_nodes"),
        ("depth", "max_depth"),
        ("min_data_in_leaf", "min_samples_leaf"),
        ("min_child_samples", "min_samples_leaf"),
        ("min_leaf", "min_samples_leaf"),
        ("min_samples", "min_samples_leaf"),
        ("min_child_weight", "min_sum_hessian"),
        ("min_sum_hessian_in_leaf", "min_sum_hessian"),
        ("min_split_gain", "min_gain"),
        ("min_gain_to_split", "min_gain"),
        ("min_split_loss", "min_gain"),
        ("gamma", "min_gain"),
        ("lambda", "l2_regularization"),
        ("reg_lambda", "l2_regularization"),
        ("lambda_l2", "l2_regularization"),
        ("l2_leaf_reg", "l2_regularization"),
        ("l2", "l2_regularization"),
        ("colsample_bynode", "max_features"),
        ("colsample_bytree", "max_features"),
        ("feature_fraction", "max_features"),
        ("feature_fraction_bynode", "max_features"),
        ("mtry", "max_features"),
        ("bagging_fraction", "subsample"),
        ("sample_rate", "subsample"),
        ("max_bin", "max_bins"),
        ("n_bins", "max_bins"),
        ("border_count", "max_bins"),
        ("objective", "loss"),
        ("alpha", "quantile"),
        ("monotonic_cst", "monotone"),
        ("monotone_constraints", "monotone"),
        ("early_stopping_rounds", "n_iter_no_change"),
        ("early_stopping_round", "n_iter_no_change"),
        ("patience", "n_iter_no_change"),
        ("validation_share", "validation_fraction"),
        ("tolerance", "tol"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        counts(&params, &mut faults);
        amounts(&params, &mut faults);
        losses(&params, &mut faults);
        unless(faults, Self::from(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        Ok(Estimator::Boosted(tree::boost(data, &self.plan(data)?)?))
    }

    /// As many rounds more, on the rows of today.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Estimator::Boosted(previous) = previous else { return Err(of_another_kind(Self::NAME)) };
        Ok(Estimator::Boosted(tree::boost_on(previous, data, &self.plan(data)?)?))
    }
}

impl GradientBoosting {
    /// What boosting is done with.
    fn plan(&self, data: &Training) -> Result<BoostPlan, Fault> {
        if let (Task::Classification, Some(_)) = (data.y.task(), self.loss) {
            return Err(Fault::new("wrong-task", "`loss` is for numbers, and the target has classes")
                .within("loss")
                .help("leave it out: classes are learned by log loss"));
        }
        let limits = BoostLimits {
            leaves: self.max_leaf_nodes.unwrap_or(usize::MAX),
            depth: self.max_depth.unwrap_or(usize::MAX),
            rows: self.min_samples_leaf,
            curvature: self.min_sum_hessian,
            gain: self.min_gain,
            l2: self.l2_regularization,
            rate: self.learning_rate,
        };
        Ok(BoostPlan {
            rounds: self.n_estimators,
            loss: match self.loss.unwrap_or_default() {
                Loss::SquaredError => tree::Loss::Squared,
                Loss::AbsoluteError => tree::Loss::Absolute,
                Loss::Quantile => tree::Loss::Quantile(self.quantile.unwrap_or(0.5)),
                Loss::Poisson => tree::Loss::Poisson,
            },
            limits,
            bins: self.max_bins,
            features: self.max_features.of(data.x.columns()),
            sample: self.subsample,
            monotone: self.directions(data)?,
            patience: self.early_stopping.then_some(Patience {
                rounds: self.n_iter_no_change,
                tolerance: self.tol,
                share: self.validation_fraction,
            }),
        })
    }

    /// Each column's direction.
    fn directions(&self, data: &Training) -> Result<Vec<i8>, Fault> {
        let names = data.x.names();
        let mut directions = vec![0; names.len()];
        for (name, &direction) in &self.monotone {
            let fault = |code, message: String| Fault::new(code, message).within(name.as_str()).within("monotone");
            let Some(column) = names.iter().position(|other| other == name) else {
                let known = suggest(name, names.iter().map(String::as_str));
                return Err(fault("unknown-column", format!("there is no feature `{name}`")).maybe_help(known));
            };
            if data.x.levels(column).is_some() {
                return Err(fault("wrong-type", format!("`{name}` is a category, and categories have no order")));
            }
            directions[column] = direction;
        }
        if let crate::learn::Target::Classes { count, .. } = data.y
            && *count > 2
            && !self.monotone.is_empty()
        {
            let message = format!("`monotone` is for two classes or a number, and the target has {count} classes");
            return Err(Fault::new("wrong-task", message).within("monotone"));
        }
        Ok(directions)
    }
}

/// The faults of whole numbers.
fn counts(params: &Params, faults: &mut Vec<Fault>) {
    for (key, least, value) in [
        ("n_estimators", 1, params.n_estimators),
        ("max_leaf_nodes", 2, params.max_leaf_nodes.unwrap_or(2)),
        ("max_depth", 1, params.max_depth.unwrap_or(1)),
        ("min_samples_leaf", 1, params.min_samples_leaf),
        ("n_iter_no_change", 1, params.n_iter_no_change),
    ] {
        if value < least {
            faults.push(out_of_range(key, format!("`{key}` is at least {least}, and this is {value}")));
        }
    }
    if !(2..=255).contains(&params.max_bins) {
        let message = format!("`max_bins` is from 2 to 255, and this is {}", params.max_bins);
        faults.push(out_of_range("max_bins", message));
    }
}

/// The faults of other numbers.
fn amounts(params: &Params, faults: &mut Vec<Fault>) {
    for (key, value) in [("learning_rate", params.learning_rate), ("subsample", params.subsample)] {
        if !(value > 0.0 && value <= 1.0) {
            faults.push(out_of_range(key, format!("`{key}` is above 0 and up to 1, and this is {value}")));
        }
    }
    for (key, value) in [
        ("min_sum_hessian", params.min_sum_hessian),
        ("min_gain", params.min_gain),
        ("l2_regularization", params.l2_regularization),
        ("tol", params.tol),
    ] {
        if !(value >= 0.0 && value.is_finite()) {
            faults.push(out_of_range(key, format!("`{key}` is at least 0, and this is {value}")));
        }
    }
    if matches!(params.max_features, Features::Some(amount) if !amount.is_sound()) {
        let message = "`max_features` is at least 1, or a share above 0 and up to 1";
        faults.push(out_of_range("max_features", message));
    }
    let share = params.validation_fraction;
    if !(share > 0.0 && share < 1.0) {
        let message = format!("`validation_fraction` is between 0 and 1, and this is {share}");
        faults.push(out_of_range("validation_fraction", message));
    }
}

/// The faults of the loss and what depends on it.
fn losses(params: &Params, faults: &mut Vec<Fault>) {
    match params.quantile {
        Some(level) if !(level > 0.0 && level < 1.0) => {
            faults.push(out_of_range("quantile", format!("`quantile` is between 0 and 1, and this is {level}")));
        }
        Some(_) if params.loss != Some(Loss::Quantile) => {
            let fault = out_of_range("quantile", "`quantile` has no meaning with this loss");
            faults.push(fault.help("say `loss: quantile`, or leave it out"));
        }
        None if params.loss == Some(Loss::Quantile) => {
            let fault = out_of_range("loss", "`loss: quantile` needs a `quantile`");
            faults.push(fault.help("say `quantile: 0.9`, or `loss: absolute_error` for the median"));
        }
        _ => {}
    }
    for (name, direction) in &params.monotone {
        if ![-1, 0, 1].contains(direction) {
            let message = format!("`monotone` is 1 or -1, and for `{name}` this is {direction}");
            faults.push(out_of_range(name, message).within("monotone"));
        }
    }
    if !params.monotone.is_empty() && matches!(params.loss, Some(Loss::AbsoluteError | Loss::Quantile)) {
        faults.push(out_of_range("monotone", "`monotone` has no meaning with this loss"));
    }
}

impl From<Params> for GradientBoosting {
    fn from(params: Params) -> Self {
        Self {
            n_estimators: params.n_estimators,
            learning_rate: params.learning_rate,
            max_leaf_nodes: params.max_leaf_nodes,
            max_depth: params.max_depth,
            min_samples_leaf: params.min_samples_leaf,
            min_sum_hessian: params.min_sum_hessian,
            min_gain: params.min_gain,
            l2_regularization: params.l2_regularization,
            max_features: params.max_features,
            subsample: params.subsample,
            max_bins: params.max_bins,
            loss: params.loss,
            quantile: params.quantile,
            monotone: params.monotone,
            early_stopping: params.early_stopping,
            n_iter_no_change: params.n_iter_no_change,
            validation_fraction: params.validation_fraction,
            tol: params.tol,
        }
    }
}
