//! Naive Bayes: features that are independent of each other within a class.

use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::{Explanation, Scale, Task};
use crate::data::elementary::{exp, ln};

/// The least logarithm of a class' share.
pub(super) const LEAST: f64 = -700.0;

/// How likely a class makes a feature's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// By a normal distribution.
    Gaussian {
        /// Class after class, one a feature.
        means: Vec<f64>,
        /// Likewise, all above 0.
        variances: Vec<f64>,
    },
    /// By whether it is above a threshold.
    Bernoulli {
        /// The threshold.
        threshold: f64,
        /// The logarithm of the share of values above it: class after class, one a feature.
        above: Vec<f64>,
        /// Likewise of the others.
        below: Vec<f64>,
    },
}

/// Classes with a likelihood for each feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bayes {
    /// How many classes there are.
    pub count: usize,
    /// The classes that occurred in training, ascending. The others get probability 0.
    pub present: Vec<u32>,
    /// How many features.
    pub columns: usize,
    /// The logarithm of each present class' share.
    pub priors: Vec<f64>,
    /// How likely values are.
    pub likelihood: Likelihood,
}

impl Bayes {
    /// What a class adds to every row's likelihood.
    fn constant(&self, place: usize) -> f64 {
        match &self.likelihood {
            Likelihood::Gaussian { variances, .. } => {
                -0.5 * self.of(place, variances).iter().map(|v| ln(*v)).sum::<f64>()
            }
            Likelihood::Bernoulli { .. } => 0.0,
        }
    }

    /// The numbers of the present class at that place.
    fn of<'a>(&self, place: usize, all: &'a [f64]) -> &'a [f64] {
        &all[place * self.columns..(place + 1) * self.columns]
    }

    /// The logarithm of how likely that class makes a row, up to its constant and to what all classes share.
    fn likelihood(&self, place: usize, row: &[f64]) -> f64 {
        match &self.likelihood {
            Likelihood::Gaussian { means, variances } => {
                let features = row.iter().zip(self.of(place, means)).zip(self.of(place, variances));
                -0.5 * features.fold(0.0, |sum, ((x, mean), variance)| sum + (x - mean) * (x - mean) / variance)
            }
            Likelihood::Bernoulli { threshold, above, below } => {
                let features = row.iter().zip(self.of(place, above)).zip(self.of(place, below));
                features.fold(0.0, |sum, ((x, above), below)| sum + if x > threshold { above } else { below })
            }
        }
    }

    /// The logarithm of how likely that class makes one feature's value, up to what all classes share.
    fn evidence(&self, place: usize, column: usize, value: f64) -> f64 {
        let cell = place * self.columns + column;
        match &self.likelihood {
            Likelihood::Gaussian { means, variances } => {
                -0.5 * (ln(variances[cell]) + (value - means[cell]) * (value - means[cell]) / variances[cell])
            }
            Likelihood::Bernoulli { threshold, above, below } => {
                if value > *threshold {
                    above[cell]
                } else {
                    below[cell]
                }
            }
        }
    }

    /// Each class' probability; where a row is beyond all likelihood, the classes' shares.
    fn answer(&self, row: &[f64], constant: impl Fn(usize) -> f64, into: &mut [f64]) {
        assert_eq!(row.len(), self.columns, "one value a feature");
        into.fill(0.0);
        let mut largest = f64::NEG_INFINITY;
        for (place, &class) in self.present.iter().enumerate() {
            let joint = self.priors[place] + constant(place) + self.likelihood(place, row);
            into[class as usize] = joint;
            largest = largest.max(joint);
        }
        let mut total = 0.0;
        for (place, &class) in self.present.iter().enumerate() {
            let slot = &mut into[class as usize];
            *slot = if largest.is_finite() { exp(*slot - largest) } else { exp(self.priors[place]) };
            // No number is as good as no likelihood.
            *slot = slot.max(0.0);
            total += *slot;
        }
        self.present.iter().for_each(|&class| into[class as usize] /= total);
    }
}

