//! Least squares with a penalty on the sizes and the squares of the coefficients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model, out_of_range, unless};
use crate::learn::centered::Centered;
use crate::learn::descent::{Goal, descend};
use crate::learn::{Estimator, Task, Training, least_squares};
use crate::source::Fault;

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
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
pub struct ElasticNet {
    pub(super) alpha: f64,
    pub(super) l1_ratio: f64,
    pub(super) fit_intercept: bool,
    pub(super) max_iter: usize,
    pub(super) tol: f64,
    pub(super) positive: bool,
}

pub(super) const FIT_INTERCEPT: HyperParameter = HyperParameter {
    name: "fit_intercept",
    default: "true",
    range: "true, false",
    summary: "whether a constant is fitted besides the coefficients",
};
pub(super) const MAX_ITER: HyperParameter = HyperParameter {
    name: "max_iter",
    default: "1000",
    range: "≥ 1",
    summary: "how many sweeps over the features at most",
};
pub(super) const TOL: HyperParameter = HyperParameter {
    name: "tol",
    default: "1e-4",
    range: "> 0",
    summary: "how near to the optimum is near enough: the duality gap as a share of the target's variance",
};
pub(super) const POSITIVE: HyperParameter = HyperParameter {
    name: "positive",
    default: "false",
    range: "true, false",
    summary: "whether coefficients are at least 0",
};

impl Model for ElasticNet {
    const NAME: &'static str = "elastic_net";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "least squares where large coefficients cost their sizes and squares";
    const EXAMPLE: &'static str = "{alpha: 0.1, l1_ratio: 0.7}";
    const TASKS: &'static [Task] = &[Task::Regression];
    const CHANCE: bool = false;
    const HYPER: &'static [HyperParameter] = &[
        HyperParameter {
            name: "alpha",
            default: "1.0",
            range: "≥ 0",
            summary: "the penalty's strength: half the mean squared error + \
                      alpha · (l1_ratio · Σ|coefficient| + (1 - l1_ratio) / 2 · Σ coefficient²)",
        },
        HyperParameter { name: "l1_ratio", default: "0.5", range: "0 to 1", summary: "the part of l1 in the penalty" },
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
        let Params { alpha, l1_ratio, fit_intercept, max_iter, tol, positive } = params;
        let mut faults = Vec::new();
        if !(alpha >= 0.0 && alpha.is_finite()) {
            faults.push(out_of_range("alpha", format!("`alpha` is at least 0, and this is {alpha}")));
        }
        if !(0.0..=1.0).contains(&l1_ratio) {
            faults.push(out_of_range("l1_ratio", format!("`l1_ratio` is from 0 to 1, and this is {l1_ratio}")));
        }
        if max_iter == 0 {
            faults.push(out_of_range("max_iter", "`max_iter` is at least 1"));
        }
        if !(tol > 0.0 && tol.is_finite()) {
            faults.push(out_of_range("tol", format!("`tol` is above 0, and this is {tol}")));
        }
        unless(faults, Self { alpha, l1_ratio, fit_intercept, max_iter, tol, positive })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        self.fit_as(Self::NAME, data)
    }
}

impl ElasticNet {
    /// Fits it under the name of the model that was asked for.
    pub(super) fn fit_as(&self, name: &str, data: &Training) -> Result<Estimator, Fault> {
        let rows = Centered::new(data, name, self.fit_intercept)?;
        let (l1, l2) = (self.alpha * self.l1_ratio, self.alpha * (1.0 - self.l1_ratio));
        if l1 == 0.0 && !self.positive {
            // Without a corner there is a closed form.
            let strength = l2 * rows.total;
            let (rows, found) = least_squares::solve(rows, strength)?;
            return rows.line(&found);
        }
        let goal = Goal { l1, l2, positive: self.positive, tolerance: self.tol, sweeps: self.max_iter };
        let found = descend(&rows, &goal)?;
        if !found.converged {
            let message = format!("`{name}` did not converge in {} sweeps", self.max_iter);
            let help = "raise `max_iter`, `alpha` or `tol`, or standardize the features";
            data.watch.warn(Fault::warning("not-converged", message).help(help));
        }
        rows.line(&found.at)
    }
}
