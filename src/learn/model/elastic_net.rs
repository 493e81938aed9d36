//! Least squares with a penalty on the sizes and the squares of the coefficients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, hyper};
use super::{HyperParameter, Model};
use crate::learn::centered::Centered;
use crate::learn::descent::{Goal, descend};
use crate::learn::memory::{fit_line, update_line};
use crate::learn::{Estimator, Task, Training, least_squares};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What large coefficients cost.
    pub alpha: f64,
    /// The part of L1 in that.
    pub l1_ratio: f64,
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
        Self { alpha: 1.0, l1_ratio: 0.5, fit_intercept: true, max_iter: 1000, tol: 1e-4, positive: false }
    }
}

/// The weighted sum that minimizes half the mean weighted squared error
/// + alpha · (l1_ratio · Σ|w| + (1 - l1_ratio) / 2 · Σw²). The intercept costs nothing.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ElasticNet(pub(super) Params);

pub(super) const FIT_INTERCEPT: HyperParameter =
    hyper("fit_intercept", "true", "true, false", "whether a constant is fitted besides the coefficients");
pub(super) const MAX_ITER: HyperParameter =
    hyper("max_iter", "1000", "≥ 1", "how many sweeps over the features at most");
pub(super) const TOL: HyperParameter = hyper(
    "tol",
    "1e-4",
    "> 0",
    "how near to the optimum is near enough: the duality gap as a share of the target's variance",
);
pub(super) const POSITIVE: HyperParameter =
    hyper("positive", "false", "true, false", "whether coefficients are at least 0");

impl Model for ElasticNet {
    const NAME: &'static str = "elastic_net";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "least squares where large coefficients cost their sizes and squares";
    const EXAMPLE: &'static str = "{alpha: 0.1, l1_ratio: 0.7}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper(
            "alpha",
            "1.0",
            "≥ 0",
            "the penalty's strength: half the mean squared error + \
                      alpha · (l1_ratio · Σ|coefficient| + (1 - l1_ratio) / 2 · Σ coefficient²)",
        ),
        hyper("l1_ratio", "0.5", "0 to 1", "the part of l1 in the penalty"),
        FIT_INTERCEPT,
        MAX_ITER,
        TOL,
        POSITIVE,
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("lambda", "alpha"),
        ("penalty", "alpha"),
        ("mixture", "l1_ratio"),
        ("iterations", "max_iter"),
        ("tolerance", "tol"),
        ("intercept", "fit_intercept"),
        ("non_negative", "positive"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        faults.not_negative("alpha", params.alpha);
        faults.number("l1_ratio", params.l1_ratio, (0.0..=1.0).contains(&params.l1_ratio), "from 0 to 1");
        faults.at_least("max_iter", 1, params.max_iter);
        faults.positive("tol", params.tol);
        faults.or(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        self.fit_as(Self::NAME, data)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        self.update_as(Self::NAME, previous, data)
    }
}

impl ElasticNet {
    /// Fits it under the name of the model that was asked for.
    pub(super) fn fit_as(&self, name: &str, data: &Training) -> Result<Estimator, Fault> {
        fit_line(name, self.0.fit_intercept, data, &|rows| self.solve(name, rows))
    }

    /// Goes on under the name of the model that was asked for.
    pub(super) fn update_as(&self, name: &str, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        update_line(name, self.0.fit_intercept, previous, data, &|rows| self.solve(name, rows))
    }

    /// The coefficients of rows in units of their own.
    fn solve<'a>(&self, name: &str, rows: Centered<'a>) -> Result<(Centered<'a>, Vec<f64>), Fault> {
        let Params { alpha, l1_ratio, max_iter, tol, positive, .. } = self.0;
        let (l1, l2) = (alpha * l1_ratio, alpha * (1.0 - l1_ratio));
        if l1 == 0.0 && !positive {
            // Without a corner there is a closed form.
            let strength = l2 * rows.total;
            return least_squares::solve(rows, strength);
        }
        let goal = Goal { l1, l2, positive, tolerance: tol, sweeps: max_iter };
        let found = descend(&rows, &goal)?;
        if !found.converged {
            let message = format!("`{name}` did not converge in {max_iter} sweeps");
            let help = "raise `max_iter`, `alpha` or `tol`, or standardize the features";
            rows.data.watch.warn(Fault::warning("not-converged", message).help(help));
        }
        Ok((rows, found.at))
    }
}
