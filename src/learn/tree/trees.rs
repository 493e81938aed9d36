//! Trees as flat arrays: what every model of trees keeps, and how a row finds its leaves.

use serde::{Deserialize, Serialize};

use crate::source::Fault;

/// Set in a node's `feature`: rows without a value go left.
const MISSING_LEFT: u32 = 1 << 31;
/// Set in a node's `feature`: it holds categories, and `threshold` is the place of their set.
const SET: u32 = 1 << 30;
/// A leaf's `feature`.
const LEAF: u32 = u32::MAX;
/// The bits of `feature` that name it.
const NAME: u32 = SET - 1;
/// How many nodes, leaves or words of sets there are at most.
const MOST: usize = u32::MAX as usize;

/// A node, packed into 16 bytes so that many fit the cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Node(u32, f64, u32);

/// Trees one after another. Children come after their parents, the right one next to the left one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    /// How many categories each feature has, 0 for numbers.
    levels: Vec<u32>,
    /// How many values a leaf has.
    outputs: usize,
    /// Each tree's first node.
    roots: Vec<u32>,
    /// Each node: its feature and marks, its cut, and its left child, or a leaf's place in `values`, in leaves.
    nodes: Vec<Node>,
    /// Each node's weight of training rows, as a share of its tree's.
    cover: Vec<f32>,
    /// Sets of categories that go left, 64 to a word.
    sets: Vec<u64>,
    /// The leaves' values.
    values: Vec<f64>,
}

/// How a node parts its rows.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::learn) enum Cut {
    /// Numbers of at most that go left.
    Number(f64),
    /// Categories of the set go left: bit c of word c / 64 stands for category c.
    Set(Vec<u64>),
}

/// One node, to be read by whoever walks the trees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::learn) enum View<'a> {
    /// What it says.
    Leaf(&'a [f64]),
    /// Numbers of at most `threshold` go left.
    Number {
        /// Which feature.
        feature: usize,
        /// The cut.
        threshold: f64,
        /// Whether rows without a value go left.
        missing_left: bool,
        /// The left child, counted from the tree's root; the right one follows.
        left: usize,
    },
    /// Categories of `set` go left; those unknown count as missing.
    Set {
        /// Which feature.
        feature: usize,
        /// Bit c of word c / 64 stands for category c.
        set: &'a [u64],
        /// Whether rows without a value go left.
        missing_left: bool,
        /// The left child, counted from the tree's root; the right one follows.
        left: usize,
    },
}

/// A tree that grows. Its nodes are numbered from 0, the root; all are leaves until they are cut.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::learn) struct Tree {
    outputs: usize,
    nodes: Vec<Node>,
    cover: Vec<f32>,
    sets: Vec<u64>,
    values: Vec<f64>,
}

impl Tree {
    /// A root and nothing else, of leaves of `outputs` values.
    pub(in crate::learn) fn new(outputs: usize) -> Self {
        let root = Node(LEAF, 0.0, u32::MAX);
        Self { outputs, nodes: vec![root], cover: vec![1.0], sets: Vec::new(), values: Vec::new() }
    }

    /// How many nodes.
    pub(in crate::learn) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Cuts a node, and names its left child; the right one follows. `cover` is the share of the tree's weight that
    /// each of them holds.
    pub(in crate::learn) fn cut(
        &mut self,
        node: usize,
        feature: usize,
        cut: &Cut,
        missing_left: bool,
        cover: [f64; 2],
    ) -> usize {
        let left = self.nodes.len();
        let marks = feature as u32 | if missing_left { MISSING_LEFT } else { 0 };
        self.nodes[node] = match cut {
            Cut::Number(threshold) => Node(marks, *threshold, left as u32),
            Cut::Set(set) => {
                self.sets.extend_from_slice(set);
                Node(marks | SET, (self.sets.len() - set.len()) as f64, left as u32)
            }
        };
        self.nodes.extend([Node(LEAF, 0.0, u32::MAX); 2]);
        self.cover.extend(cover.map(|share| share as f32));
        left
    }

    /// Says what a leaf answers. Every node that isn't cut needs that, once.
    pub(in crate::learn) fn leaf(&mut self, node: usize, values: impl IntoIterator<Item = f64>) {
        self.nodes[node].2 = (self.values.len() / self.outputs) as u32;
        self.values.extend(values);
    }

    /// The values of all leaves, in the order they were said.
    pub(in crate::learn) fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }
}

