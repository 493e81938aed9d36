//! Minimal cost-complexity pruning (Breiman, Friedman, Olshen and Stone 1984, chapter 3): the cut beneath which each
//! leaf takes least away goes first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::grow::Grown;

/// Finite numbers in their order.
#[derive(PartialEq)]
struct Number(f64);

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Takes away the cuts beneath which a leaf less costs at most `alpha` of impurity, as a share of the weight `total`.
pub(super) fn prune(grown: Grown, alpha: f64, total: f64) -> Grown {
    let Grown { tree, gains, own } = grown;
    let count = tree.len();
    let mut parent = vec![usize::MAX; count];
    // How many leaves are beneath each node, and what all cuts beneath it take away.
    let (mut leaves, mut beneath) = (vec![1usize; count], gains.clone());
    for node in (0..count).rev() {
        if let Some((left, _)) = tree.children(node) {
            (parent[left], parent[left + 1]) = (node, node);
            leaves[node] = leaves[left] + leaves[left + 1];
            beneath[node] += beneath[left] + beneath[left + 1];
        }
    }
    let cost = |beneath: f64, leaves: usize| Number(beneath / total / (leaves - 1) as f64);
    let cuts = (0..count).filter(|&node| leaves[node] > 1);
    let mut queue: BinaryHeap<_> =
        cuts.map(|node| Reverse((cost(beneath[node], leaves[node]), node, leaves[node]))).collect();
    let mut gone = vec![false; count];
    while let Some(Reverse((Number(least), node, then))) = queue.pop() {
        // What was queued before something beneath it went is out of date, as is what went with a node above it.
        if then != leaves[node] || gone[node] {
            continue;
        }
        if least > alpha {
            break;
        }
        let (fewer, less) = (leaves[node] - 1, beneath[node]);
        bury(node, &mut gone, |node| tree.children(node).map(|(left, _)| left));
        let mut at = node;
        while at != usize::MAX {
            leaves[at] -= fewer;
            beneath[at] -= less;
            if leaves[at] > 1 {
                queue.push(Reverse((cost(beneath[at], leaves[at]), at, leaves[at])));
            }
            at = parent[at];
        }
    }
    let (tree, kept) = tree.pruned(&own, &gone);
    let gains = kept.iter().map(|&old| if gone[old] { 0.0 } else { gains[old] }).collect();
    let own = kept.iter().map(|&old| own[old]).collect();
    Grown { tree, gains, own }
}

/// Marks a node and all beneath it.
fn bury(node: usize, gone: &mut [bool], left: impl Fn(usize) -> Option<usize>) {
    let mut tasks = vec![node];
    while let Some(node) = tasks.pop() {
        if !std::mem::replace(&mut gone[node], true)
            && let Some(left) = left(node)
        {
            tasks.extend([left, left + 1]);
        }
    }
}
