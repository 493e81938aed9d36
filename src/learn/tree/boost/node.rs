//! Nodes while a tree grows, and the order in which they are cut.

use std::cmp::{Ordering, Reverse};

use super::histogram::Cells;
use super::scan::{Split, Whole};

/// A node that is a leaf, or was.
pub(super) struct Node {
    /// Its first row's place.
    pub(super) first: usize,
    /// The place behind its last row.
    pub(super) end: usize,
    /// How many cuts lie above it.
    pub(super) depth: usize,
    /// What it sums up to.
    pub(super) whole: Whole,
    /// Its histograms, as long as it may be cut.
    pub(super) cells: Vec<Cells>,
    /// The features it looks at; empty: all.
    pub(super) looks: Vec<bool>,
    /// Its best cut.
    pub(super) split: Option<Split>,
    /// Whether its rows were counted code by code.
    pub(super) counted: bool,
}

/// A leaf that may be cut.
pub(super) struct Offer {
    /// What its cut gains.
    pub(super) gain: f64,
    /// Which.
    pub(super) node: Reverse<usize>,
}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Offer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Offer {}
