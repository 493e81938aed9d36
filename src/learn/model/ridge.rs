//! Least squares with a penalty on the squares of the coefficients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elastic_net::FIT_INTERCEPT;
use super::faults::{Faults, hyper};
use super::{HyperParameter, Model};
use crate::learn::memory::{fit_line, update_line};
use crate::learn::{Estimator, Task, Training, least_squares};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What a coefficient's square costs.
    pub alpha: f64,
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { alpha: 1.0, fit_intercept: true }
    }
}

/// The weighted sum that minimizes Σ weight·(y - x·w)² + alpha·Σw². The intercept costs nothing.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Ridge(Params);

impl Model for Ridge {
    const NAME: &'static str = "ridge";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "least squares where large coefficients cost their squares";
    const EXAMPLE: &'static str = "{alpha: 10}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("alpha", "1.0", "≥ 0", "the penalty's strength: squared error + alpha · Σ coefficient²"),
        FIT_INTERCEPT,
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("lambda", "alpha"),
        ("penalty", "alpha"),
        ("reg_lambda", "alpha"),
        ("l2", "alpha"),
        ("intercept", "fit_intercept"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        faults.not_negative("alpha", params.alpha);
        faults.or(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        fit_line(Self::NAME, self.0.fit_intercept, data, &|rows| least_squares::solve(rows, self.0.alpha))
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Params { alpha, fit_intercept } = self.0;
        update_line(Self::NAME, fit_intercept, previous, data, &|rows| least_squares::solve(rows, alpha))
    }
}
