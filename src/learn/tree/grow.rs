//! Growing one tree: rows are parted in place, node after node.

use super::Limits;
use super::bins::Bins;
use super::criterion::Criterion;
use super::split::{self, Found, Rows, Space};
use super::trees::{Cut, Tree};
use crate::learn::Training;
use crate::learn::chance::Chance;
use crate::source::Fault;

/// Nodes of more rows than that look whether to stop.
const LONG: usize = 10_000;

/// A grown tree.
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// The impurity that each feature took away.
    pub(super) importance: Vec<f64>,
}

/// Rows that are still to be made a node of.
struct Task {
    node: usize,
    first: usize,
    end: usize,
    depth: usize,
}

struct Grower<'a, C> {
    bins: &'a Bins,
    criterion: &'a C,
    limits: &'a Limits,
    weights: &'a [f64],
    /// The weight of all rows of the tree.
    total: f64,
    chance: Chance,
    /// The tree's rows; a node's are beside each other.
    index: Vec<u32>,
    /// The features, the ones drawn for the node at hand first.
    features: Vec<usize>,
    sums: Vec<f64>,
    space: Space,
    grown: Grown,
}

/// Grows a tree on the rows of weight above 0, of which there is at least one.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn grow<C: Criterion>(
    data: &Training,
    bins: &Bins,
    criterion: &C,
    limits: &Limits,
    weights: &[f64],
    chance: Chance,
) -> Result<Grown, Fault> {
    let index: Vec<u32> = (0..bins.rows() as u32).filter(|&row| weights[row as usize] > 0.0).collect();
    let mut grower = Grower {
        bins,
        criterion,
        limits,
        weights,
        total: index.iter().map(|&row| weights[row as usize]).sum(),
        chance,
        index,
        features: (0..bins.columns()).collect(),
        sums: vec![0.0; criterion.width()],
        space: Space::default(),
        grown: Grown { tree: Tree::new(criterion.outputs()), importance: vec![0.0; bins.columns()] },
    };
    let mut tasks = vec![Task { node: 0, first: 0, end: grower.index.len(), depth: 0 }];
    while let Some(task) = tasks.pop() {
        if task.end - task.first > LONG {
            data.go_on()?;
        }
        grower.node(&task, &mut tasks);
    }
    Ok(grower.grown)
}

impl<C: Criterion> Grower<'_, C> {
    /// Makes a leaf or two more tasks of a task.
    fn node(&mut self, task: &Task, tasks: &mut Vec<Task>) {
        self.sums.fill(0.0);
        for &row in &self.index[task.first..task.end] {
            self.criterion.add(&mut self.sums, row as usize, self.weights[row as usize]);
        }
        let split = if self.is_done(task) { None } else { self.split(task) };
        let Some((feature, cut)) = split else {
            return self.leaf(task.node);
        };
        let gain = cut.score - self.criterion.score(&self.sums);
        if gain / self.total * self.criterion.unit() + f64::EPSILON < self.limits.min_impurity_decrease {
            return self.leaf(task.node);
        }
        self.grown.importance[feature] += gain.max(0.0);
        let middle = self.part(task, feature, cut.last);
        let share = |rows: &[u32]| rows.iter().map(|&row| self.weights[row as usize]).sum::<f64>() / self.total;
        let cover = [share(&self.index[task.first..middle]), share(&self.index[middle..task.end])];
        let at = Cut::Number(self.bins.threshold(feature, cut.last, cut.next));
        let left = self.grown.tree.cut(task.node, feature, &at, false, cover);
        let depth = task.depth + 1;
        tasks.push(Task { node: left + 1, first: middle, end: task.end, depth });
        tasks.push(Task { node: left, first: task.first, end: middle, depth });
    }

    fn is_done(&self, task: &Task) -> bool {
        let rows = &self.index[task.first..task.end];
        task.depth >= self.limits.max_depth
            || rows.len() < self.limits.min_samples_split
            || rows.len() < 2 * self.limits.min_samples_leaf
            || rows.iter().all(|&row| self.criterion.same(row as usize, rows[0] as usize))
    }

    fn leaf(&mut self, node: usize) {
        let mut values = Vec::with_capacity(self.criterion.outputs());
        self.criterion.leaf(&self.sums, &mut values);
        self.grown.tree.leaf(node, values);
    }

    /// The best cut among features drawn without replacement, and more of them until one varies.
    fn split(&mut self, task: &Task) -> Option<(usize, split::Cut)> {
        let rows = Rows {
            index: &self.index[task.first..task.end],
            weights: self.weights,
            sums: &self.sums,
            least: self.limits.min_samples_leaf,
        };
        let (mut best, mut varied): (Option<(usize, split::Cut)>, bool) = (None, false);
        for drawn in 0..self.features.len() {
            if drawn >= self.limits.features && varied {
                break;
            }
            let other = drawn + self.chance.below(self.features.len() - drawn);
            self.features.swap(drawn, other);
            let feature = self.features[drawn];
            let Found::Varied(cut) = self.space.search(self.criterion, self.bins, feature, &rows) else {
                continue;
            };
            varied = true;
            if let Some(cut) = cut.filter(|cut| best.is_none_or(|(_, best)| cut.score > best.score)) {
                best = Some((feature, cut));
            }
        }
        best
    }

    /// Puts the rows of bins up to `last` first, and says where the others begin.
    fn part(&mut self, task: &Task, feature: usize, last: u8) -> usize {
        let codes = self.bins.column(feature);
        let (mut first, mut end) = (task.first, task.end);
        while first < end {
            if codes[self.index[first] as usize] <= last {
                first += 1;
            } else {
                end -= 1;
                self.index.swap(first, end);
            }
        }
        first
    }
}
