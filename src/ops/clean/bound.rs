//! Which numbers of a column are far from the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::stats;
use crate::source::Fault;

/// Which numbers are far.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// More than so many interquartile ranges below the first or above the third quartile (Tukey 1977).
    Iqr(f64),
    /// More than so many standard deviations from the mean.
    Zscore(f64),
    /// Outside of these two quantiles.
    Quantile([f64; 2]),
    /// Outside of these two values.
    Between([f64; 2]),
}

impl Bound {
    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<Fault> {
        let (field, message) = match self {
            Bound::Iqr(width) if *width < 0.0 || width.is_nan() => ("iqr", "must not be negative"),
            Bound::Zscore(width) if *width <= 0.0 || width.is_nan() => ("zscore", "must be above 0"),
            Bound::Quantile([low, high]) if !(0.0 <= *low && low < high && *high <= 1.0) => {
                ("quantile", "must be two shares, the lower one first, as in [0.01, 0.99]")
            }
            Bound::Between([low, high]) if !(low <= high && *low < f64::INFINITY && *high > f64::NEG_INFINITY) => {
                ("between", "must be two values, the lower one first")
            }
            _ => return None,
        };
        Some(Fault::new("out-of-range", format!("`{field}` {message}")).within(field))
    }

    /// Lowest and highest value that aren't far, within the floats; `None` for a column without values.
    pub(super) fn of(&self, values: &polars::prelude::Column) -> Option<(f64, f64)> {
        let quantile = |share| stats::quantile(values, share);
        let (low, high) = match self {
            Bound::Iqr(width) => {
                let (first, third) = (quantile(0.25)?, quantile(0.75)?);
                let reach = width * (third - first);
                (first - reach, third + reach)
            }
            Bound::Zscore(width) => {
                let (mean, reach) = (stats::mean(values)?, width * stats::std(values)?);
                (mean - reach, mean + reach)
            }
            Bound::Quantile([low, high]) => (quantile(*low)?, quantile(*high)?),
            Bound::Between([low, high]) => (*low, *high),
        };
        Some((low.max(f64::MIN), high.min(f64::MAX)))
    }
}
