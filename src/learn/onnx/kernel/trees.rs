//! Ensembles of trees.

use std::collections::HashMap;

use super::super::spec::{Op, Spec, need};
use super::super::tensor::{Tensor, count};
use super::classic::{Post, labels, numbers, two};

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    match name {
        "TreeEnsembleRegressor" => Some(regressor(spec)),
        "TreeEnsembleClassifier" => Some(classifier(spec)),
        _ => None,
    }
}

/// How a node compares a value with its number.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Unequal,
    Leaf,
}

#[derive(Clone)]
struct Node {
    mode: Mode,
    feature: usize,
    number: f64,
    yes: usize,
    no: usize,
    /// Where a missing value goes.
    missing_yes: bool,
    /// A leaf's target or class and its weight.
    weights: Vec<(usize, f64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Together {
    Sum,
    Average,
    Min,
    Max,
}

struct Ensemble {
    nodes: Vec<Node>,
    roots: Vec<usize>,
    columns: usize,
    outputs: usize,
    base: Vec<f64>,
    together: Together,
    /// Values are of 32 bits, and compared as such.
    small: bool,
}

impl Ensemble {
    /// `leaf` is how the settings of leaves begin: `target` or `class`.
    fn read(spec: &Spec, leaf: &str, outputs: usize) -> Result<Self, String> {
        let ints = |name: &str| spec.ints(name).unwrap_or_default();
        let (trees, ids) = (ints("nodes_treeids"), ints("nodes_nodeids"));
        let (features, yes, no) = (ints("nodes_featureids"), ints("nodes_truenodeids"), ints("nodes_falsenodeids"));
        let modes = spec.texts("nodes_modes").unwrap_or_default();
        let numbers = spec.numbers("nodes_values")?;
        let tracks = ints("nodes_missing_value_tracks_true");
        let count = ids.len();
        let same = [trees.len(), features.len(), yes.len(), no.len(), modes.len(), numbers.len()];
        if same.iter().any(|length| *length != count) || !tracks.is_empty() && tracks.len() != count || count == 0 {
            return Err("the nodes of its trees are told unevenly".to_owned());
        }
        let places: HashMap<(i64, i64), usize> = trees.iter().copied().zip(ids).zip(0..).collect();
        let find = |tree: i64, id: i64| places.get(&(tree, id)).copied().ok_or("a node's child is missing".to_owned());
        let mut nodes = Vec::with_capacity(count);
        for at in 0..count {
            let mode = mode(&modes[at])?;
            let child = |id: i64| if mode == Mode::Leaf { Ok(at) } else { find(trees[at], id) };
            nodes.push(Node {
                mode,
                feature: usize::try_from(features[at]).map_err(|_| "a negative feature".to_owned())?,
                number: numbers[at],
                yes: child(yes[at])?,
                no: child(no[at])?,
                missing_yes: tracks.get(at).is_some_and(|flag| *flag != 0),
                weights: Vec::new(),
            });
        }
        let roots = roots(&trees, &nodes)?;
        let (of, at) = (ints(&format!("{leaf}_treeids")), ints(&format!("{leaf}_nodeids")));
        let (ids, weights) = (ints(&format!("{leaf}_ids")), spec.numbers(&format!("{leaf}_weights"))?);
        if [at.len(), ids.len(), weights.len()].iter().any(|length| *length != of.len()) {
            return Err("the leaves of its trees are told unevenly".to_owned());
        }
        for nth in 0..of.len() {
            let id = usize::try_from(ids[nth]).ok().filter(|id| *id < outputs);
            nodes[find(of[nth], at[nth])?]
                .weights
                .push((id.ok_or("a leaf of a target that isn't there")?, weights[nth]));
        }
        let base = spec.numbers("base_values")?;
        if !base.is_empty() && base.len() != outputs && base.len() != 1 {
            return Err("there are more base values than targets".to_owned());
        }
        let together = match spec.text("aggregate_function").as_deref() {
            None | Some("SUM") => Together::Sum,
            Some("AVERAGE") => Together::Average,
            Some("MIN") => Together::Min,
            Some("MAX") => Together::Max,
            Some(other) => return Err(format!("trees are put together by `{other}`, which isn't known here")),
        };
        let columns = nodes.iter().filter(|node| node.mode != Mode::Leaf).map(|node| node.feature + 1).max();
        let small = spec.tensor("nodes_values_as_tensor").is_none();
        Ok(Self { nodes, roots, columns: columns.unwrap_or(0), outputs, base, together, small })
    }

    fn leaf(&self, mut at: usize, row: &[f64]) -> &Node {
        loop {
            let node = &self.nodes[at];
            if node.mode == Mode::Leaf {
                return node;
            }
            let value = if self.small { f64::from(row[node.feature] as f32) } else { row[node.feature] };
            let yes = match node.mode {
                Mode::AtMost => value <= node.number,
                Mode::Below => value < node.number,
                Mode::AtLeast => value >= node.number,
                Mode::Above => value > node.number,
                Mode::Equal => value == node.number,
                Mode::Unequal => value != node.number,
                Mode::Leaf => unreachable!("a leaf has no children"),
            };
            at = if yes || node.missing_yes && value.is_nan() { node.yes } else { node.no };
        }
    }

    fn scores(&self, row: &[f64]) -> Vec<f64> {
        let start = match self.together {
            Together::Sum | Together::Average => 0.0,
            Together::Min => f64::INFINITY,
            Together::Max => f64::NEG_INFINITY,
        };
        let mut scores = vec![start; self.outputs];
        for root in &self.roots {
            for (id, weight) in &self.leaf(*root, row).weights {
                let score = &mut scores[*id];
                *score = match self.together {
                    Together::Sum | Together::Average => *score + weight,
                    Together::Min => score.min(*weight),
                    Together::Max => score.max(*weight),
                };
            }
        }
        if self.together == Together::Average {
            scores.iter_mut().for_each(|score| *score /= self.roots.len() as f64);
        }
        if self.base.len() == self.outputs {
            scores.iter_mut().zip(&self.base).for_each(|(score, base)| *score += base);
        }
        scores
    }

    /// The scores of each row, `outputs` values a row.
    fn all(&self, input: &Tensor) -> Result<Vec<f64>, String> {
        let (rows, columns) = two(input)?;
        if columns < self.columns {
            return Err(format!("its trees read {} columns, and there are {columns}", self.columns));
        }
        let floats = input.floats().ok_or("numbers are needed here")?;
        count(&[rows, self.outputs])?;
        Ok((0..rows).flat_map(|row| self.scores(&floats[row * columns..(row + 1) * columns])).collect())
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    Ok(match text {
        "BRANCH_LEQ" => Mode::AtMost,
        "BRANCH_LT" => Mode::Below,
        "BRANCH_GTE" => Mode::AtLeast,
        "BRANCH_GT" => Mode::Above,
        "BRANCH_EQ" => Mode::Equal,
        "BRANCH_NEQ" => Mode::Unequal,
        "LEAF" => Mode::Leaf,
        other => return Err(format!("a node of a tree compares by `{other}`, which isn't known here")),
    })
}

/// Each tree's first node: the one that is no other's child. Every way from it must end in a leaf.
fn roots(trees: &[i64], nodes: &[Node]) -> Result<Vec<usize>, String> {
    let mut parents = vec![0usize; nodes.len()];
    for node in nodes.iter().filter(|node| node.mode != Mode::Leaf) {
        parents[node.yes] += 1;
        parents[node.no] += 1;
    }
    let roots: Vec<usize> = (0..nodes.len()).filter(|at| parents[*at] == 0).collect();
    let mut ready = roots.clone();
    let mut seen = 0;
    while let Some(at) = ready.pop() {
        seen += 1;
        let node = &nodes[at];
        if node.mode == Mode::Leaf {
            continue;
        }
        for child in [node.yes, node.no] {
            parents[child] -= 1;
            if parents[child] == 0 {
                ready.push(child);
            }
        }
    }
    let distinct: std::collections::HashSet<i64> = trees.iter().copied().collect();
    if seen != nodes.len() || roots.len() != distinct.len() {
        return Err("its trees have loops, or nodes that nothing leads to".to_owned());
    }
    Ok(roots)
}

fn regressor(spec: &Spec) -> Result<Op, String> {
    let outputs = usize::try_from(spec.int("n_targets", 1)).ok().filter(|count| *count > 0 && *count < 1 << 20);
    let outputs = outputs.ok_or("a number of targets that can't be")?;
    let trees = Ensemble::read(spec, "target", outputs)?;
    let post = Post::read(spec)?;
    Ok(Box::new(move |inputs| numbers(trees.all(need(inputs, 0)?)?, outputs, &post)))
}

/// Two classes may have one score, that of the second.
fn classifier(spec: &Spec) -> Result<Op, String> {
    let classes = labels(spec)?;
    let count = classes.len();
    let ids = spec.ints("class_ids").unwrap_or_default();
    let one = count == 2 && ids.iter().all(|id| *id == ids[0]);
    let mut trees = Ensemble::read(spec, "class", count)?;
    let post = Post::read(spec)?;
    // A single base value is the second class'.
    if one && trees.base.len() == 1 {
        trees.base.insert(0, 0.0);
    }
    let of = ids.first().map_or(1, |id| *id as usize);
    Ok(Box::new(move |inputs| {
        let mut scores = trees.all(need(inputs, 0)?)?;
        let mut picked = Vec::with_capacity(scores.len() / count);
        for row in scores.chunks_mut(count) {
            if one {
                let score = if trees.base.len() == 2 && of == 0 { row[0] + trees.base[1] } else { row[of] };
                picked.push(post.binary(score, row));
            } else {
                picked.push(crate::learn::argmax(row) as usize);
                post.apply(row);
            }
        }
        classes.answer(&picked, scores)
    }))
}
