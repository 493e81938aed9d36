//! Trees over binned columns: the engine beneath every model of trees.

mod answers;
mod best_first;
mod bins;
mod boost;
mod columns;
mod criterion;
mod forest;
mod grow;
mod many;
mod out_of_bag;
mod pair;
mod prune;
mod search;
mod shap;
mod trees;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use self::answers::{Numbers, Two};
use self::bins::Bins;
use self::criterion::Criterion;
use self::grow::Soil;
use self::many::Many;
use self::trees::Tree;
use super::chance::Chance;
use super::linear::to_shares;
use super::{Target, Training, nature};
use crate::source::Fault;

pub use boost::Boosted;
pub(super) use boost::{Limits as BoostLimits, Loss, Patience, Plan as BoostPlan, boost};
pub use forest::Forest;
pub use trees::Trees;

/// Where a tree stops growing, and what it may cut.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// How many cuts lie between the root and a leaf at most.
    pub(super) max_depth: usize,
    /// How many leaves there are at most; the cut that takes most away is made first.
    pub(super) max_leaf_nodes: Option<usize>,
    /// How many rows a node has at least to be cut.
    pub(super) min_samples_split: usize,
    /// How many rows a leaf has at least.
    pub(super) min_samples_leaf: usize,
    /// Which share of the tree's weight a leaf has at least.
    pub(super) min_weight_leaf: f64,
    /// How much weighted impurity a cut takes away at least, as a share of the tree's weight.
    pub(super) min_impurity_decrease: f64,
    /// How many features are looked at for a cut.
    pub(super) features: usize,
    /// Whether a feature is cut by chance instead of at its best place.
    pub(super) random: bool,
    /// Whether cuts lie at the best of all numbers where bins hold several: for single trees.
    pub(super) exact: bool,
    /// For each feature 1 where answers may not fall as it rises, -1 where they may not rise; or nothing.
    pub(super) monotone: Vec<i8>,
    /// What a leaf less may cost.
    pub(super) ccp_alpha: f64,
}

/// What a forest is grown with.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many trees.
    pub(super) trees: usize,
    /// How many rows are drawn for a tree, with replacement; `None`: every row once.
    pub(super) draws: Option<usize>,
    /// Whether each row is judged by the trees that have not drawn it.
    pub(super) out_of_bag: bool,
    /// Classes are judged by entropy instead of Gini's impurity.
    pub(super) entropy: bool,
    /// Where trees stop.
    pub(super) limits: Limits,
}

/// Grows trees, each with a stream of chance of its own, so that threads don't matter.
///
/// # Errors
/// If the fit was interrupted, the target's mean overflows, or the trees together are too large.
pub(super) fn forest(data: &Training, plan: &Plan) -> Result<Forest, Fault> {
    if data.x.rows() >= u32::MAX as usize {
        return Err(Fault::new("too-many-rows", "trees count their rows in 32 bits"));
    }
    let scale = scale(data);
    let counts = |row: usize| (data.weight(row) * scale) as f32 > 0.0;
    let rows = data.x.rows();
    if (0..rows).all(counts) {
        return grow_all(data, plan, scale);
    }
    // Rows that don't count are as good as dropped.
    let kept: Vec<usize> = (0..rows).filter(|&row| counts(row)).collect();
    let (x, y) = (data.x.take(&kept), data.y.take(&kept));
    let weights: Vec<f64> = kept.iter().map(|&row| data.weight(row)).collect();
    grow_all(&Training { x: &x, y: &y, weights: Some(&weights), ..*data }, plan, scale)
}

/// The power of two that brings the largest weight near 1, so that sums of squares neither overflow nor vanish.
fn scale(data: &Training) -> f64 {
    let largest = data.weights.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
    // Twice a power whose half can't overflow.
    2f64.powi(-(largest.log2().floor() as i32).clamp(-1000, 1000))
}

fn grow_all(data: &Training, plan: &Plan, scale: f64) -> Result<Forest, Fault> {
    match data.y {
        Target::Classes { codes, count } => {
            let mut seen = vec![false; *count];
            codes.iter().for_each(|&code| seen[code as usize] = true);
            let mut present = (0..*count as u32).filter(|&class| seen[class as usize]);
            let (Some(first), Some(second), None) = (present.next(), present.next(), present.next()) else {
                return grow_by(data, plan, scale, &Many { codes, count: *count, entropy: plan.entropy });
            };
            if plan.entropy {
                return grow_by(data, plan, scale, &Two::<true> { codes, first, second, count: *count });
            }
            grow_by(data, plan, scale, &Two::<false> { codes, first, second, count: *count })
        }
        Target::Numbers(numbers) => {
            let center = nature::mean(data, |row| numbers[row]);
            if !center.is_finite() {
                return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean"));
            }
            grow_by(data, plan, scale, &Numbers::new(numbers, center))
        }
    }
}

