//! Whether trees from outside hang together.

use super::{LEAF, MOST, NAME, Node, SET, Trees};

impl Trees {
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
        let first = self.roots[tree] as usize;
        // A node has one parent: else the paths through a small file could be without number.
        let mut claimed = vec![false; end - first];
        (first..end).all(|node| {
            let Node(marks, threshold, child) = self.nodes[node];
            if marks == LEAF {
                return (child as usize) < self.values.len() / self.outputs;
            }
            let feature = (marks & NAME) as usize;
            let (left, Some(&levels)) = (child as usize, self.levels.get(feature)) else {
                return false;
            };
            if marks & LEAF != 0 {
                return false;
            }
            let words = (levels as usize).div_ceil(64) as f64;
            let set = threshold >= 0.0 && threshold.fract() == 0.0 && threshold + words <= self.sets.len() as f64;
            let fits = if marks & SET != 0 { set && levels > 0 } else { threshold.is_finite() };
            fits && left > node
                && left + 1 < end
                && !std::mem::replace(&mut claimed[left - first], true)
                && !std::mem::replace(&mut claimed[left + 1 - first], true)
        })
    }
}
