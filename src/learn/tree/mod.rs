//! Trees over binned columns: the engine beneath every model of trees.

mod bins;
mod criterion;
mod forest;
mod grow;
mod split;
mod trees;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use self::bins::Bins;
use self::criterion::{Classes, Criterion, Squares};
use self::grow::Grown;
use super::chance::Chance;
use super::linear::to_shares;
use super::{Target, Training, nature};
use crate::source::Fault;

pub use forest::Forest;
pub use trees::Trees;

/// Where a tree stops growing.
pub(super) struct Limits {
    /// How many cuts lie between the root and a leaf at most.
    pub(super) max_depth: usize,
    /// How many rows a node has at least to be cut.
    pub(super) min_samples_split: usize,
    /// How many rows a leaf has at least.
    pub(super) min_samples_leaf: usize,
    /// How much weighted impurity a cut takes away at least, as a share of the tree's weight.
    pub(super) min_impurity_decrease: f64,
    /// How many features are looked at for a cut.
    pub(super) features: usize,
}

/// What a forest is grown with.
pub(super) struct Plan {
    /// How many trees.
    pub(super) trees: usize,
    /// How many rows are drawn for a tree, with replacement; `None`: every row once.
    pub(super) draws: Option<usize>,
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
    match data.y {
        Target::Classes { codes, count } => {
            let classes = Classes { codes, count: *count, entropy: plan.entropy };
            grow_all(data, plan, &classes)
        }
        Target::Numbers(numbers) => {
            let center = nature::mean(data, |row| numbers[row]);
            if !center.is_finite() {
                return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean"));
            }
            grow_all(data, plan, &Squares::new(numbers, center))
        }
    }
}

fn grow_all<C: Criterion>(data: &Training, plan: &Plan, criterion: &C) -> Result<Forest, Fault> {
    let bins = Bins::new(data.x, bins::MOST);
    // Rows that don't count aren't drawn either: a tree always has a row.
    let eligible: Vec<usize> = (0..data.x.rows()).filter(|&row| data.weight(row) > 0.0).collect();
    let done = AtomicUsize::new(0);
    let grown = (0..plan.trees)
        .into_par_iter()
        .map(|tree| {
            data.go_on()?;
            let mut chance = Chance::new(data.seed, tree as u64);
            let weights = weights(data, plan.draws, &eligible, &mut chance);
            let grown = grow::grow(data, &bins, criterion, &plan.limits, &weights, chance)?;
            data.watch.progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.trees, "trees");
            Ok(grown)
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    gather(data, criterion.outputs(), grown)
}

/// The trees together. Each counts the same for the importance, however much there was to take away.
fn gather(data: &Training, outputs: usize, grown: Vec<Grown>) -> Result<Forest, Fault> {
    let levels = (0..data.x.columns()).map(|column| data.x.levels(column));
    let mut trees = Trees::new(levels, outputs);
    let mut importance = vec![0.0; data.x.columns()];
    for Grown { tree, importance: mut shares } in grown {
        trees.push(&tree)?;
        to_shares(&mut shares);
        importance.iter_mut().zip(&shares).for_each(|(to, part)| *to += part);
    }
    to_shares(&mut importance);
    Ok(Forest { task: data.y.task(), importance, trees })
}

/// How much each row counts in a tree: its weight times how often it was drawn.
fn weights(data: &Training, draws: Option<usize>, eligible: &[usize], chance: &mut Chance) -> Vec<f64> {
    let Some(draws) = draws else {
        return (0..data.x.rows()).map(|row| data.weight(row)).collect();
    };
    let mut drawn = vec![0u32; data.x.rows()];
    for _ in 0..draws.max(1) {
        drawn[eligible[chance.below(eligible.len())]] += 1;
    }
    let counts = drawn.iter().enumerate();
    counts.map(|(row, &times)| f64::from(times) * data.weight(row)).collect()
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
            min_samples_split: 2,
            min_samples_leaf: 1,
            min_impurity_decrease: 0.0,
            features: 1,
        };
        Plan { trees, draws, entropy: false, limits }
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
