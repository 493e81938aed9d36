//! Ordinary least squares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model};
use crate::learn::linear::{Line, importance};
use crate::learn::{Estimator, Target, Task, Training, least_squares, nature, validate};
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
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "ordinary least squares: the weighted sum with the smallest squared error";
    const EXAMPLE: &'static str = "{fit_intercept: true}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
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
        let Target::Numbers(y) = data.y else {
            return Err(validate::wrong_task(Self::NAME, data.y.task()));
        };
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let (means, offset) = if self.fit_intercept {
            (natures.iter().map(|nature| nature.mean).collect(), nature::mean(data, |row| y[row]))
        } else {
            (vec![0.0; natures.len()], 0.0)
        };
        if !offset.is_finite() {
            return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean"));
        }
        let coefficients = least_squares::solve(data, y, &means, offset)?;
        let shift: f64 = coefficients.iter().zip(&means).map(|(w, mean)| w * mean).sum();
        let importance = importance(&coefficients, &natures);
        Ok(Estimator::Line(Line { coefficients, intercept: offset - shift, importance }))
    }
}
