//! Trees over binned columns: the engine beneath every model of trees.

mod answers;
mod best_first;
mod bins;
mod boost;
mod columns;
mod criterion;
mod forest;
mod grow;
mod keys;
mod many;
mod out_of_bag;
mod pair;
mod prune;
mod rows;
mod search;
mod shap;
mod sieve;
mod trees;

use std::marker::PhantomData;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use self::answers::{Numbers, Two};
use self::bins::Bins;
use self::columns::Table;
use self::criterion::Criterion;
use self::grow::{Grown, Soil};
use self::keys::Keys;
use self::many::Many;
use self::rows::{Counted, Marked, Repeated, Weighed};
use self::search::Search;
use self::trees::Tree;
use super::chance::Chance;
use super::linear::to_shares;
use super::{Target, Training, nature};
use crate::data::elementary::log2;
use crate::source::Fault;

pub use boost::{Boosted, Link};
pub(super) use boost::{Limits as BoostLimits, Loss, Patience, Plan as BoostPlan, boost, boost_on};
pub use forest::Forest;
pub use trees::{Trees, View};

/// How many trees a thread grows before all are put together.
const AT_ONCE: usize = 8;

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

/// The trees of a forest, and as many more as planned, grown on these rows.
///
/// # Errors
/// As [`forest`]; or if the forest answers something else.
pub(super) fn more(previous: &Forest, data: &Training, plan: &Plan) -> Result<Forest, Fault> {
    if previous.task != data.y.task() {
        return Err(Fault::new("no-update", format!("the previous model does {}", previous.task.name())));
    }
    let (before, after) = (previous.trees.len() as f64, plan.trees as f64);
    // No tree has the chance of one before it.
    let seed = data.seed.wrapping_add((previous.trees.len() as u64).wrapping_mul(ANOTHER));
    let grown = forest(&data.seeded(seed), plan)?;
    let mut joined = previous.clone();
    joined.trees.join(&grown.trees)?;
    // What trees say of rows that they have not drawn is known of today's rows alone.
    joined.oob_score = None;
    for (share, new) in joined.importance.iter_mut().zip(&grown.importance) {
        *share = (*share * before + new * after) / (before + after);
    }
    Ok(joined)
}

/// What tells one seed from the next: no two forests that follow each other come to the same.
const ANOTHER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The power of two that brings the largest weight near 1, so that sums of squares neither overflow nor vanish.
fn scale(data: &Training) -> f64 {
    let largest = data.weights.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
    // No power of two from here to there overflows.
    2f64.powi((-log2(largest).floor()).clamp(-1000.0, 1000.0) as i32)
}

/// What rows of each group weigh if that is the same for all of a group, or 1 if all weights are whole numbers; `None`
/// if rows can't be counted in such units, or would be more than `most`.
fn units<const N: usize>(data: &Training, plan: &Plan, most: u64, group: impl Fn(usize) -> usize) -> Option<[f64; N]> {
    let rows = data.x.rows();
    let draws = plan.draws.unwrap_or(rows) as f64;
    let mut units = [0.0; N];
    (0..rows).for_each(|row| units[group(row)] = data.weight(row));
    if (0..rows).all(|row| data.weight(row) == units[group(row)]) {
        let sound = units.iter().all(|unit| (1e-100..=1e100).contains(unit));
        return Some(units).filter(|_| sound && draws <= most as f64);
    }
    let largest = (0..rows).map(|row| data.weight(row)).fold(0.0, f64::max);
    let whole = (0..rows).all(|row| data.weight(row).fract() == 0.0);
    (whole && largest * draws.max(rows as f64) <= most as f64).then_some([1.0; N])
}

