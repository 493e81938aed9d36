//! Trees as flat arrays: what every model of trees keeps, and how a row finds its leaves.

mod compact;
mod sound;

use serde::{Deserialize, Serialize};

use crate::source::Fault;

/// Set in a node's `feature`: rows without a value go left.
const MISSING_LEFT: u32 = 1 << 31;
/// Set in a node's `feature`: it holds categories, and `threshold` is the place of their set.
const SET: u32 = 1 << 30;
/// A leaf's `feature`, which names the first one so that reading it does no harm.
const LEAF: u32 = 1 << 29;
/// The bits of `feature` that name it.
const NAME: u32 = LEAF - 1;
/// How many nodes, leaves or words of sets there are at most.
const MOST: usize = u32::MAX as usize;

/// How much room is kept for trees to come, as a multiple of what those there are need. Room that is not used costs
/// nothing.
const SPARE: f64 = 1.1;

/// How many rows go down a tree together.
const LANES: usize = 8;

/// A node, packed into 16 bytes so that many fit the cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Node(u32, f64, u32);

impl Node {
    /// The node where nodes, leaves and sets come behind so many others.
    fn moved(&self, nodes: u32, leaves: u32, words: usize) -> Self {
        let Node(marks, threshold, child) = *self;
        match marks {
            LEAF => Node(LEAF, 0.0, child.wrapping_add(leaves)),
            _ if marks & SET != 0 => Node(marks, threshold + words as f64, child + nodes),
            _ => Node(marks, threshold, child + nodes),
        }
    }
}

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