impl Fitted for Bayes {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        self.count
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.answer(row, |place| self.constant(place), into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        let constants: Vec<f64> = (0..self.present.len()).map(|place| self.constant(place)).collect();
        for (row, into) in rows.chunks(columns).zip(into.chunks_mut(self.count)) {
            self.answer(row, |place| constants[place], into);
        }
    }

    /// In log-odds, for the features' likelihoods are multiplied. The base is what the classes' shares alone say; a
    /// feature contributes by how much likelier a class makes its value than the others do (Good's weight of evidence):
    /// of two classes than the other one, of more than their mean. A class that never occurred has none to speak of.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let mut found = Explanation::new(Scale::LogOdds, self.count, self.columns);
        let classes = self.present.len();
        // What is taken off: of two classes the other one's, of more the mean of all.
        let against = |values: &[f64], place: usize| match values {
            [first, second] => {
                if place == 0 {
                    *second
                } else {
                    *first
                }
            }
            _ => values.iter().sum::<f64>() / classes as f64,
        };
        for (place, &class) in self.present.iter().enumerate() {
            found.base[class as usize] = self.priors[place] - against(&self.priors, place);
        }
        for (column, value) in row.iter().enumerate() {
            let likelihoods: Vec<f64> = (0..classes).map(|place| self.evidence(place, column, *value)).collect();
            for (place, &class) in self.present.iter().enumerate() {
                found.contributions[class as usize * self.columns + column] =
                    likelihoods[place] - against(&likelihoods, place);
            }
        }
        Some(found)
    }

    /// Whether lengths and classes hang together.
    fn is_sound(&self) -> bool {
        let cells = self.present.len().checked_mul(self.columns);
        let whole = |values: &[f64]| Some(values.len()) == cells && values.iter().all(|value| value.is_finite());
        let holds = match &self.likelihood {
            Likelihood::Gaussian { means, variances } => {
                whole(means) && whole(variances) && variances.iter().all(|variance| *variance > 0.0)
            }
            Likelihood::Bernoulli { threshold, above, below } => threshold.is_finite() && whole(above) && whole(below),
        };
        holds
            && self.columns > 0
            && !self.present.is_empty()
            && self.present.iter().all(|&class| (class as usize) < self.count)
            && self.priors.len() == self.present.len()
            && self.priors.iter().all(|prior| (LEAST..=0.0).contains(prior))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Bayes {
        Bayes {
            count: 3,
            present: vec![0, 2],
            columns: 1,
            priors: vec![ln(0.25), ln(0.75)],
            likelihood: Likelihood::Gaussian { means: vec![0.0, 1.0], variances: vec![1.0, 1.0] },
        }
    }

    #[test]
    fn a_row_beyond_all_likelihood_gets_the_shares() {
        let mut into = [9.0; 3];
        for far in [f64::MAX, f64::INFINITY, f64::NAN] {
            two().row(&[far], &mut into);
            assert!((into[0] - 0.25).abs() < 1e-12 && (into[2] - 0.75).abs() < 1e-12, "{into:?}");
        }
        two().row(&[0.5], &mut into);
        assert!((into[0] - 0.25).abs() < 1e-12 && into[1] == 0.0, "{into:?}");
    }

    #[test]
    fn numbers_that_do_not_hang_together_are_told() {
        assert!(two().is_sound());
        let broken: [fn(&mut Bayes); 6] = [
            |b| b.columns = 2,
            |b| b.present = vec![0, 3],
            |b| b.present.clear(),
            |b| b.priors[0] = f64::NAN,
            |b| b.likelihood = Likelihood::Gaussian { means: vec![0.0, 1.0], variances: vec![1.0, 0.0] },
            |b| b.likelihood = Likelihood::Bernoulli { threshold: 0.0, above: vec![-1.0], below: vec![-1.0] },
        ];
        for damage in broken {
            let mut damaged = two();
            damage(&mut damaged);
            assert!(!damaged.is_sound());
        }
    }
}
