//! What each feature adds to a tree's answer: Shapley values of the tree's own conditional expectations, exactly and in
//! O(leaves · depth²) (Lundberg, Erion & Lee 2018, "Consistent individualized feature attribution for tree ensembles",
//! algorithm 2). Where a feature is unknown, a node answers with the mean of its children by their training weight.

use super::trees::{Trees, View};

/// Trees deeper than that aren't explained: none that was grown here is, and no file may exhaust the stack.
const DEEPEST: usize = 2000;

/// A feature on the way from the root to a node.
#[derive(Clone, Copy)]
struct Passed {
    /// Which; `None` for the root's entry.
    feature: Option<usize>,
    /// The share of ways that pass here when the feature is unknown.
    zero: f64,
    /// Whether the row passes here when it is known: 1 or 0.
    one: f64,
    /// The weight of all subsets of as many known features.
    weight: f64,
}

/// Adds what each feature contributes to one tree's answer for a row: to `into[output · columns + feature]`. What the
/// tree says of no row in particular is added to `base`, one value an output; so for each output
/// base + Σ contributions is the tree's answer. Returns false for a tree that is too deep.
pub(in crate::learn) fn add(trees: &Trees, tree: usize, row: &[f64], base: &mut [f64], into: &mut [f64]) -> bool {
    let nodes: Vec<(View, f64)> = trees.tree(tree).collect();
    let mut walk = Walk { nodes: &nodes, columns: trees.columns(), row, base, into };
    let root = Passed { feature: None, zero: 1.0, one: 1.0, weight: 1.0 };
    walk.depths().is_some_and(|depth| depth <= DEEPEST) && {
        walk.visit(0, vec![root], 1.0);
        true
    }
}

struct Walk<'a> {
    nodes: &'a [(View<'a>, f64)],
    columns: usize,
    row: &'a [f64],
    base: &'a mut [f64],
    into: &'a mut [f64],
}

impl Walk<'_> {
    /// How deep the tree is.
    fn depths(&self) -> Option<usize> {
        let mut depth = vec![0; self.nodes.len()];
        for (node, (view, _)) in self.nodes.iter().enumerate() {
            // Children come after their parents.
            if let View::Number { left, .. } | View::Set { left, .. } = view {
                depth[*left] = depth[node] + 1;
                depth[left + 1] = depth[node] + 1;
            }
        }
        depth.into_iter().max()
    }

    /// Passes a node that `share` of unknown rows reach, having passed the features of `path`.
    fn visit(&mut self, node: usize, path: Vec<Passed>, share: f64) {
        let (view, _) = self.nodes[node];
        let (feature, left) = match view {
            View::Leaf(values) => return self.leaf(values, &path, share),
            View::Number { feature, left, .. } | View::Set { feature, left, .. } => (feature, left),
        };
        let hot = left + usize::from(!goes_left(&view, self.row[feature]));
        let before = path.iter().position(|passed| passed.feature == Some(feature));
        // A feature that was passed already is taken out, and counted anew with what both nodes let through.
        let (zero, one, path) = match before {
            Some(place) => (path[place].zero, path[place].one, without(&path, place)),
            None => (1.0, 1.0, path),
        };
        let (a, b) = (self.nodes[left].1, self.nodes[left + 1].1);
        let part = if a + b > 0.0 { a / (a + b) } else { 0.5 };
        for (child, part) in [(left, part), (left + 1, 1.0 - part)] {
            let one = if child == hot { one } else { 0.0 };
            self.visit(child, with(&path, Some(feature), zero * part, one), share * part);
        }
    }

    fn leaf(&mut self, values: &[f64], path: &[Passed], share: f64) {
        for (base, value) in self.base.iter_mut().zip(values) {
            *base += share * value;
        }
        for (place, passed) in path.iter().enumerate() {
            let Some(feature) = passed.feature else { continue };
            let weight = unwound(path, place) * (passed.one - passed.zero);
            for (output, value) in values.iter().enumerate() {
                self.into[output * self.columns + feature] += weight * value;
            }
        }
    }
}

fn goes_left(view: &View, value: f64) -> bool {
    match view {
        View::Number { threshold, missing_left, .. } => {
            if value.is_nan() {
                *missing_left
            } else {
                value <= *threshold
            }
        }
        View::Set { set, missing_left, .. } => {
            if !(value >= 0.0 && value < (set.len() * 64) as f64) {
                return *missing_left;
            }
            let level = value as usize;
            set[level / 64] >> (level % 64) & 1 == 1
        }
        View::Leaf(_) => true,
    }
}

/// The path with one more feature (EXTEND of the paper).
fn with(path: &[Passed], feature: Option<usize>, zero: f64, one: f64) -> Vec<Passed> {
    let depth = path.len();
    let mut path: Vec<Passed> = path.to_vec();
    path.push(Passed { feature, zero, one, weight: 0.0 });
    for place in (0..depth).rev() {
        let weight = path[place].weight;
        path[place + 1].weight += one * weight * (place + 1) as f64 / (depth + 1) as f64;
        path[place].weight = zero * weight * (depth - place) as f64 / (depth + 1) as f64;
    }
    path
}