impl Trees {
    /// No tree yet. `levels` says how many categories each feature has, `None` for numbers.
    pub(in crate::learn) fn new(levels: impl Iterator<Item = Option<u32>>, outputs: usize) -> Self {
        Self {
            levels: levels.map(Option::unwrap_or_default).collect(),
            outputs,
            roots: Vec::new(),
            nodes: Vec::new(),
            cover: Vec::new(),
            sets: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Puts a tree behind the others.
    ///
    /// # Errors
    /// If there are more nodes than a u32 counts.
    pub(in crate::learn) fn push(&mut self, tree: &Tree) -> Result<(), Fault> {
        let (root, leaves, words) = (self.nodes.len(), self.values.len() / self.outputs, self.sets.len());
        if root + tree.nodes.len() >= MOST || words + tree.sets.len() >= MOST {
            return Err(Fault::new("forest-too-large", format!("the trees have more than {root} nodes together"))
                .help("lower `max_depth` or `n_estimators`, or raise `min_samples_leaf`"));
        }
        self.roots.push(root as u32);
        self.nodes.extend(tree.nodes.iter().map(|&Node(feature, threshold, child)| match feature {
            LEAF => Node(LEAF, 0.0, child + leaves as u32),
            _ if feature & SET != 0 => Node(feature, threshold + words as f64, child + root as u32),
            _ => Node(feature, threshold, child + root as u32),
        }));
        self.cover.extend_from_slice(&tree.cover);
        self.sets.extend_from_slice(&tree.sets);
        self.values.extend_from_slice(&tree.values);
        Ok(())
    }

    /// Keeps the first trees only.
    pub(in crate::learn) fn truncate(&mut self, trees: usize) {
        let Some(&end) = self.roots.get(trees) else {
            return;
        };
        let gone = &self.nodes[end as usize..];
        let leaf = gone.iter().filter(|node| node.0 == LEAF).map(|node| node.2).min();
        let word = gone.iter().filter(|node| node.0 != LEAF && node.0 & SET != 0).map(|node| node.1 as usize).min();
        self.values.truncate(leaf.map_or(self.values.len(), |leaf| leaf as usize * self.outputs));
        self.sets.truncate(word.unwrap_or(self.sets.len()));
        self.nodes.truncate(end as usize);
        self.cover.truncate(end as usize);
        self.roots.truncate(trees);
    }

    /// How many trees.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many nodes, leaves too.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// How many features a row has.
    pub fn columns(&self) -> usize {
        self.levels.len()
    }

    /// How many values a leaf has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The nodes of one tree, the root first, each with its share of the tree's weight.
    pub(in crate::learn) fn tree(&self, tree: usize) -> impl ExactSizeIterator<Item = (View<'_>, f64)> {
        let root = self.roots[tree] as usize;
        let end = self.roots.get(tree + 1).map_or(self.nodes.len(), |&next| next as usize);
        (root..end).map(move |node| (self.view(node, root), f64::from(self.cover[node])))
    }

    fn view(&self, node: usize, root: usize) -> View<'_> {
        let Node(marks, threshold, child) = self.nodes[node];
        if marks == LEAF {
            return View::Leaf(self.answer(child));
        }
        let (feature, missing_left) = ((marks & NAME) as usize, marks & MISSING_LEFT != 0);
        let left = child as usize - root;
        if marks & SET != 0 {
            let words = (self.levels[feature] as usize).div_ceil(64);
            let set = &self.sets[threshold as usize..threshold as usize + words];
            return View::Set { feature, set, missing_left, left };
        }
        View::Number { feature, threshold, missing_left, left }
    }

    fn answer(&self, leaf: u32) -> &[f64] {
        let first = leaf as usize * self.outputs;
        &self.values[first..first + self.outputs]
    }

    /// The number of the leaf that a row ends in, counted over all trees.
    #[inline]
    pub(in crate::learn) fn leaf(&self, tree: usize, row: &[f64]) -> u32 {
        let mut node = self.nodes[self.roots[tree] as usize];
        while node.0 != LEAF {
            node = self.nodes[self.step(node, row)];
        }
        node.2
    }

    /// The child that a row goes to from a node that is no leaf.
    #[inline(always)]
    fn step(&self, Node(marks, threshold, child): Node, row: &[f64]) -> usize {
        let value = row[(marks & NAME) as usize];
        if marks & SET != 0 {
            return child as usize + usize::from(!self.holds(marks, threshold, value));
        }
        // Without a value no comparison is true.
        let right = if marks & MISSING_LEFT != 0 { value > threshold } else { !(value <= threshold) };
        child as usize + usize::from(right)
    }

    /// Whether a category goes left.
    fn holds(&self, marks: u32, place: f64, value: f64) -> bool {
        let levels = self.levels[(marks & NAME) as usize];
        if !(value >= 0.0 && value < f64::from(levels)) {
            return marks & MISSING_LEFT != 0;
        }
        let level = value as usize;
        self.sets[place as usize + level / 64] >> (level % 64) & 1 == 1
    }

    /// Adds what one tree says of each row: `rows` holds `columns()` values a row, `into` takes `width` values a row,
    /// of which the leaf's are added from `place` on.
    pub(in crate::learn) fn add(&self, tree: usize, rows: &[f64], into: &mut [f64], width: usize, place: usize) {
        let columns = self.levels.len();
        for (row, into) in rows.chunks_exact(columns).zip(into.chunks_exact_mut(width)) {
            let values = self.answer(self.leaf(tree, row));
            into[place..].iter_mut().zip(values).for_each(|(to, value)| *to += value);
        }
    }

    /// Whether every path of every row ends in a leaf: children come after their parents, and what nodes name exists.
    pub(in crate::learn) fn is_sound(&self) -> bool {
        let nodes = self.nodes.len();
        !self.levels.is_empty()
            && self.levels.len() <= NAME as usize
            && self.outputs > 0
            && self.cover.len() == nodes
            && nodes < MOST
            && self.values.iter().all(|value| value.is_finite())
            && self.roots.first().is_none_or(|&first| first == 0)
            && self.roots.windows(2).all(|pair| pair[0] < pair[1])
            && self.roots.iter().all(|&root| (root as usize) < nodes)
            && (0..self.roots.len()).all(|tree| self.is_tree(tree))
    }

    fn is_tree(&self, tree: usize) -> bool {
        let end = self.roots.get(tree + 1).map_or(self.nodes.len(), |&next| next as usize);
        (self.roots[tree] as usize..end).all(|node| {
            let Node(marks, threshold, child) = self.nodes[node];
            if marks == LEAF {
                return (child as usize) < self.values.len() / self.outputs;
            }
            let feature = (marks & NAME) as usize;
            let (left, Some(&levels)) = (child as usize, self.levels.get(feature)) else {
                return false;
            };
            let words = (levels as usize).div_ceil(64) as f64;
            let set = threshold >= 0.0 && threshold.fract() == 0.0 && threshold + words <= self.sets.len() as f64;
            let fits = if marks & SET != 0 { set && levels > 0 } else { threshold.is_finite() };
            fits && left > node && left + 1 < end
        })
    }
}
