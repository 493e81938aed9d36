//! Ordinary least squares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model};
use crate::learn::memory::{fit_line, update_line};
use crate::learn::{Estimator, Task, Training, least_squares};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { fit_intercept: true }
    }
}

/// The weighted sum of the features with the smallest squared error.
#[derive(Debug, Serialize)]
pub struct LinearRegression {
    fit_intercept: bool,
}

impl Model for LinearRegression {
    const NAME: &'static str = "linear_regression";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "ordinary least squares: the weighted sum with the smallest squared error";
    const EXAMPLE: &'static str = "{fit_intercept: true}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[HyperParameter {
        name: "fit_intercept",
        default: "true",
        range: "true, false",
        summary: "whether a constant is fitted besides the coefficients",
    }];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[("intercept", "fit_intercept")];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        Ok(Self { fit_intercept: params.fit_intercept })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        fit_line(Self::NAME, self.fit_intercept, data, &|rows| least_squares::solve(rows, 0.0))
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        update_line(Self::NAME, self.fit_intercept, previous, data, &|rows| least_squares::solve(rows, 0.0))
    }
}