fn grow_all(data: &Training, plan: &Plan, scale: f64) -> Result<Forest, Fault> {
    let entropy = plan.entropy;
    match data.y {
        Target::Classes { codes, count } => {
            let count = *count;
            let mut seen = vec![false; count];
            codes.iter().for_each(|&code| seen[code as usize] = true);
            let mut present = (0..count as u32).filter(|&class| seen[class as usize]);
            let (Some(first), Some(second), None) = (present.next(), present.next(), present.next()) else {
                return grow_by(data, plan, scale, &Many { codes, count, entropy });
            };
            let pair = [first, second];
            match units(data, plan, rows::COUNTED, |row| usize::from(codes[row] == second)) {
                Some(units) => {
                    let two = Two::<Counted> { codes, pair, count, entropy, units, rows: PhantomData };
                    grow_by(data, plan, 1.0, &two)
                }
                None => {
                    let two = Two::<Marked> { codes, pair, count, entropy, units: [1.0; 2], rows: PhantomData };
                    grow_by(data, plan, scale, &two)
                }
            }
        }
        Target::Numbers(numbers) => {
            let center = nature::mean(data, |row| numbers[row]);
            if !center.is_finite() {
                return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean"));
            }
            match units::<1>(data, plan, u64::from(u32::MAX), |_| 0) {
                Some([unit]) => grow_by(data, plan, 1.0 / unit, &Numbers::<Repeated>::new(numbers, center)),
                None => grow_by(data, plan, scale, &Numbers::<Weighed>::new(numbers, center)),
            }
        }
    }
}

fn grow_by<C: Criterion>(data: &Training, plan: &Plan, scale: f64, criterion: &C) -> Result<Forest, Fault> {
    let bins = Bins::new(data.x, bins::MOST);
    // Few rows are cut by chance at numbers that bins would not tell apart.
    let keys = (plan.limits.random && plan.limits.max_leaf_nodes.is_none()).then(|| Keys::new(data.x, &bins));
    let table = Table::new(&bins, keys.is_none());
    let soil = Soil { data, bins: &bins, keys: keys.as_ref(), criterion, limits: &plan.limits, stream: 0, total: 0.0 };
    let done = AtomicUsize::new(0);
    // What trees have grown in, for those that come after them.
    let rooms = Mutex::new(Vec::new());
    let room =
        || (Search::new(data.x.columns(), Chance::new(0, 0), C::Space::default()), Grown::new(criterion.outputs()));
    let grow = |tree: usize| {
        data.go_on()?;
        let (search, grown) = rooms.lock().expect("no thread panics with it").pop().unwrap_or_else(room);
        let mut chance = Chance::new(data.seed, tree as u64);
        let rows = draw(data, plan.draws, scale, criterion, &mut chance);
        let mut sums = criterion.nothing();
        criterion.sum(&rows, &mut sums);
        let soil = Soil { stream: tree as u64, total: criterion.weight(&sums), ..soil };
        let mut search = search.renewed(chance);
        let grown = grow::grow(&soil, &table, rows, &mut search, grown)?;
        let found = (grown.tree.compact(), importance(&grown, data.x.columns()));
        rooms.lock().expect("no thread panics with it").push((search, grown));
        data.watch.progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.trees, "trees");
        Ok(found)
    };
    let mut trees = Trees::new((0..data.x.columns()).map(|column| data.x.levels(column)), criterion.outputs());
    let mut importance = vec![0.0; data.x.columns()];
    // A few at a time: those that wait to be put behind the others are there twice.
    let few = AT_ONCE * rayon::current_num_threads();
    for first in (0..plan.trees).step_by(few) {
        let end = plan.trees.min(first + few);
        let grown = (first..end).into_par_iter().map(grow).collect::<Result<Vec<(Tree, Vec<f64>)>, Fault>>()?;
        for (tree, shares) in grown {
            trees.push(&tree)?;
            importance.iter_mut().zip(&shares).for_each(|(to, part)| *to += part);
        }
        if first == 0 {
            trees.reserve(plan.trees - end);
        }
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
fn importance(grown: &Grown, columns: usize) -> Vec<f64> {
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
mod tests;
#[cfg(test)]
mod tests_shap;
