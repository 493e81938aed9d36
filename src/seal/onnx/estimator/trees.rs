//! Trees.

use std::collections::HashMap;

use super::super::builder::{Builder, Name, doubles, held, int, ints, many, strings, text};
use super::Table;
use crate::learn::onnx::proto::element;
use crate::learn::{Forest, TreeNode, Trees};

/// Trees whose answers are averaged.
pub(super) fn forest(of: &Forest, table: &Table, builder: &mut Builder) -> Name {
    ensemble(&nodes(&of.trees), of.trees.outputs(), "AVERAGE", &|_, nth| nth, table, builder)
}

/// The nodes of each tree.
pub(super) fn nodes(of: &Trees) -> Vec<Vec<TreeNode<'_>>> {
    (0..of.len()).map(|nth| of.tree(nth).map(|(node, _)| node).collect()).collect()
}

/// A set of categories that goes left: the feature, the set, and whether rows without a value go left.
type Set = (usize, Vec<u64>, bool);

/// An ensemble, `[rows, outputs]`. Its operator adds up in 64 bits and gives 32. `target` tells for a tree and the place
/// of a leaf's value to which output that counts.
pub(super) fn ensemble(
    trees: &[Vec<TreeNode>],
    outputs: usize,
    together: &str,
    target: &dyn Fn(usize, usize) -> usize,
    table: &Table,
    builder: &mut Builder,
) -> Name {
    let mut sets: Vec<Set> = Vec::new();
    for node in trees.iter().flatten() {
        if let TreeNode::Set { feature, set, missing_left, .. } = node {
            let set = (*feature, set.to_vec(), *missing_left);
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
    }
    let (all, places) = with_sets(&sets, table, builder);
    let mut nodes = Nodes::default();
    for (tree, own) in trees.iter().enumerate() {
        for (id, node) in own.iter().enumerate() {
            nodes.push(tree, id as i64, node, target, &places);
        }
    }
    let (count, leaves) = (nodes.ids.len(), nodes.weights.len());
    let made = builder.ml(
        "TreeEnsembleRegressor",
        &all,
        vec![
            text("aggregate_function", together),
            int("n_targets", outputs as i64),
            text("post_transform", "NONE"),
            many("nodes_treeids", &nodes.trees),
            many("nodes_nodeids", &nodes.ids),
            many("nodes_featureids", &nodes.features),
            strings("nodes_modes", &nodes.modes),
            held("nodes_values_as_tensor", doubles(&[count], &nodes.values)),
            many("nodes_truenodeids", &nodes.lefts),
            many("nodes_falsenodeids", &nodes.rights),
            many("nodes_missing_value_tracks_true", &nodes.missing),
            many("target_treeids", &nodes.leaf_trees),
            many("target_nodeids", &nodes.leaf_ids),
            many("target_ids", &nodes.targets),
            held("target_weights_as_tensor", doubles(&[leaves], &nodes.weights)),
        ],
    );
    builder.cast(&made, element::DOUBLE)
}

/// The features with a column more for each set: 0 where the category goes left, else 1. And where each set's column is.
fn with_sets(sets: &[Set], table: &Table, builder: &mut Builder) -> (Name, HashMap<Set, usize>) {
    let mut places = HashMap::new();
    let mut parts = vec![table.all.clone()];
    let mut next = table.columns.len();
    for feature in 0..table.columns.len() {
        let own: Vec<&Set> = sets.iter().filter(|set| set.0 == feature).collect();
        if own.is_empty() {
            continue;
        }
        let levels = own.iter().map(|set| set.1.len() * 64).max().unwrap_or(0);
        let goes_right = |level: usize, set: &Set| match level {
            level if level == levels => !set.2,
            level => set.1.get(level / 64).is_none_or(|word| word >> (level % 64) & 1 == 0),
        };
        let own = &own;
        let rights =
            (0..=levels).flat_map(|level| own.iter().map(move |set| f64::from(u8::from(goes_right(level, set)))));
        let rights: Vec<f64> = rights.collect();
        let lookup = builder.tensor(doubles(&[levels + 1, own.len()], &rights));
        let column = &table.columns[feature];
        let is_none = builder.op("IsNaN", &[column]);
        let last = builder.float(levels as f64);
        let level = builder.op("Where", &[&is_none, &last, column]);
        let level = builder.cast(&level, element::INT64);
        let axis = builder.tensor(ints(&[1], &[1]));
        let level = builder.op("Squeeze", &[&level, &axis]);
        parts.push(builder.op_with("Gather", &[&lookup, &level], vec![int("axis", 0)]));
        for set in own {
            places.insert((*set).clone(), next);
            next += 1;
        }
    }
    if parts.len() == 1 {
        return (parts.remove(0), places);
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    (builder.op_with("Concat", &parts, vec![int("axis", 1)]), places)
}

/// The settings of an ensemble, node after node.
#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<String>,
    values: Vec<f64>,
    lefts: Vec<i64>,
    rights: Vec<i64>,
    missing: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_ids: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f64>,
}

impl Nodes {
    fn push(
        &mut self,
        tree: usize,
        id: i64,
        node: &TreeNode,
        target: &dyn Fn(usize, usize) -> usize,
        places: &HashMap<Set, usize>,
    ) {
        let (feature, value, left, missing) = match node {
            TreeNode::Leaf(values) => {
                for (nth, value) in values.iter().enumerate() {
                    self.leaf_trees.push(tree as i64);
                    self.leaf_ids.push(id);
                    self.targets.push(target(tree, nth) as i64);
                    self.weights.push(*value);
                }
                (0, 0.0, None, false)
            }
            TreeNode::Number { feature, threshold, missing_left, left } => {
                (*feature, *threshold, Some(*left), *missing_left)
            }
            TreeNode::Set { feature, set, missing_left, left } => {
                (places[&(*feature, set.to_vec(), *missing_left)], 0.5, Some(*left), false)
            }
        };
        self.trees.push(tree as i64);
        self.ids.push(id);
        self.features.push(feature as i64);
        self.modes.push(if left.is_some() { "BRANCH_LEQ" } else { "LEAF" }.to_owned());
        self.values.push(value);
        self.lefts.push(left.map_or(0, |left| left as i64));
        self.rights.push(left.map_or(0, |left| left as i64 + 1));
        self.missing.push(missing.into());
    }
}
