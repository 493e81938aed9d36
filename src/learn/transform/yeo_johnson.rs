//! The power that brings numbers nearest to a normal distribution (Yeo and Johnson 2000): scikit-learn's `PowerTransformer`.

use serde::{Deserialize, Serialize};

use crate::data::elementary::{exp_m1, ln, ln_1p};
use crate::data::stats;
use crate::learn::brent;

/// A power, and what its results are standardized by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct YeoJohnson {
    /// The power, λ.
    pub lambda: f64,
    /// The mean of what the power makes of the numbers it was learned from.
    pub mean: f64,
    /// Their standard deviation, of the population.
    pub std: f64,
}

/// Powers are looked for so far from 0 first, and farther while the best one lies at the end.
const REACH: f64 = 2.0;
const FARTHEST: f64 = 64.0;

impl YeoJohnson {
    /// By maximum likelihood. `None` if the numbers are too large for any power. Numbers that are all the same stay as they are.
    pub(super) fn fit(numbers: &[f64]) -> Option<Self> {
        // ln(1 + |y|) with the sign of y: all that the likelihood reads of a number.
        let logs: Vec<f64> = numbers.iter().map(|y| ln_1p(y.abs()).copysign(*y)).collect();
        let total = stats::sum(logs.iter().copied());
        let unlikely = |lambda: f64| {
            let spread = moments(&logs, lambda).1;
            let likelihood = (lambda - 1.0) * total - logs.len() as f64 * ln(spread);
            if spread >= f64::MIN_POSITIVE && likelihood.is_finite() { -likelihood } else { f64::INFINITY }
        };
        let mut reach = REACH;
        let mut lambda = brent::minimize(-reach, reach, unlikely);
        while lambda.abs() > 0.99 * reach && reach < FARTHEST {
            reach *= 2.0;
            lambda = brent::minimize(-reach, reach, unlikely);
        }
        if unlikely(lambda) == f64::INFINITY {
            lambda = 1.0;
        }
        let (mean, std) = moments(&logs, lambda);
        let std = if std >= f64::MIN_POSITIVE { std } else { 1.0 };
        Some(Self { lambda, mean, std }).filter(Self::is_sound)
    }

    /// The number on the scale.
    pub(super) fn there(&self, y: f64) -> f64 {
        (power(ln_1p(y.abs()).copysign(y), self.lambda) - self.mean) / self.std
    }

    /// Back from the scale; what lies beyond all numbers that the power makes, as infinite.
    pub(super) fn back(&self, z: f64) -> f64 {
        let t = z * self.std + self.mean;
        // What is mirrored below 0 has the power 2 - λ.
        let power = if t < 0.0 { 2.0 - self.lambda } else { self.lambda };
        let size = t.abs();
        let y = if power.abs() < f64::EPSILON { exp_m1(size) } else { exp_m1(ln_1p((power * size).max(-1.0)) / power) };
        y.copysign(t)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.lambda.is_finite() && self.mean.is_finite() && self.std.is_finite() && self.std > 0.0
    }
}

/// What the power makes of a number whose `ln(1 + |y|)`, with its sign, is `log`.
fn power(log: f64, lambda: f64) -> f64 {
    let power = if log < 0.0 { 2.0 - lambda } else { lambda };
    let size = log.abs();
    let made = if power.abs() < f64::EPSILON { size } else { exp_m1(power * size) / power };
    made.copysign(log)
}

/// The mean and the standard deviation of what the power makes of the numbers.
fn moments(logs: &[f64], lambda: f64) -> (f64, f64) {
    let count = logs.len() as f64;
    let made: Vec<f64> = logs.iter().map(|log| power(*log, lambda)).collect();
    let mean = stats::sum(made.iter().copied()) / count;
    (mean, (stats::sum(made.iter().map(|value| (value - mean).powi(2))) / count).sqrt())
}
