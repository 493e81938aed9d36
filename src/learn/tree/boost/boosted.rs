//! What boosting leaves behind: trees that are summed up.

use serde::{Deserialize, Serialize};

use super::walk::Walk;
use crate::data::elementary::exp;
use crate::learn::estimator::Fitted;
use crate::learn::linear::sigmoid;
use crate::learn::tree::{Trees, shap};
use crate::learn::{Explanation, Scale, Task};

/// From so many rows on a tree is laid out for them.
const MANY: usize = 64;

/// What a sum of trees stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// A number.
    Identity,
    /// The logarithm of a number.
    Log,
    /// Log-odds: of the second class, or of each class.
    Logit,
}

/// Trees whose answers are summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    /// What the sums stand for.
    pub link: Link,
    /// How many classes there are; 1 for a number.
    pub count: usize,
    /// The classes that occurred in training, ascending: each has a sum of its own, two share one. The others get
    /// probability 0. Empty for a number.
    pub present: Vec<u32>,
    /// Where each sum starts.
    pub start: Vec<f64>,
    /// The features' shares of what cuts gained.
    pub importance: Vec<f64>,
    /// Tree t belongs to sum t mod the number of sums; a leaf has one value.
    pub trees: Trees,
}

impl Boosted {
    /// How many rounds were kept.
    pub fn rounds(&self) -> usize {
        self.trees.len() / self.start.len().max(1)
    }

    /// Where sum `head` is kept among the outputs.
    fn place(&self, head: usize) -> usize {
        match self.present[..] {
            [] => 0,
            [_, second] => second as usize,
            _ => self.present[head] as usize,
        }
    }

    /// Makes answers of one row's sums.
    fn link(&self, into: &mut [f64]) {
        match (self.link, &self.present[..]) {
            (Link::Identity, _) => {}
            (Link::Log, _) => into[0] = exp(into[0]),
            (Link::Logit, &[first, second]) => {
                let odds = into[second as usize];
                into[first as usize] = sigmoid(-odds);
                into[second as usize] = sigmoid(odds);
            }
            (Link::Logit, present) => {
                let places = || present.iter().map(|&class| class as usize);
                let most = places().fold(f64::NEG_INFINITY, |most, place| most.max(into[place]));
                places().for_each(|place| into[place] = exp(into[place] - most));
                let total: f64 = places().map(|place| into[place]).sum();
                places().for_each(|place| into[place] /= total);
            }
        }
    }
}

impl Fitted for Boosted {
    fn task(&self) -> Task {
        if self.link == Link::Logit { Task::Classification } else { Task::Regression }
    }

    fn columns(&self) -> Option<usize> {
        Some(self.trees.columns())
    }

    fn outputs(&self) -> usize {
        self.count
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    fn block(&self) -> usize {
        1024
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("rounds", self.rounds() as f64),
            ("trees", self.trees.len() as f64),
            ("leaves", self.trees.leaves() as f64),
        ]
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, self.trees.columns(), into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        assert_eq!(columns, self.trees.columns(), "one value a feature");
        assert_eq!(rows.len() * self.count, into.len() * columns, "one answer a row");
        into.fill(0.0);
        for (head, start) in self.start.iter().enumerate() {
            into.iter_mut().skip(self.place(head)).step_by(self.count).for_each(|sum| *sum = *start);
        }
        // Laying a tree out is worth it for many rows.
        let mut walk = (into.len() >= MANY * self.count).then(Walk::new);
        let missing = walk.is_some() && rows.iter().any(|value| value.is_nan());
        for tree in 0..self.trees.len() {
            let place = self.place(tree % self.start.len());
            if let Some(walk) = &mut walk
                && walk.take(&self.trees, tree)
            {
                walk.add(rows, columns, &mut into[place..], self.count, missing);
            } else {
                self.trees.add(tree, rows, into, self.count, place);
            }
        }
        into.chunks_exact_mut(self.count).for_each(|into| self.link(into));
    }

    /// Of the sums, before they are linked: in log-odds, or in the logarithm of a number.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let scale = match self.link {
            Link::Identity => Scale::Number,
            Link::Log => Scale::Logarithm,
            Link::Logit => Scale::LogOdds,
        };
        let columns = self.trees.columns();
        let mut found = Explanation::new(scale, self.count, columns);
        for (head, start) in self.start.iter().enumerate() {
            found.base[self.place(head)] = *start;
        }
        for tree in 0..self.trees.len() {
            let place = self.place(tree % self.start.len());
            let into = &mut found.contributions[place * columns..(place + 1) * columns];
            if !shap::add(&self.trees, tree, row, &mut found.base[place..=place], into) {
                return None;
            }
        }
        if let (Link::Logit, &[first, second]) = (self.link, &self.present[..]) {
            found.negate(second as usize, first as usize);
        }
        Some(found)
    }

    fn is_sound(&self) -> bool {
        let heads = match (self.link, self.present.len()) {
            (Link::Logit, 2) => 1,
            (Link::Logit, classes) => classes,
            (_, 0) if self.count == 1 => 1,
            _ => 0,
        };
        heads > 0
            && self.start.len() == heads
            && self.start.iter().all(|start| start.is_finite())
            && self.trees.len().is_multiple_of(heads)
            && self.trees.outputs() == 1
            && self.trees.is_sound()
            && self.importance.len() == self.trees.columns()
            && self.present.windows(2).all(|pair| pair[0] < pair[1])
            && self.present.iter().all(|&class| (class as usize) < self.count)
    }
}
