//! The nearest training rows: an estimator that holds them, and looks them up by a tree or by comparing with all.

mod brute;
mod nearest;
mod tree;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use self::brute::Brute;
use self::nearest::Nearest;
use self::tree::Tree;
use super::Task;
use super::estimator::Fitted;

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The root of the summed squares of their differences.
    Euclidean,
    /// The sum of their differences' sizes.
    Manhattan,
}

/// The answers of the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// One class a row, each below `count`.
    Classes {
        /// The classes.
        codes: Vec<u32>,
        /// How many classes there are.
        count: usize,
    },
    /// One number a row.
    Numbers(Vec<f64>),
}

impl Answers {
    /// With the answers of more rows behind them; `None` if those are of another kind.
    pub(super) fn with(&self, more: Self) -> Option<Self> {
        match (self, more) {
            (Answers::Classes { codes, count }, Answers::Classes { codes: more, count: same }) if *count == same => {
                Some(Answers::Classes { codes: [&codes[..], &more].concat(), count: same })
            }
            (Answers::Numbers(numbers), Answers::Numbers(more)) => {
                Some(Answers::Numbers([&numbers[..], &more].concat()))
            }
            _ => None,
        }
    }
}

/// Training rows that answer for the rows near them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbors {
    /// How many features.
    pub columns: usize,
    /// The rows, one after the other.
    pub rows: Vec<f64>,
    /// Their answers.
    pub answers: Answers,
    /// How much each row's answer counts, all above 0; `None`: all the same.
    pub weights: Option<Vec<f64>>,
    /// How many rows answer.
    pub n_neighbors: usize,
    /// Whether near ones count more: by the inverse of the distance.
    pub by_distance: bool,
    /// How far apart rows are.
    pub metric: Metric,
    /// Whether they are looked up by a tree.
    pub tree: bool,
    /// Made of the rows when it is first needed.
    #[serde(skip)]
    index: Lazy,
}

/// What makes looking up fast.
#[derive(Debug)]
enum Index {
    Tree(Tree),
    Brute(Brute),
}

/// An index that follows from the rest: copies and comparisons pass over it.
#[derive(Debug, Default)]
struct Lazy(OnceLock<Index>);

impl Clone for Lazy {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Lazy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is held of the rows, and how they are asked.
pub(super) struct Ask {
    pub(super) n_neighbors: usize,
    pub(super) by_distance: bool,
    pub(super) metric: Metric,
    pub(super) tree: bool,
}

impl Neighbors {
    /// Holds rows of `columns` values.
    pub(super) fn new(columns: usize, rows: Vec<f64>, answers: Answers, weights: Option<Vec<f64>>, ask: &Ask) -> Self {
        let Ask { n_neighbors, by_distance, metric, tree } = *ask;
        Self { columns, rows, answers, weights, n_neighbors, by_distance, metric, tree, index: Lazy::default() }
    }

    fn index(&self) -> &Index {
        self.index.0.get_or_init(|| {
            if self.tree {
                Index::Tree(Tree::new(&self.rows, self.columns))
            } else {
                Index::Brute(Brute::new(&self.rows, self.columns, self.metric))
            }
        })
    }

    /// What the nearest rows say.
    fn answer(&self, nearest: &[(f64, u32)], into: &mut [f64]) {
        let closest = nearest.first().map_or(0.0, |(distance, _)| self.metric.length(*distance));
        let vote = |&(distance, row): &(f64, u32)| {
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[row as usize]);
            if !self.by_distance {
                return weight;
            }
            let distance = self.metric.length(distance);
            // As shares of the closest one's: the same ratios, without a division by nothing.
            match (closest > 0.0 && closest.is_finite(), distance == closest) {
                (_, true) => weight,
                (true, false) => weight * (closest / distance),
                (false, false) => 0.0,
            }
        };
        let total: f64 = nearest.iter().map(vote).sum();
        into.fill(0.0);
        match &self.answers {
            Answers::Classes { codes, .. } => {
                nearest.iter().for_each(|near| into[codes[near.1 as usize] as usize] += vote(near) / total);
            }
            Answers::Numbers(numbers) => {
                nearest.iter().for_each(|near| into[0] += numbers[near.1 as usize] * (vote(near) / total));
            }
        }
    }
}

impl Fitted for Neighbors {
    fn task(&self) -> Task {
        match self.answers {
            Answers::Classes { .. } => Task::Classification,
            Answers::Numbers(_) => Task::Regression,
        }
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        match self.answers {
            Answers::Classes { count, .. } => count,
            Answers::Numbers(_) => 1,
        }
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        assert_eq!(row.len(), self.columns, "one value a feature");
        let mut nearest = Nearest::new(self.n_neighbors);
        match self.index() {
            Index::Tree(tree) => tree.search(row, self.metric, &mut nearest),
            Index::Brute(_) => brute::search(&self.rows, row, self.metric, &mut nearest),
        }
        self.answer(nearest.sorted(), into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        let outputs = self.outputs();
        let mut nearest = Nearest::new(self.n_neighbors);
        match self.index() {
            Index::Tree(tree) => {
                for (row, into) in rows.chunks(columns).zip(into.chunks_mut(outputs)) {
                    nearest.clear();
                    tree.search(row, self.metric, &mut nearest);
                    self.answer(nearest.sorted(), into);
                }
            }
            Index::Brute(brute) => brute.search_all(&self.rows, rows, &mut nearest, |nth, nearest| {
                self.answer(nearest, &mut into[nth * outputs..(nth + 1) * outputs]);
            }),
        }
    }

    /// Whether rows and answers go together. Makes the index of those that do, so that no request has to wait for it.
    fn is_sound(&self) -> bool {
        let (held, answers_hold) = match &self.answers {
            Answers::Classes { codes, count } => (codes.len(), codes.iter().all(|&code| (code as usize) < *count)),
            Answers::Numbers(numbers) => (numbers.len(), numbers.iter().all(|number| number.is_finite())),
        };
        let weights_hold = self.weights.as_ref().is_none_or(|weights| {
            weights.len() == held && weights.iter().all(|weight| *weight > 0.0 && *weight <= 1.0)
        });
        let sound = self.columns > 0
            && held.checked_mul(self.columns) == Some(self.rows.len())
            && u32::try_from(held).is_ok()
            && (1..=held).contains(&self.n_neighbors)
            && self.rows.iter().all(|value| value.is_finite())
            && answers_hold
            && weights_hold;
        if sound {
            self.index();
        }
        sound
    }
}

impl Metric {
    /// What grows with the distance and needs no root: the sum over features, in their order. No number counts as
    /// infinitely far.
    fn between(self, a: &[f64], b: &[f64]) -> f64 {
        let pairs = a.iter().zip(b);
        let sum = match self {
            Metric::Euclidean => pairs.fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)),
            Metric::Manhattan => pairs.fold(0.0, |sum, (a, b)| sum + (a - b).abs()),
        };
        if f64::is_nan(sum) { f64::INFINITY } else { sum }
    }

    /// The distance of such a sum.
    fn length(self, sum: f64) -> f64 {
        match self {
            Metric::Euclidean => sum.sqrt(),
            Metric::Manhattan => sum,
        }
    }
}

#[cfg(test)]
mod tests;
