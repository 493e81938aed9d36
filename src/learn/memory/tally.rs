//! What naive Bayes remembers: sums over each class' rows. So going on is exact: the likelihoods are those of all rows
//! that were ever learned from.

use serde::{Deserialize, Serialize};

use super::{Memory, Resumable, apart, finite};
use crate::learn::Estimator;
use crate::learn::nature::Nature;
use crate::source::Fault;

/// What was seen of each class that occurred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// How many classes there are.
    pub count: usize,
    /// The classes that occurred, ascending.
    pub present: Vec<u32>,
    /// What the rows of each present class weigh.
    pub weights: Vec<f64>,
    /// What they hold.
    pub sums: Sums,
}

/// What the rows of each present class hold: class after class, a number a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sums {
    /// Means and variances (of the population).
    Moments {
        /// Σ weight · x / Σ weight.
        means: Vec<f64>,
        /// Σ weight · (x - mean)² / Σ weight.
        variances: Vec<f64>,
    },
    /// What the rows weigh on each side of a threshold.
    Counts {
        /// The threshold.
        threshold: f64,
        /// Those above it.
        above: Vec<f64>,
        /// The others.
        below: Vec<f64>,
    },
}

impl Tally {
    /// What a model of before remembers.
    ///
    /// # Errors
    /// If that is of another kind.
    pub(in crate::learn) fn of(previous: &Estimator) -> Result<&Self, Fault> {
        match previous {
            Estimator::Resumable(Resumable { memory: Memory::Tally(tally), .. }) => Ok(tally),
            _ => Err(apart("is no `naive_bayes` that remembers its rows")),
        }
    }

    /// How many features.
    pub(in crate::learn) fn columns(&self) -> usize {
        let (Sums::Moments { means: values, .. } | Sums::Counts { above: values, .. }) = &self.sums;
        values.len() / self.present.len().max(1)
    }

    /// What was seen of both.
    ///
    /// # Errors
    /// If they are of other features, or of another kind of sums.
    pub(in crate::learn) fn join(&self, other: &Self) -> Result<Self, Fault> {
        let columns = self.columns();
        if (columns, self.count) != (other.columns(), other.count) {
            return Err(apart("reads other features, or knows other classes"));
        }
        let mut present = [&self.present[..], &other.present[..]].concat();
        present.sort_unstable();
        present.dedup();
        // Each class' place in both.
        let places: Vec<[Option<usize>; 2]> =
            present.iter().map(|class| [self, other].map(|tally| tally.present.binary_search(class).ok())).collect();
        let weights: Vec<[f64; 2]> = places
            .iter()
            .map(|[a, b]| [a.map_or(0.0, |at| self.weights[at]), b.map_or(0.0, |at| other.weights[at])])
            .collect();
        let value = |values: &[f64], place: Option<usize>, column: usize| {
            place.map_or(0.0, |place| values[place * columns + column])
        };
        let each = |join: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..present.len() * columns).map(|cell| join(cell / columns, cell % columns)).collect()
        };
        let sums = match (&self.sums, &other.sums) {
            (Sums::Moments { means: a, variances: va }, Sums::Moments { means: b, variances: vb }) => {
                let share = |class: usize| weights[class][1] / (weights[class][0] + weights[class][1]);
                let pair = |class: usize, column: usize, [a, b]: [&[f64]; 2]| {
                    (value(a, places[class][0], column), value(b, places[class][1], column))
                };
                Sums::Moments {
                    means: each(&|class, column| {
                        let (a, b) = pair(class, column, [a, b]);
                        a + share(class) * (b - a)
                    }),
                    variances: each(&|class, column| {
                        let (share, (a, b)) = (share(class), pair(class, column, [a, b]));
                        let (va, vb) = pair(class, column, [va, vb]);
                        // The means' own distance counts too (Chan, Golub & LeVeque 1979).
                        va * (1.0 - share) + vb * share + share * (1.0 - share) * (b - a) * (b - a)
                    }),
                }
            }
            (
                Sums::Counts { threshold, above: a, below: va },
                Sums::Counts { threshold: same, above: b, below: vb },
            ) if threshold == same => {
                let sum = |class: usize, column: usize, [a, b]: [&[f64]; 2]| {
                    value(a, places[class][0], column) + value(b, places[class][1], column)
                };
                Sums::Counts {
                    threshold: *threshold,
                    above: each(&|class, column| sum(class, column, [a, b])),
                    below: each(&|class, column| sum(class, column, [va, vb])),
                }
            }
            _ => return Err(apart("takes its features for another `kind`, or parts them by another `binarize`")),
        };
        let weights = weights.iter().map(|[a, b]| a + b).collect();
        Ok(Self { count: self.count, present, weights, sums })
    }

    /// The features' natures over all rows; none where they weren't kept.
    pub(in crate::learn) fn natures(&self) -> Vec<Nature> {
        let Sums::Moments { means, variances } = &self.sums else { return Vec::new() };
        let (columns, total) = (self.columns(), self.weights.iter().sum::<f64>());
        let mean_of = |value: &dyn Fn(usize) -> f64| {
            self.weights.iter().enumerate().map(|(class, weight)| weight / total * value(class)).sum::<f64>()
        };
        let nature = |column: usize| {
            let mean = mean_of(&|class| means[class * columns + column]);
            let square = mean_of(&|class| {
                let cell = class * columns + column;
                variances[cell] + (means[cell] - mean) * (means[cell] - mean)
            });
            Nature { mean, deviation: square.sqrt() }
        };
        (0..columns).map(nature).collect()
    }

    /// Whether it is of these classes and so many features.
    pub(super) fn is_sound(&self, count: usize, present: &[u32], columns: usize) -> bool {
        let whole = |values: &[f64]| Some(values.len()) == present.len().checked_mul(columns) && finite(values);
        let sums = match &self.sums {
            Sums::Moments { means, variances } => whole(means) && whole(variances),
            Sums::Counts { threshold, above, below } => threshold.is_finite() && whole(above) && whole(below),
        };
        sums && self.count == count
            && self.present == present
            && self.weights.len() == present.len()
            && self.weights.iter().all(|weight| weight.is_finite() && *weight > 0.0)
    }
}
