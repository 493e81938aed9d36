//! Support vector machines: what a fit leaves behind, and the fits in the files beside.

mod cache;
mod fit;
mod interior;
mod kernel;
mod platt;
mod smo;
mod votes;

use serde::{Deserialize, Serialize};

use super::Task;
use super::estimator::Fitted;
use kernel::Others;

pub(super) use fit::{Plan, fit};
pub use kernel::Kernel;
pub use votes::Votes;

/// Weighted similarities with rows of the training, the support vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// How alike two rows are.
    pub kernel: Kernel,
    /// What is taken off each feature first.
    pub means: Vec<f64>,
    /// The support vectors, row after row, those of a class together.
    pub vectors: Vec<f64>,
    /// The vectors' squared lengths.
    pub squares: Vec<f64>,
    /// For each vector its weight against each of the other classes, in order; one for a regression.
    pub coefficients: Vec<f64>,
    /// What is added: one a pair of classes in the order (0, 1), (0, 2) … (1, 2) …, or one.
    pub intercepts: Vec<f64>,
    /// How a class is decided on; `None` for a regression.
    pub voting: Option<Voting>,
}

/// How a machine decides on a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voting {
    /// The classes, and how their pairs' decisions are taken together.
    pub votes: Votes,
    /// Where each class' vectors start, and where the last one's end.
    pub starts: Vec<usize>,
}

impl Machine {
    fn width(&self) -> usize {
        self.voting.as_ref().map_or(1, |voting| voting.votes.present.len() - 1)
    }

    /// What the vectors `from` up to `to` say against the class that is their `against`th other one.
    fn partial(&self, alike: &[f64], from: usize, to: usize, against: usize) -> f64 {
        let weights = self.coefficients[from * self.width()..].iter().skip(against).step_by(self.width());
        alike[from..to].iter().zip(weights).map(|(alike, weight)| alike * weight).sum()
    }

    /// Decides by a row's similarities with all vectors.
    fn decide(&self, alike: &[f64], decisions: &mut Vec<f64>, into: &mut [f64]) {
        let Some(Voting { votes, starts }) = &self.voting else {
            into[0] = self.partial(alike, 0, alike.len(), 0) + self.intercepts[0];
            return;
        };
        decisions.clear();
        for first in 0..votes.present.len() {
            for second in first + 1..votes.present.len() {
                let told = self.partial(alike, starts[first], starts[first + 1], second - 1)
                    + self.partial(alike, starts[second], starts[second + 1], first)
                    + self.intercepts[decisions.len()];
                decisions.push(told);
            }
        }
        votes.answer(decisions, into);
    }
}

impl Fitted for Machine {
    fn task(&self) -> Task {
        if self.voting.is_some() { Task::Classification } else { Task::Regression }
    }

    fn columns(&self) -> Option<usize> {
        Some(self.means.len())
    }

    fn outputs(&self) -> usize {
        self.voting.as_ref().map_or(1, |voting| voting.votes.count)
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, self.means.len(), into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        assert_eq!(columns, self.means.len(), "one value a feature");
        assert_eq!(rows.len() % columns, 0, "whole rows");
        let centered: Vec<f64> =
            rows.chunks(columns).flat_map(|row| row.iter().zip(&self.means).map(|(x, mean)| x - mean)).collect();
        let count = self.squares.len();
        let mut alike = vec![0.0; centered.len() / columns * count];
        let others = Others { columns, values: &self.vectors, squares: &self.squares };
        self.kernel.block(&centered, &others, &mut alike);
        let mut decisions = Vec::new();
        for (nth, into) in into.chunks_mut(self.outputs()).enumerate() {
            self.decide(&alike[nth * count..(nth + 1) * count], &mut decisions, into);
        }
    }

    fn is_sound(&self) -> bool {
        let vectors = self.squares.len();
        let whole = !self.means.is_empty() && self.vectors.len() == vectors * self.means.len();
        let Some(Voting { votes, starts }) = &self.voting else {
            return whole && self.coefficients.len() == vectors && self.intercepts.len() == 1;
        };
        whole
            && votes.is_sound()
            && starts.len() == votes.present.len() + 1
            && starts.is_sorted()
            && starts[0] == 0
            && starts[votes.present.len()] == vectors
            && self.coefficients.len() == vectors * (votes.present.len() - 1)
            && self.intercepts.len() == votes.pairs()
    }
}

/// Weighted sums that decide between each two of more than two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duels {
    /// The classes, and how their pairs' decisions are taken together.
    pub votes: Votes,
    /// How many features.
    pub columns: usize,
    /// `columns` for each pair of classes in the order (0, 1), (0, 2) … (1, 2) ….
    pub coefficients: Vec<f64>,
    /// One a pair.
    pub intercepts: Vec<f64>,
    /// The features' shares.
    pub importance: Vec<f64>,
}

impl Fitted for Duels {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        self.votes.count
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        assert_eq!(row.len(), self.columns, "one value a feature");
        let weights = self.coefficients.chunks(self.columns).zip(&self.intercepts);
        let decisions: Vec<f64> = weights
            .map(|(weights, intercept)| row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + intercept)
            .collect();
        self.votes.answer(&decisions, into);
    }

    fn is_sound(&self) -> bool {
        self.columns > 0
            && self.votes.is_sound()
            && self.intercepts.len() == self.votes.pairs()
            && self.coefficients.len() == self.votes.pairs() * self.columns
    }
}

#[cfg(test)]
mod tests;