/// What a node is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    Leaf,
    /// Rows without a value go right.
    MissingRight,
    /// Rows without a value go left.
    MissingLeft,
    /// A set parts categories.
    Set,
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
pub enum View<'a> {
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

    /// Says which share of the tree's weight a node holds.
    pub(in crate::learn) fn set_cover(&mut self, node: usize, share: f64) {
        self.cover[node] = share as f32;
    }

    /// Says what a leaf answers. Every node that isn't cut needs that, once.
    pub(in crate::learn) fn leaf(&mut self, node: usize, values: impl IntoIterator<Item = f64>) {
        self.write_leaf(node, |into| into.extend(values));
    }

    /// Says what a leaf answers, which `write` puts behind the others, and returns its number among them.
    pub(in crate::learn) fn write_leaf(&mut self, node: usize, write: impl FnOnce(&mut Vec<f64>)) -> u32 {
        let leaf = (self.values.len() / self.outputs) as u32;
        self.nodes[node].2 = leaf;
        write(&mut self.values);
        leaf
    }

    /// The left child of a node and the feature it is cut by; `None` for a leaf.
    pub(in crate::learn) fn children(&self, node: usize) -> Option<(usize, usize)> {
        let Node(marks, _, child) = self.nodes[node];
        (marks != LEAF).then_some((child as usize, (marks & NAME) as usize))
    }

    /// Puts a tree in the place of a leaf that has no answer yet, its root first and its other nodes behind all others.
    /// Returns what its leaves' numbers grew by.
    pub(in crate::learn) fn graft(&mut self, node: usize, part: &Tree) -> u32 {
        let (leaves, words) = ((self.values.len() / self.outputs) as u32, self.sets.len());
        // The part's root takes a place that exists: its node 1 is the next new one.
        let behind = self.nodes.len() as u32 - 1;
        let mut nodes = part.nodes.iter().map(|node| node.moved(behind, leaves, words));
        self.nodes[node] = nodes.next().expect("a tree has a root");
        self.nodes.extend(nodes);
        self.cover[node] = part.cover[0];
        self.cover.extend_from_slice(&part.cover[1..]);
        self.sets.extend_from_slice(&part.sets);
        self.values.extend_from_slice(&part.values);
        leaves
    }

    /// The tree with some nodes made leaves, whose numbers `own` gives: what lies beneath them is gone.
    pub(in crate::learn) fn pruned(&self, own: &[u32], gone: &[bool]) -> (Self, Vec<usize>) {
        let mut tree = Self::new(self.outputs);
        // Which node of the old tree each new one is.
        let mut kept = vec![0];
        let mut next = 0;
        while next < kept.len() {
            let old = kept[next];
            let Node(marks, threshold, child) = self.nodes[old];
            if marks == LEAF || gone[old] {
                let first = own[old] as usize * self.outputs;
                tree.leaf(next, self.values[first..first + self.outputs].iter().copied());
            } else {
                kept.extend([child as usize, child as usize + 1]);
                tree.nodes[next] = Node(marks, threshold, tree.nodes.len() as u32);
                tree.nodes.extend([Node(LEAF, 0.0, u32::MAX); 2]);
                tree.cover.extend_from_slice(&self.cover[child as usize..child as usize + 2]);
            }
            next += 1;
        }
        tree.sets.clone_from(&self.sets);
        (tree, kept)
    }

    /// A root and nothing else again, in the memory that the tree took.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.nodes.push(Node(LEAF, 0.0, u32::MAX));
        self.cover.clear();
        self.cover.push(1.0);
        self.sets.clear();
        self.values.clear();
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

    /// Makes room for so many trees of the size of those that there are.
    pub(super) fn reserve(&mut self, trees: usize) {
        let more = |held: usize| (held as f64 / self.roots.len() as f64 * trees as f64 * SPARE) as usize;
        let (nodes, sets, values) = (more(self.nodes.len()), more(self.sets.len()), more(self.values.len()));
        self.nodes.reserve(nodes);
        self.cover.reserve(nodes);
        self.sets.reserve(sets);
        self.values.reserve(values);
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
        self.nodes.extend(tree.nodes.iter().map(|node| node.moved(root as u32, leaves as u32, words)));
        self.cover.extend_from_slice(&tree.cover);
        self.sets.extend_from_slice(&tree.sets);
        self.values.extend_from_slice(&tree.values);
        Ok(())
    }

    /// Puts the trees of `other` behind these.
    ///
    /// # Errors
    /// If they read other features or say something else, or if there are too many nodes together.
    pub(in crate::learn) fn join(&mut self, other: &Self) -> Result<(), Fault> {
        if (&self.levels, self.outputs) != (&other.levels, other.outputs) {
            return Err(Fault::new("no-update", "the previous trees read other features, or say something else"));
        }
        let (root, leaves, words) = (self.nodes.len(), self.values.len() / self.outputs, self.sets.len());
        if root + other.nodes.len() >= MOST || words + other.sets.len() >= MOST {
            return Err(Fault::new("forest-too-large", format!("the trees have more than {root} nodes together"))
                .help("lower `max_depth` or `n_estimators`, or learn anew without `update`"));
        }
        self.roots.extend(other.roots.iter().map(|first| first + root as u32));
        self.nodes.extend(other.nodes.iter().map(|node| node.moved(root as u32, leaves as u32, words)));
        self.cover.extend_from_slice(&other.cover);
        self.sets.extend_from_slice(&other.sets);
        self.values.extend_from_slice(&other.values);
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

    /// How many leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| node.0 == LEAF).count()
    }

    /// How many cuts lie between a root and a leaf at most.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        for (node, &Node(marks, _, child)) in self.nodes.iter().enumerate() {
            if marks != LEAF {
                (depths[child as usize], depths[child as usize + 1]) = (depths[node] + 1, depths[node] + 1);
            }
        }
        depths.into_iter().max().unwrap_or_default()
    }

    /// How many features a row has.
    pub fn columns(&self) -> usize {
        self.levels.len()
    }

    /// How many categories a feature has, 0 for numbers.
    pub(in crate::learn) fn levels(&self, feature: usize) -> u32 {
        self.levels[feature]
    }

    /// How many values a leaf has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The nodes of one tree, the root first, each with its share of the tree's weight.
    pub fn tree(&self, tree: usize) -> impl ExactSizeIterator<Item = (View<'_>, f64)> {
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

    /// A tree's first node.
    pub(super) fn root(&self, tree: usize) -> u32 {
        self.roots[tree]
    }

    /// What a node is, its feature, its cut, and its left child or number among the leaves.
    #[inline(always)]
    pub(super) fn look(&self, node: u32) -> (Look, usize, f64, u32) {
        let Node(marks, threshold, child) = self.nodes[node as usize];
        let look = match marks & (LEAF | SET | MISSING_LEFT) {
            LEAF => Look::Leaf,
            0 => Look::MissingRight,
            MISSING_LEFT => Look::MissingLeft,
            _ => Look::Set,
        };
        (look, (marks & NAME) as usize, threshold, child)
    }

    /// Whether a category goes left at a node that parts categories.
    pub(super) fn goes_left(&self, node: u32, value: f64) -> bool {
        let Node(marks, place, _) = self.nodes[node as usize];
        self.holds(marks, place, value)
    }

    /// The values of a leaf.
    pub(super) fn answer(&self, leaf: u32) -> &[f64] {
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
        // Without a branch: nobody foresees where rows go.
        let right = (value > threshold) | (value.is_nan() & (marks & MISSING_LEFT == 0));
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
        let mut lanes = rows.chunks_exact(columns * LANES);
        let mut groups = into.chunks_exact_mut(width * LANES);
        for (rows, into) in lanes.by_ref().zip(groups.by_ref()) {
            let leaves = self.lanes(tree, rows, columns);
            for (leaf, into) in leaves.into_iter().zip(into.chunks_exact_mut(width)) {
                self.give(leaf, &mut into[place..]);
            }
        }
        let rest = groups.into_remainder();
        for (row, into) in lanes.remainder().chunks_exact(columns).zip(rest.chunks_exact_mut(width)) {
            self.give(self.leaf(tree, row), &mut into[place..]);
        }
    }

    #[inline(always)]
    fn give(&self, leaf: u32, into: &mut [f64]) {
        into.iter_mut().zip(self.answer(leaf)).for_each(|(to, value)| *to += value);
    }

    /// The leaves of [`LANES`] rows, which go down together: while one waits for memory, the others go on.
    #[inline(always)]
    fn lanes(&self, tree: usize, rows: &[f64], columns: usize) -> [u32; LANES] {
        let mut at = [self.roots[tree]; LANES];
        loop {
            let mut moved = false;
            for (lane, at) in at.iter_mut().enumerate() {
                let node = self.nodes[*at as usize];
                // A leaf's step leads nowhere, and isn't taken.
                let next = self.step(node, &rows[lane * columns..(lane + 1) * columns]) as u32;
                let inner = node.0 != LEAF;
                *at = if inner { next } else { *at };
                moved |= inner;
            }
            if !moved {
                return at.map(|at| self.nodes[at as usize].2);
            }
        }
    }
}
