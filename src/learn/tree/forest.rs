//! Trees as flat arrays, and what they say together.

use serde::{Deserialize, Serialize};

use super::grow::Tree;
use crate::learn::Task;
use crate::learn::estimator::Fitted;
use crate::learn::linear::to_shares;
use crate::source::Fault;

/// Marks a node without children.
pub(super) const LEAF: u32 = u32::MAX;

/// Trees whose answers are averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    /// Whether leaves hold class shares or a number.
    pub task: Task,
    /// How many features a row has.
    pub columns: usize,
    /// How many values a leaf has.
    pub outputs: usize,
    /// The features' shares of the impurity that splits took away.
    pub importance: Vec<f64>,
    /// Each tree's first node.
    roots: Vec<u32>,
    /// Each node's feature, or [`LEAF`].
    feature: Vec<u32>,
    /// Each node's cut: rows of at most that go left.
    threshold: Vec<f64>,
    /// Each node's left child (the right one follows), or a leaf's place in `values`, in leaves.
    child: Vec<u32>,
    /// The leaves' values.
    values: Vec<f64>,
}

impl Forest {
    /// Puts trees one after another.
    ///
    /// # Errors
    /// If there are more nodes than a u32 counts.
    pub(super) fn new(task: Task, columns: usize, outputs: usize, trees: Vec<Tree>) -> Result<Self, Fault> {
        let nodes: usize = trees.iter().map(|tree| tree.feature.len()).sum();
        if nodes >= LEAF as usize {
            return Err(Fault::new("forest-too-large", format!("the trees have {nodes} nodes together"))
                .help("lower `max_depth` or `n_estimators`, or raise `min_samples_leaf`"));
        }
        let mut forest = Self {
            task,
            columns,
            outputs,
            importance: vec![0.0; columns],
            roots: Vec::with_capacity(trees.len()),
            feature: Vec::with_capacity(nodes),
            threshold: Vec::with_capacity(nodes),
            child: Vec::with_capacity(nodes),
            values: Vec::new(),
        };
        for tree in trees {
            forest.push(tree);
        }
        to_shares(&mut forest.importance);
        Ok(forest)
    }

    fn push(&mut self, mut tree: Tree) {
        let root = self.feature.len() as u32;
        let leaves = (self.values.len() / self.outputs) as u32;
        self.roots.push(root);
        let children = tree.feature.iter().zip(&tree.child);
        self.child.extend(children.map(|(&feature, child)| child + if feature == LEAF { leaves } else { root }));
        self.feature.extend_from_slice(&tree.feature);
        self.threshold.extend_from_slice(&tree.threshold);
        self.values.extend_from_slice(&tree.values);
        // Each tree counts the same, however much there was to take away.
        to_shares(&mut tree.importance);
        self.importance.iter_mut().zip(&tree.importance).for_each(|(to, part)| *to += part);
    }

    /// How many trees.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    fn leaf(&self, mut node: usize, row: &[f64]) -> usize {
        loop {
            let (feature, child) = (self.feature[node], self.child[node] as usize);
            if feature == LEAF {
                return child;
            }
            node = child + usize::from(row[feature as usize] > self.threshold[node]);
        }
    }
}

impl Fitted for Forest {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, self.columns, into);
    }

    /// The average answer for each row. `rows` holds `columns` values a row, `into` takes `outputs` a row.
    fn rows(&self, rows: &[f64], _: usize, into: &mut [f64]) {
        assert_eq!(rows.len() * self.outputs, into.len() * self.columns, "one value a feature");
        into.fill(0.0);
        // A tree stays in the cache for a block of rows; each row still sums its trees in order.
        for &root in &self.roots {
            for (row, into) in rows.chunks_exact(self.columns).zip(into.chunks_exact_mut(self.outputs)) {
                let leaf = self.leaf(root as usize, row) * self.outputs;
                let values = &self.values[leaf..leaf + self.outputs];
                into.iter_mut().zip(values).for_each(|(to, value)| *to += value);
            }
        }
        let trees = self.roots.len() as f64;
        into.iter_mut().for_each(|value| *value /= trees);
    }

    /// Whether every path ends in a leaf: children come after their parents.
    fn is_sound(&self) -> bool {
        let nodes = self.feature.len();
        self.columns > 0
            && self.outputs > 0
            && (self.task == Task::Classification || self.outputs == 1)
            && !self.roots.is_empty()
            && self.importance.len() == self.columns
            && self.threshold.len() == nodes
            && self.child.len() == nodes
            && self.roots.iter().all(|&root| (root as usize) < nodes)
            && (0..nodes).all(|node| {
                let (feature, child) = (self.feature[node], self.child[node] as usize);
                if feature == LEAF {
                    return child < self.values.len() / self.outputs;
                }
                (feature as usize) < self.columns && child > node && child + 1 < nodes
            })
    }
}
