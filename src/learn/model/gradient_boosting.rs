//! Gradient boosting (Friedman 2001) on histograms, leaf by leaf, as scikit-learn's HistGradientBoosting and LightGBM do it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Features;
use super::faults::{Faults, hyper, out_of_range};
use super::monotone::{self, Monotone};
use super::{HyperParameter, Model, of_another_kind};
use crate::learn::tree::{self, BoostLimits, BoostPlan, Patience};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

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
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
    pub monotone: Monotone,
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
            monotone: Monotone::new(),
            early_stopping: false,
            n_iter_no_change: 10,
            validation_fraction: 0.1,
            tol: 1e-7,
        }
    }
}

/// Trees that each correct those before, by histograms of the loss' slopes.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct GradientBoosting(Params);

impl Model for GradientBoosting {
    const NAME: &'static str = "gradient_boosting";
    const VERSION: u32 = 2;
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
        let mut faults = Faults::default();
        counts(&params, &mut faults);
        amounts(&params, &mut faults);
        losses(&params, &mut faults);
        faults.or(Self(params))
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
        let params = &self.0;
        if let (Task::Classification, Some(_)) = (data.y.task(), params.loss) {
            return Err(Fault::new("wrong-task", "`loss` is for numbers, and the target has classes")
                .within("loss")
                .help("leave it out: classes are learned by log loss"));
        }
        let limits = BoostLimits {
            leaves: params.max_leaf_nodes.unwrap_or(usize::MAX),
            depth: params.max_depth.unwrap_or(usize::MAX),
            rows: params.min_samples_leaf,
            curvature: params.min_sum_hessian,
            gain: params.min_gain,
            l2: params.l2_regularization,
            rate: params.learning_rate,
        };
        Ok(BoostPlan {
            rounds: params.n_estimators,
            loss: match params.loss.unwrap_or_default() {
                Loss::SquaredError => tree::Loss::Squared,
                Loss::AbsoluteError => tree::Loss::Absolute,
                Loss::Quantile => tree::Loss::Quantile(params.quantile.unwrap_or(0.5)),
                Loss::Poisson => tree::Loss::Poisson,
            },
            limits,
            bins: params.max_bins,
            features: params.max_features.of(data.x.columns()),
            sample: params.subsample,
            monotone: monotone::signs(&params.monotone, data)?,
            patience: params.early_stopping.then_some(Patience {
                rounds: params.n_iter_no_change,
                tolerance: params.tol,
                share: params.validation_fraction,
            }),
        })
    }
}

/// The faults of whole numbers.
fn counts(params: &Params, faults: &mut Faults) {
    for (key, least, value) in [
        ("n_estimators", 1, params.n_estimators),
        ("max_leaf_nodes", 2, params.max_leaf_nodes.unwrap_or(2)),
        ("max_depth", 1, params.max_depth.unwrap_or(1)),
        ("min_samples_leaf", 1, params.min_samples_leaf),
        ("n_iter_no_change", 1, params.n_iter_no_change),
    ] {
        faults.at_least(key, least, value);
    }
    if !(2..=255).contains(&params.max_bins) {
        let message = format!("`max_bins` is from 2 to 255, and this is {}", params.max_bins);
        faults.push(out_of_range("max_bins", message));
    }
}

/// The faults of other numbers.
fn amounts(params: &Params, faults: &mut Faults) {
    for (key, value) in [("learning_rate", params.learning_rate), ("subsample", params.subsample)] {
        faults.number(key, value, value > 0.0 && value <= 1.0, "above 0 and up to 1");
    }
    for (key, value) in [
        ("min_sum_hessian", params.min_sum_hessian),
        ("min_gain", params.min_gain),
        ("l2_regularization", params.l2_regularization),
        ("tol", params.tol),
    ] {
        faults.not_negative(key, value);
    }
    if let Features::Some(amount) = params.max_features {
        faults.amount("max_features", 1, amount);
    }
    faults.between("validation_fraction", params.validation_fraction);
}

/// The faults of the loss and what depends on it.
fn losses(params: &Params, faults: &mut Faults) {
    match params.quantile {
        Some(level) if !(level > 0.0 && level < 1.0) => faults.between("quantile", level),
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
    monotone::check(&params.monotone, faults);
    if !params.monotone.is_empty() && matches!(params.loss, Some(Loss::AbsoluteError | Loss::Quantile)) {
        faults.push(out_of_range("monotone", "`monotone` has no meaning with this loss"));
    }
}
