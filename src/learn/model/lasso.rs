//! Least squares with a penalty on the sizes of the coefficients: many of them become 0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elastic_net::{self, ElasticNet, FIT_INTERCEPT, MAX_ITER, POSITIVE, TOL};
use super::faults::hyper;
use super::{HyperParameter, Model};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What a coefficient's size costs.
    pub alpha: f64,
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
    /// How many sweeps over the features at most.
    pub max_iter: usize,
    /// How near to the optimum is near enough.
    pub tol: f64,
    /// Whether coefficients are at least 0.
    pub positive: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { alpha: 1.0, fit_intercept: true, max_iter: 1000, tol: 1e-4, positive: false }
    }
}

/// The weighted sum that minimizes half the mean weighted squared error + alpha · Σ|w|. The intercept costs nothing.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Lasso(Params);

impl Model for Lasso {
    const NAME: &'static str = "lasso";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "least squares where large coefficients cost their sizes: many become 0";
    const EXAMPLE: &'static str = "{alpha: 0.1}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("alpha", "1.0", "≥ 0", "the penalty's strength: half the mean squared error + alpha · Σ|coefficient|"),
        FIT_INTERCEPT,
        MAX_ITER,
        TOL,
        POSITIVE,
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("lambda", "alpha"),
        ("penalty", "alpha"),
        ("l1", "alpha"),
        ("iterations", "max_iter"),
        ("tolerance", "tol"),
        ("intercept", "fit_intercept"),
        ("non_negative", "positive"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        ElasticNet::check(whole(&params))?;
        Ok(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        ElasticNet(whole(&self.0)).fit_as(Self::NAME, data)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        ElasticNet(whole(&self.0)).update_as(Self::NAME, previous, data)
    }
}

/// A lasso is an elastic net of L1 alone.
fn whole(params: &Params) -> elastic_net::Params {
    let Params { alpha, fit_intercept, max_iter, tol, positive } = *params;
    elastic_net::Params { alpha, l1_ratio: 1.0, fit_intercept, max_iter, tol, positive }
}
