//! Least squares with a penalty on the squares of the coefficients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model, out_of_range, unless};
use crate::learn::centered::Centered;
use crate::learn::{Estimator, Task, Training, least_squares};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
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
pub struct Ridge {
    alpha: f64,
    fit_intercept: bool,
}

impl Model for Ridge {
    const NAME: &'static str = "ridge";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "least squares where large coefficients cost their squares";
    const EXAMPLE: &'static str = "{alpha: 10}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const HYPER: &'static [HyperParameter] = &[
        HyperParameter {
            name: "alpha",
            default: "1.0",
            range: "≥ 0",
            summary: "the penalty's strength: squared error + alpha · Σ coefficient²",
        },
        HyperParameter {
            name: "fit_intercept",
            default: "true",
            range: "true, false",
            summary: "whether a constant is fitted besides the coefficients",
        },
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
        let Params { alpha, fit_intercept } = params;
        let mut faults = Vec::new();
        if !(alpha >= 0.0 && alpha.is_finite()) {
            faults.push(out_of_range("alpha", format!("`alpha` is at least 0, and this is {alpha}")));
        }
        unless(faults, Self { alpha, fit_intercept })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let rows = Centered::new(data, Self::NAME, self.fit_intercept)?;
        let (rows, found) = least_squares::solve(rows, self.alpha)?;
        rows.line(&found)
    }
}
