//! Neural networks of fully connected layers: what a fit leaves behind, and the fit in the files beside.

mod layers;
mod optimizer;
mod train;

use serde::{Deserialize, Serialize};

use super::Task;
use super::estimator::Fitted;
use super::linear::sigmoid;
use crate::data::elementary::exp;

pub use layers::Activation;
pub(super) use layers::{Net, Pass};
pub(super) use optimizer::{Rate, Solver};
pub use train::Course;
pub(super) use train::{Early, Plan, fit, update};

/// The largest number that goes in: the sums of larger ones could overflow.
pub(super) const LARGEST: f64 = 1e18;

/// Layers of weighted sums, each passed through a bent function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// How many features there are, how many units each hidden layer has, and how many the last one.
    pub sizes: Vec<usize>,
    /// How the hidden layers' sums are bent.
    pub activation: Activation,
    /// Layer after layer: for each input the weights of all units, then the units' constants.
    pub parameters: Vec<f32>,
    /// What the last layer's sums mean.
    pub output: Output,
}

/// What a network's last sums mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Log-odds of classes.
    Classes {
        /// How many classes there are.
        count: usize,
        /// The classes that occurred in training, ascending. The others get probability 0. For two of them the network
        /// has one sum, the log-odds of the second.
        present: Vec<u32>,
    },
    /// A number: `scale` · the sum + `shift`.
    Number {
        /// The deviation of the target in training.
        scale: f64,
        /// Its mean.
        shift: f64,
    },
}

impl Output {
    /// Makes probabilities or a number of the last sums of a row.
    fn read(&self, sums: &[f32], into: &mut [f64]) {
        // A row far out of the training's range may lead to sums that are no numbers: they say nothing then.
        let sum = |nth: usize| if sums[nth].is_nan() { 0.0 } else { f64::from(sums[nth]).clamp(-1e30, 1e30) };
        match self {
            Output::Number { scale, shift } => into[0] = scale * sum(0) + shift,
            Output::Classes { present, .. } if present.len() == 2 => {
                into.fill(0.0);
                into[present[0] as usize] = sigmoid(-sum(0));
                into[present[1] as usize] = sigmoid(sum(0));
            }
            Output::Classes { present, .. } => {
                into.fill(0.0);
                let largest = (0..sums.len()).map(sum).fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = (0..sums.len()).map(|nth| exp(sum(nth) - largest)).collect();
                let total: f64 = powers.iter().sum();
                for (&class, power) in present.iter().zip(powers) {
                    into[class as usize] = power / total;
                }
            }
        }
    }

    /// How many sums the last layer has.
    fn sums(&self) -> usize {
        match self {
            Output::Classes { present, .. } if present.len() > 2 => present.len(),
            _ => 1,
        }
    }
}

impl Fitted for Network {
    fn task(&self) -> Task {
        match self.output {
            Output::Classes { .. } => Task::Classification,
            Output::Number { .. } => Task::Regression,
        }
    }

    fn columns(&self) -> Option<usize> {
        self.sizes.first().copied()
    }

    fn outputs(&self) -> usize {
        match &self.output {
            Output::Classes { count, .. } => *count,
            Output::Number { .. } => 1,
        }
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, self.sizes[0], into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        assert_eq!(columns, self.sizes[0], "one value a feature");
        let net = Net { sizes: &self.sizes, activation: self.activation };
        let mut pass = Pass::new(net, rows.len() / columns);
        pass.input().iter_mut().zip(rows).for_each(|(slot, value)| *slot = value.clamp(-LARGEST, LARGEST) as f32);
        pass.forward(&self.parameters);
        let sums = pass.sums().chunks(self.output.sums());
        for (sums, into) in sums.zip(into.chunks_mut(self.outputs())) {
            self.output.read(sums, into);
        }
    }

    fn is_sound(&self) -> bool {
        let known = match &self.output {
            Output::Number { scale, shift } => scale.is_finite() && shift.is_finite(),
            Output::Classes { count, present } => {
                present.len() >= 2
                    && present.is_sorted_by(|a, b| a < b)
                    && present.iter().all(|&class| (class as usize) < *count)
            }
        };
        // Sizes from outside must not overflow either.
        let lengths = self.sizes.windows(2).map(|pair| pair[0].checked_add(1)?.checked_mul(pair[1]));
        let total = lengths.into_iter().try_fold(0usize, |total, length| total.checked_add(length?));
        known
            && self.sizes.len() >= 2
            && !self.sizes.contains(&0)
            && self.sizes.last() == Some(&self.output.sums())
            && total == Some(self.parameters.len())
    }
}

#[cfg(test)]
mod tests;
