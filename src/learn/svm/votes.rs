//! Classes from decisions between each two of them.

use serde::{Deserialize, Serialize};

use super::platt::couple;
use crate::data::elementary::exp;
use crate::learn::argmax;
use crate::learn::linear::sigmoid;

/// The classes that machines decide between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// How many classes there are.
    pub count: usize,
    /// The classes that occurred in training, ascending. The others get probability 0.
    pub present: Vec<u32>,
    /// For each pair of them how fast its decision turns into certainty; empty: not known.
    pub slopes: Vec<f64>,
}

impl Votes {
    /// How unsure a pair's decision is taken to be at least, where it is coupled with others.
    pub const LEAST_SURE: f64 = 1e-7;

    /// How many pairs there are.
    pub(super) fn pairs(&self) -> usize {
        self.present.len() * (self.present.len() - 1) / 2
    }

    /// Each class' probability by the pairs' decisions, in the order (0, 1), (0, 2) … (1, 2) …: above 0 for the second
    /// of the two. The likeliest is the class with most votes, the first of equals.
    pub(super) fn answer(&self, decisions: &[f64], into: &mut [f64]) {
        into.fill(0.0);
        if let [first, second] = self.present[..] {
            let odds = self.slopes.first().unwrap_or(&1.0) * decisions[0];
            into[first as usize] = sigmoid(-odds);
            into[second as usize] = sigmoid(odds);
            return;
        }
        let votes = self.count_votes(decisions);
        let winner = argmax(&votes);
        let mut told = vec![0.0; self.present.len()];
        if self.slopes.is_empty() {
            self.rank(decisions, &votes, &mut told);
        } else {
            let sure: Vec<f64> = decisions.iter().zip(&self.slopes).map(|(d, slope)| sigmoid(slope * d)).collect();
            couple(&sure, &mut told);
        }
        crown(winner as usize, &mut told);
        for (&class, told) in self.present.iter().zip(told) {
            into[class as usize] = told;
        }
    }

    fn count_votes(&self, decisions: &[f64]) -> Vec<f64> {
        let mut votes = vec![0.0; self.present.len()];
        self.each_pair(|pair, first, second| {
            votes[if decisions[pair] > 0.0 { second } else { first }] += 1.0;
        });
        votes
    }

    /// Shares by votes, and among equals by how clear the decisions are: e^(votes + s / (3·(|s| + 1))), s the sum of
    /// the class' decisions, as scikit-learn's `decision_function_shape="ovr"`. An order, no probabilities.
    fn rank(&self, decisions: &[f64], votes: &[f64], into: &mut [f64]) {
        self.each_pair(|pair, first, second| {
            into[first] -= decisions[pair];
            into[second] += decisions[pair];
        });
        let most = votes.iter().fold(0.0, |most: f64, votes| most.max(*votes));
        for (told, votes) in into.iter_mut().zip(votes) {
            *told = exp(votes - most + *told / (3.0 * (told.abs() + 1.0)));
        }
        let total: f64 = into.iter().sum();
        into.iter_mut().for_each(|told| *told /= total);
    }

    fn each_pair(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let mut pair = 0;
        for first in 0..self.present.len() {
            for second in first + 1..self.present.len() {
                visit(pair, first, second);
                pair += 1;
            }
        }
    }

    /// Whether classes and lengths hang together.
    pub(super) fn is_sound(&self) -> bool {
        self.present.len() >= 2
            && self.present.is_sorted_by(|a, b| a < b)
            && self.present.iter().all(|&class| (class as usize) < self.count)
            && (self.slopes.is_empty() || self.slopes.len() == self.pairs())
    }
}

/// Sees to it that the winner of the votes has the largest value: where another has it, the two change places.
fn crown(winner: usize, told: &mut [f64]) {
    let top = argmax(told) as usize;
    told.swap(top, winner);
    // An equal before it would be taken instead.
    let first = argmax(told) as usize;
    if first != winner {
        let little = told[first] * 1e-9;
        told[first] -= little;
        told[winner] += little;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(slopes: &[f64]) -> Votes {
        Votes { count: 5, present: vec![0, 2, 4], slopes: slopes.to_vec() }
    }

    #[test]
    fn the_class_with_most_votes_is_the_likeliest() {
        for slopes in [&[][..], &[1.0, 20.0, 1.0]] {
            for signs in 0..8 {
                let decisions = [0, 1, 2].map(|bit| if signs >> bit & 1 == 1 { 0.4 } else { -1.1 });
                let mut into = [9.0; 5];
                votes(slopes).answer(&decisions, &mut into);
                let mut counts = [0; 3];
                for (nth, (first, second)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
                    counts[if decisions[nth] > 0.0 { second } else { first }] += 1;
                }
                let winner = (0..3).rev().max_by_key(|&class| counts[class]).expect("classes");
                assert_eq!(argmax(&into), [0, 2, 4][winner], "{decisions:?} {into:?}");
                assert!((into.iter().sum::<f64>() - 1.0).abs() < 1e-12 && into[1] == 0.0 && into[3] == 0.0);
            }
        }
    }

    #[test]
    fn two_classes_are_one_sigmoid() {
        let votes = Votes { count: 2, present: vec![0, 1], slopes: vec![2.0] };
        let mut into = [0.0; 2];
        votes.answer(&[1.5], &mut into);
        assert_eq!(into[1], sigmoid(3.0));
    }
}
