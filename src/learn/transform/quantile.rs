//! Each number's place among those of the train rows, as on a normal distribution: scikit-learn's `QuantileTransformer` with
//! `output_distribution="normal"`, of all rows.

use serde::{Deserialize, Serialize};

use crate::data::{normal, stats};

/// How many quantiles are kept at most.
const MOST: usize = 1000;
/// The least share that a number stands for, and its distance from 1: the normal distribution has no ends.
const END: f64 = 1e-7;

/// Numbers at even shares of those that it was learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// The smallest one first, the largest last.
    pub quantiles: Vec<f64>,
}

impl Quantile {
    /// Of these numbers. `None` if there are none.
    pub(super) fn fit(numbers: &[f64]) -> Option<Self> {
        let quantiles = stats::even_quantiles_of(numbers.to_vec(), numbers.len().min(MOST))?;
        Some(Self { quantiles })
    }

    /// The share of the numbers that a quantile stands for.
    fn share(&self, nth: usize) -> f64 {
        nth as f64 / (self.quantiles.len() - 1).max(1) as f64
    }

    /// The number on the scale. Of equal quantiles it stands in the middle.
    pub(super) fn there(&self, y: f64) -> f64 {
        let last = self.quantiles.len() - 1;
        let below = self.quantiles.partition_point(|quantile| *quantile < y);
        let upto = self.quantiles.partition_point(|quantile| *quantile <= y);
        let share = if upto == 0 {
            0.0
        } else if below > last {
            1.0
        } else if below < upto {
            (self.share(below) + self.share(upto - 1)) / 2.0
        } else {
            let (low, high) = (self.quantiles[below - 1], self.quantiles[below]);
            self.share(below - 1) + (y - low) / (high - low) * (self.share(below) - self.share(below - 1))
        };
        normal::probit(share.clamp(END, 1.0 - END))
    }

    /// Back from the scale, on straight lines between the quantiles: never beyond the numbers that it was learned from.
    pub(super) fn back(&self, z: f64) -> f64 {
        let last = self.quantiles.len() - 1;
        let share = normal::cdf(z);
        if share.is_nan() {
            return f64::NAN;
        }
        if share <= END {
            return self.quantiles[0];
        }
        if share >= 1.0 - END {
            return self.quantiles[last];
        }
        let place = share * last as f64;
        let below = (place as usize).min(last.saturating_sub(1));
        let (low, high) = (self.quantiles[below], self.quantiles[(below + 1).min(last)]);
        low + (high - low) * (place - below as f64)
    }

    pub(super) fn is_sound(&self) -> bool {
        !self.quantiles.is_empty()
            && self.quantiles.iter().all(|quantile| quantile.is_finite())
            && self.quantiles.is_sorted()
    }
}
