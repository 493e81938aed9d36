//! Trees whose answers are averaged.

use serde::{Deserialize, Serialize};

use super::shap;
use super::sieve::Sieve;
use super::trees::Trees;
use crate::data::Matrix;
use crate::learn::estimator::Fitted;
use crate::learn::{Explanation, Scale, Task};

/// How many rows are predicted at a time: so many that reading a tree into the cache is worth it.
const BLOCK: usize = 8192;

/// Trees whose answers are averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    /// Whether leaves hold class shares or a number.
    pub task: Task,
    /// The features' shares of the impurity that splits took away.
    pub importance: Vec<f64>,
    /// How well rows are predicted by the trees that have not drawn them: accuracy, or R². `None` if not asked for, or
    /// if no tree has left a row out.
    pub oob_score: Option<f64>,
    /// The trees.
    pub trees: Trees,
}

impl Forest {
    fn average(&self, into: &mut [f64]) {
        let trees = self.trees.len() as f64;
        into.iter_mut().for_each(|value| *value /= trees);
    }
}

impl Fitted for Forest {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> Option<usize> {
        Some(self.trees.columns())
    }

    fn outputs(&self) -> usize {
        self.trees.outputs()
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, self.trees.columns(), into);
    }

    /// The average answer for each row. `rows` holds `columns` values a row, `into` takes `outputs` a row.
    fn rows(&self, rows: &[f64], _: usize, into: &mut [f64]) {
        let (columns, outputs) = (self.trees.columns(), self.trees.outputs());
        assert_eq!(rows.len() * outputs, into.len() * columns, "one value a feature");
        into.fill(0.0);
        // A tree stays in the cache for a block of rows; each row still sums its trees in order.
        for tree in 0..self.trees.len() {
            self.trees.add(tree, rows, into, outputs, 0);
        }
        self.average(into);
    }

    fn block(&self) -> usize {
        BLOCK
    }

    fn matrix(&self, x: &Matrix, first: usize, into: &mut [f64]) {
        let outputs = self.trees.outputs();
        into.fill(0.0);
        let mut sieve = Sieve::new(x, first, into.len() / outputs);
        for tree in 0..self.trees.len() {
            sieve.add(&self.trees, tree, into, outputs, 0);
        }
        self.average(into);
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        let mut facts = vec![("trees", self.trees.len() as f64), ("leaves", self.trees.leaves() as f64)];
        facts.push(("depth", self.trees.depth() as f64));
        facts.extend(self.oob_score.map(|score| ("oob_score", score)));
        facts
    }

    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let scale = if self.task == Task::Regression { Scale::Number } else { Scale::Probability };
        let mut found = Explanation::new(scale, self.trees.outputs(), self.trees.columns());
        for tree in 0..self.trees.len() {
            if !shap::add(&self.trees, tree, row, &mut found.base, &mut found.contributions) {
                return None;
            }
        }
        let trees = self.trees.len() as f64;
        found.base.iter_mut().chain(&mut found.contributions).for_each(|value| *value /= trees);
        Some(found)
    }

    fn is_sound(&self) -> bool {
        self.trees.is_sound()
            && !self.trees.is_empty()
            && (self.task == Task::Classification || self.trees.outputs() == 1)
            && self.importance.len() == self.trees.columns()
    }
}
