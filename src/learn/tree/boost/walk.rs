//! A small tree laid out for many rows: they go down together, without a branch that could be guessed wrong.

use crate::learn::tree::Trees;
use crate::learn::tree::trees::View;

/// How many rows go down together.
const LANES: usize = 8;
/// How many nodes a tree has at most, so that a byte names any.
const NODES: usize = 256;

/// A node. A leaf is its own child.
#[derive(Clone, Copy)]
struct Step {
    /// Numbers of at most that go left; for categories, how many there are.
    threshold: f64,
    feature: u32,
    /// Where its set of categories begins, plus 1; 0 for numbers.
    set: u16,
    left: u8,
    missing_left: bool,
}

/// Nothing to decide.
const STAY: Step = Step { threshold: f64::INFINITY, feature: 0, set: 0, left: 0, missing_left: true };

/// A tree of one answer a leaf.
pub(super) struct Walk {
    steps: [Step; NODES],
    answers: [f64; NODES],
    sets: Vec<u64>,
}

impl Walk {
    /// Room for a tree.
    pub(super) fn new() -> Self {
        Self { steps: [STAY; NODES], answers: [0.0; NODES], sets: Vec::new() }
    }

    /// Takes a tree in; false if it is too large.
    pub(super) fn take(&mut self, trees: &Trees, tree: usize) -> bool {
        let nodes = trees.tree(tree);
        if nodes.len() > NODES {
            return false;
        }
        self.sets.clear();
        for (at, (view, _)) in nodes.enumerate() {
            self.steps[at] = match view {
                View::Leaf(values) => {
                    self.answers[at] = values[0];
                    Step { left: at as u8, ..STAY }
                }
                View::Number { feature, threshold, missing_left, left } => {
                    Step { threshold, feature: feature as u32, set: 0, left: left as u8, missing_left }
                }
                View::Set { feature, set, missing_left, left } => {
                    let Ok(place) = u16::try_from(self.sets.len() + 1) else {
                        return false;
                    };
                    self.sets.extend_from_slice(set);
                    let threshold = f64::from(trees.levels(feature));
                    Step { threshold, feature: feature as u32, set: place, left: left as u8, missing_left }
                }
            };
        }
        true
    }

    /// Adds what the tree says of each row of `columns` values to the first of `width` places. `missing`: whether any
    /// value is missing.
    pub(super) fn add(&self, rows: &[f64], columns: usize, into: &mut [f64], width: usize, missing: bool) {
        match (missing, self.sets.is_empty()) {
            (false, true) => self.go::<false, false>(rows, columns, into, width),
            (true, true) => self.go::<true, false>(rows, columns, into, width),
            (_, false) => self.go::<true, true>(rows, columns, into, width),
        }
    }

    fn go<const MISSING: bool, const SETS: bool>(&self, rows: &[f64], columns: usize, into: &mut [f64], width: usize) {
        for (rows, into) in rows.chunks(columns * LANES).zip(into.chunks_mut(width * LANES)) {
            let mut lanes = [&rows[..columns]; LANES];
            lanes.iter_mut().zip(rows.chunks_exact(columns)).for_each(|(lane, row)| *lane = row);
            let mut at = [0u8; LANES];
            loop {
                let before = at;
                for (at, row) in at.iter_mut().zip(lanes) {
                    let step = &self.steps[usize::from(*at)];
                    let value = row[step.feature as usize];
                    let left = if SETS && step.set != 0 {
                        self.holds(step, value)
                    } else if MISSING {
                        (value <= step.threshold) | (value.is_nan() & step.missing_left)
                    } else {
                        value <= step.threshold
                    };
                    *at = step.left.wrapping_add(u8::from(!left));
                }
                if at == before {
                    break;
                }
            }
            for (into, at) in into.chunks_mut(width).zip(at) {
                into[0] += self.answers[usize::from(at)];
            }
        }
    }

    /// Whether a category goes left.
    fn holds(&self, step: &Step, value: f64) -> bool {
        if !(value >= 0.0 && value < step.threshold) {
            return step.missing_left;
        }
        let (first, level) = (usize::from(step.set) - 1, value as usize);
        self.sets[first + level / 64] >> (level % 64) & 1 == 1
    }
}