fn grow_by<C: Criterion>(data: &Training, plan: &Plan, scale: f64, criterion: &C) -> Result<Forest, Fault> {
    let bins = Bins::new(data.x, bins::MOST);
    let done = AtomicUsize::new(0);
    let grown = (0..plan.trees)
        .into_par_iter()
        .map(|tree| {
            data.go_on()?;
            let stream = tree as u64;
            let mut chance = Chance::new(data.seed, stream);
            let rows = draw(data, plan.draws, scale, criterion, &mut chance);
            let mut sums = criterion.nothing();
            criterion.sum(&rows, &mut sums);
            let total = criterion.weight(&sums);
            let soil = Soil { data, bins: &bins, criterion, limits: &plan.limits, stream, total };
            let grown = grow::grow(&soil, rows, chance)?;
            let importance = importance(&grown, data.x.columns());
            data.watch.progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.trees, "trees");
            Ok((grown.tree, importance))
        })
        .collect::<Result<Vec<(Tree, Vec<f64>)>, Fault>>()?;
    let mut trees = Trees::new((0..data.x.columns()).map(|column| data.x.levels(column)), criterion.outputs());
    let mut importance = vec![0.0; data.x.columns()];
    for (tree, shares) in grown {
        trees.push(&tree)?;
        importance.iter_mut().zip(&shares).for_each(|(to, part)| *to += part);
    }
    to_shares(&mut importance);
    let mut forest = Forest { task: data.y.task(), importance, oob_score: None, trees };
    if plan.out_of_bag
        && let Some(draws) = plan.draws
    {
        forest.oob_score = out_of_bag::score(data, &forest, draws)?;
    }
    Ok(forest)
}

/// The features' shares of what a tree's cuts take away. Each tree counts the same, however much there was to take.
fn importance(grown: &grow::Grown, columns: usize) -> Vec<f64> {
    let mut shares = vec![0.0; columns];
    for (node, gain) in grown.gains.iter().enumerate() {
        if let Some((_, feature)) = grown.tree.children(node) {
            shares[feature] += gain;
        }
    }
    to_shares(&mut shares);
    shares
}

/// How often each row is drawn for a tree.
fn draws(rows: usize, draws: usize, chance: &mut Chance) -> Vec<u32> {
    let mut drawn = vec![0u32; rows];
    for _ in 0..draws.max(1) {
        drawn[chance.below(rows)] += 1;
    }
    drawn
}

