//! The power that brings numbers nearest to a normal distribution (Yeo and Johnson 2000): scikit-learn's `PowerTransformer`.

use serde::{Deserialize, Serialize};

use crate::data::stats;
use crate::data::yeo_johnson::{bend, lambda, unbend};

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

impl YeoJohnson {
    /// By maximum likelihood. `None` if the numbers are too large for any power. Numbers that are all the same stay as they are.
    pub(super) fn fit(numbers: &[f64]) -> Option<Self> {
        let lambda = lambda(numbers);
        let bent: Vec<f64> = numbers.iter().map(|y| bend(*y, lambda)).collect();
        let count = bent.len() as f64;
        let mean = stats::sum(bent.iter().copied()) / count;
        let std = (stats::sum(bent.iter().map(|value| (value - mean).powi(2))) / count).sqrt();
        let std = if std >= f64::MIN_POSITIVE { std } else { 1.0 };
        Some(Self { lambda, mean, std }).filter(Self::is_sound)
    }

    /// The number on the scale.
    pub(super) fn there(&self, y: f64) -> f64 {
        (bend(y, self.lambda) - self.mean) / self.std
    }

    /// Back from the scale; what lies beyond all numbers that the power makes, as infinite.
    pub(super) fn back(&self, z: f64) -> f64 {
        unbend(z * self.std + self.mean, self.lambda)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.lambda.is_finite() && self.mean.is_finite() && self.std.is_finite() && self.std > 0.0
    }
}