/// The path without one of its features (UNWIND of the paper).
fn without(path: &[Passed], gone: usize) -> Vec<Passed> {
    let last = path.len() - 1;
    let (one, zero) = (path[gone].one, path[gone].zero);
    let mut left: Vec<Passed> = path.to_vec();
    let mut next = left[last].weight;
    for place in (0..last).rev() {
        let weight = left[place].weight;
        if one != 0.0 {
            left[place].weight = next * (last + 1) as f64 / ((place + 1) as f64 * one);
            next = weight - left[place].weight * zero * (last - place) as f64 / (last + 1) as f64;
        } else if zero != 0.0 {
            left[place].weight = weight * (last + 1) as f64 / (zero * (last - place) as f64);
        }
    }
    for place in gone..last {
        let Passed { feature, zero, one, .. } = left[place + 1];
        left[place] = Passed { feature, zero, one, ..left[place] };
    }
    left.pop();
    left
}

/// The weights of the path without one feature, summed.
fn unwound(path: &[Passed], gone: usize) -> f64 {
    let last = path.len() - 1;
    let (one, zero) = (path[gone].one, path[gone].zero);
    let (mut total, mut next) = (0.0, path[last].weight);
    for place in (0..last).rev() {
        if one != 0.0 {
            let weight = next * (last + 1) as f64 / ((place + 1) as f64 * one);
            total += weight;
            next = path[place].weight - weight * zero * (last - place) as f64 / (last + 1) as f64;
        } else if zero != 0.0 {
            total += path[place].weight * (last + 1) as f64 / (zero * (last - place) as f64);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::learn::tree::trees::{Cut, Tree};

    /// A tree over three features that meets the first one twice, with leaves of two values.
    fn trees() -> Trees {
        let mut trees = Trees::new([None, None, Some(3)].into_iter(), 2);
        let mut tree = Tree::new(2);
        let top = tree.cut(0, 0, &Cut::Number(1.0), true, [0.7, 0.3]);
        let low = tree.cut(top, 2, &Cut::Set(vec![0b101]), false, [0.45, 0.25]);
        let high = tree.cut(top + 1, 1, &Cut::Number(-2.0), false, [0.1, 0.2]);
        let deep = tree.cut(low, 0, &Cut::Number(0.0), true, [0.4, 0.05]);
        for (node, values) in [
            (low + 1, [1.0, 4.0]),
            (high, [3.0, -1.0]),
            (high + 1, [0.5, 9.0]),
            (deep, [7.0, 2.0]),
            (deep + 1, [-6.0, 0.0]),
        ] {
            tree.leaf(node, values);
        }
        trees.push(&tree).expect("pushed");
        trees
    }

    /// What the tree says when only `known` features are.
    fn expected(nodes: &[(View, f64)], node: usize, row: &[f64], known: &BTreeSet<usize>, output: usize) -> f64 {
        let (view, _) = nodes[node];
        let (feature, left) = match view {
            View::Leaf(values) => return values[output],
            View::Number { feature, left, .. } | View::Set { feature, left, .. } => (feature, left),
        };
        let of = |child: usize| expected(nodes, child, row, known, output);
        if known.contains(&feature) {
            return of(left + usize::from(!goes_left(&view, row[feature])));
        }
        let (a, b) = (nodes[left].1, nodes[left + 1].1);
        (a * of(left) + b * of(left + 1)) / (a + b)
    }

    /// The definition: a feature's mean difference over all orders in which features become known.
    fn shapley(nodes: &[(View, f64)], row: &[f64], feature: usize, output: usize) -> f64 {
        let others: Vec<usize> = (0..3).filter(|other| *other != feature).collect();
        let subsets = [vec![], vec![others[0]], vec![others[1]], others.clone()];
        let weighted = subsets.into_iter().map(|subset| {
            let weight = if subset.len() == 1 { 1.0 / 6.0 } else { 1.0 / 3.0 };
            let mut known: BTreeSet<usize> = subset.into_iter().collect();
            let without = expected(nodes, 0, row, &known, output);
            known.insert(feature);
            weight * (expected(nodes, 0, row, &known, output) - without)
        });
        weighted.sum()
    }

    #[test]
    fn contributions_are_shapley_values_by_definition_and_add_up() {
        let trees = trees();
        let nodes: Vec<(View, f64)> = trees.tree(0).collect();
        for a in [-1.0, 0.5, 2.0, f64::NAN] {
            for b in [-3.0, 0.0, f64::NAN] {
                for c in [0.0, 1.0, 2.0, f64::NAN] {
                    let row = [a, b, c];
                    let (mut base, mut into) = ([0.0; 2], [0.0; 6]);
                    assert!(add(&trees, 0, &row, &mut base, &mut into));
                    for output in 0..2 {
                        for feature in 0..3 {
                            let wanted = shapley(&nodes, &row, feature, output);
                            let found = into[output * 3 + feature];
                            assert!((found - wanted).abs() < 1e-9, "{row:?} {feature}: {found}, not {wanted}");
                        }
                        let mut said = [0.0; 2];
                        trees.add(0, &row, &mut said, 2, 0);
                        let sum = base[output] + into[output * 3..][..3].iter().sum::<f64>();
                        assert!((sum - said[output]).abs() < 1e-9);
                    }
                }
            }
        }
    }
}
