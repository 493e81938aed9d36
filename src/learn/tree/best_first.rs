//! Trees of so many leaves: the node whose cut takes most away is cut next.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::columns::Columns;
use super::criterion::Criterion;
use super::grow::{Fate, Grower, Split, Task};
use crate::source::Fault;

/// A node that can be cut, ordered by what that takes away; of equals, the one found first is the greater.
struct Open {
    gain: f64,
    nth: usize,
    task: Task,
    split: Split,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.nth.cmp(&self.nth))
    }
}

/// Grows a tree of at most `leaves` leaves.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn grow<C: Criterion, B: Columns>(grower: &mut Grower<C, B>, leaves: usize) -> Result<(), Fault> {
    let mut open = BinaryHeap::new();
    let mut nth = 0;
    // Every node is a leaf, so that it may stay one.
    let mut look = |grower: &mut Grower<C, B>, open: &mut BinaryHeap<Open>, task: Task| {
        // Features known to be constant are an order of the features that another node's search may change.
        let task = Task { constants: 0, ..task };
        let fate = grower.fate(&task);
        grower.leaf(&task);
        if let Fate::Cut(split) = fate {
            open.push(Open { gain: split.gain, nth, task, split });
            nth += 1;
        }
    };
    look(grower, &mut open, Task::root(grower.rows.len()));
    let mut count = 1;
    while count < leaves {
        grower.soil.data.go_on()?;
        let Some(Open { task, split, .. }) = open.pop() else {
            break;
        };
        for side in grower.cut(&task, &split) {
            look(grower, &mut open, side);
        }
        count += 1;
    }
    Ok(())
}
