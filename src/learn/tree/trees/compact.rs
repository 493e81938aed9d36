//! Grown trees in as little memory as they need.

use super::{LEAF, Tree};

impl Tree {
    /// The same tree in as little memory as it needs. Leaves that are sure of the same class share their values.
    pub(in crate::learn::tree) fn compact(&self) -> Self {
        let mut tree = Self { values: Vec::new(), ..self.clone() };
        let mut sure = vec![None; self.outputs];
        for node in tree.nodes.iter_mut().filter(|node| node.0 == LEAF) {
            let first = node.2 as usize * self.outputs;
            let values = &self.values[first..first + self.outputs];
            let next = (tree.values.len() / self.outputs) as u32;
            let class = if self.outputs > 1 { values.iter().position(|value| *value == 1.0) } else { None };
            node.2 = class.map_or(next, |class| *sure[class].get_or_insert(next));
            if node.2 == next {
                tree.values.extend_from_slice(values);
            }
        }
        tree.values.shrink_to_fit();
        tree
    }
}