/// A tree's rows: each counts its weight times how often it was drawn.
fn draw<C: Criterion>(
    data: &Training,
    times: Option<usize>,
    scale: f64,
    criterion: &C,
    chance: &mut Chance,
) -> Vec<C::Row> {
    let rows = data.x.rows();
    let weight = |row: usize| data.weight(row) * scale;
    let Some(times) = times else {
        return (0..rows).map(|row| criterion.row(row, weight(row))).collect();
    };
    let drawn = draws(rows, times, chance);
    let taken = drawn.iter().enumerate().filter(|(_, times)| **times > 0);
    taken.map(|(row, &times)| criterion.row(row, f64::from(times) * weight(row))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::data::Matrix;
    use crate::learn::{Estimator, Prediction, Watch};

    fn table() -> (Matrix, Target) {
        let a = (0..200).map(|row| f64::from(row * 73 % 200));
        let b = (0..200).map(|row| f64::from(row * 31 % 17));
        let x = Matrix::new(["a", "b", "c"].map(String::from).to_vec(), 200, a.chain(b).chain([4.0; 200]).collect());
        let codes = (0..200).map(|row| u32::from(x.at(row, 0) > 120.0) + u32::from(x.at(row, 1) > 9.0)).collect();
        (x, Target::Classes { codes, count: 3 })
    }

    fn plan(trees: usize, draws: Option<usize>) -> Plan {
        let limits = Limits {
            max_depth: usize::MAX,
            max_leaf_nodes: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            min_weight_leaf: 0.0,
            min_impurity_decrease: 0.0,
            features: 1,
            random: false,
            exact: false,
            monotone: Vec::new(),
            ccp_alpha: 0.0,
        };
        Plan { trees, draws, out_of_bag: false, entropy: false, limits }
    }

    fn labels(forest: Forest, x: &Matrix) -> Vec<u32> {
        Estimator::Forest(forest).predict(x).expect("prediction").labels().expect("classes")
    }

    #[test]
    fn a_tree_that_may_grow_knows_its_rows_by_heart() {
        let (x, y) = table();
        let Target::Classes { codes, .. } = &y else { panic!("classes") };
        for entropy in [false, true] {
            let plan = Plan { entropy, ..plan(1, None) };
            let grown = forest(&Training::new(&x, &y), &plan).expect("forest");
            assert_eq!(grown.importance[2], 0.0, "a constant column is never cut");
            assert_eq!(&labels(grown, &x), codes);
        }
    }

    #[test]
    fn limits_hold() {
        let (x, y) = table();
        let mut stump = plan(1, None);
        (stump.limits.max_depth, stump.limits.features) = (1, 3);
        let grown = forest(&Training::new(&x, &y), &stump).expect("forest");
        let distinct = |grown: Forest| {
            let Prediction::Probabilities { values, .. } = Estimator::Forest(grown).predict(&x).expect("prediction")
            else {
                panic!("classes")
            };
            let mut rows: Vec<Vec<u64>> =
                values.chunks(3).map(|row| row.iter().map(|p| p.to_bits()).collect()).collect();
            rows.sort();
            rows.chunk_by(|a, b| a == b).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(distinct(grown).len(), 2);
        let mut wide = plan(1, None);
        wide.limits.min_samples_leaf = 30;
        assert!(distinct(forest(&Training::new(&x, &y), &wide).expect("forest")).iter().all(|&rows| rows >= 30));
        let mut hard = plan(1, None);
        hard.limits.min_impurity_decrease = 0.7;
        assert_eq!(distinct(forest(&Training::new(&x, &y), &hard).expect("forest")), [200]);
    }

    #[test]
    fn rows_without_weight_are_as_good_as_dropped() {
        let (x, y) = table();
        let weights: Vec<f64> = (0..200).map(|row| if row % 4 == 0 { 0.0 } else { 1.0 }).collect();
        let kept: Vec<usize> = (0..200).filter(|row| row % 4 != 0).collect();
        let plan = plan(7, Some(150));
        let one = forest(&Training::new(&x, &y).weighted(&weights), &plan).expect("forest");
        let (few, answers) = (x.take(&kept), y.take(&kept));
        assert_eq!(one, forest(&Training::new(&few, &answers), &plan).expect("forest"));
        assert_ne!(one, forest(&Training::new(&few, &answers).seeded(1), &plan).expect("forest"));
    }

    #[test]
    fn a_fit_tells_how_far_it_is_and_stops_when_told() {
        #[derive(Default)]
        struct Listener(AtomicUsize, AtomicBool);
        impl Watch for Listener {
            fn progress(&self, done: usize, total: usize, _: &'static str) {
                assert_eq!(total, 7);
                self.0.fetch_max(done, Ordering::Relaxed);
            }
            fn cancelled(&self) -> bool {
                self.1.load(Ordering::Relaxed)
            }
        }
        let (x, y) = table();
        let listener = Listener::default();
        let data = Training::new(&x, &y).watched(&listener);
        forest(&data, &plan(7, Some(200))).expect("forest");
        assert_eq!(listener.0.load(Ordering::Relaxed), 7);
        listener.1.store(true, Ordering::Relaxed);
        assert_eq!(forest(&data, &plan(7, Some(200))).expect_err("fault").code, "interrupted");
    }

    #[test]
    fn broken_trees_are_told() {
        let (x, y) = table();
        let grown = forest(&Training::new(&x, &y), &plan(2, Some(200))).expect("forest");
        let sound = serde_json::to_value(Estimator::Forest(grown)).expect("JSON");
        for (route, value) in [("roots/0", 9999), ("nodes/0/0", 3), ("nodes/0/2", 0)] {
            let mut broken = sound.clone();
            *broken.pointer_mut(&format!("/forest/trees/{route}")).expect("a number") = value.into();
            let broken: Estimator = serde_json::from_value(broken).expect("estimator");
            assert_eq!(broken.check().expect_err("fault").code, "broken-model", "{route}");
        }
    }
}
