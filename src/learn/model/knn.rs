//! k nearest neighbours (Fix & Hodges 1951): the training rows nearest to a row answer for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::Faults;
use super::{HyperParameter, Model};
use crate::learn::memory::{Memory, Resumable, apart};
use crate::learn::neighbors::{Answers, Ask, Metric, Neighbors};
use crate::learn::{Estimator, Target, Task, Training, nature, validate};
use crate::source::Fault;

/// Up to how many features a tree is faster than comparing with all rows.
const FEW: usize = 10;
/// The same where rows can't be compared by matrix products.
const FEW_MANHATTAN: usize = 15;

/// How much the nearest rows count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Votes {
    /// All the same.
    Uniform,
    /// By the inverse of their distance.
    Distance,
}

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// The root of the summed squares of their differences.
    Euclidean,
    /// The sum of their differences' sizes.
    Manhattan,
}

/// How rows are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// By a tree for few features, else by comparing with all rows.
    Auto,
    /// By comparing with all rows.
    Brute,
    /// By a k-d tree.
    KdTree,
}

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How many rows answer.
    pub n_neighbors: usize,
    /// How much each of them counts.
    pub weights: Votes,
    /// How far apart two rows are.
    pub metric: Distance,
    /// How rows are looked up; the answers are the same.
    pub algorithm: Algorithm,
}

impl Default for Params {
    fn default() -> Self {
        Self { n_neighbors: 5, weights: Votes::Uniform, metric: Distance::Euclidean, algorithm: Algorithm::Auto }
    }
}

/// The training rows, which answer for rows near them.
#[derive(Debug, Serialize)]
pub struct Knn {
    n_neighbors: usize,
    weights: Votes,
    metric: Distance,
    algorithm: Algorithm,
}

impl Model for Knn {
    const NAME: &'static str = "knn";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "the nearest training rows answer; a row's weight multiplies its answer";
    const EXAMPLE: &'static str = "{n_neighbors: 15, weights: distance}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        HyperParameter { name: "n_neighbors", default: "5", range: "≥ 1", summary: "how many rows answer" },
        HyperParameter {
            name: "weights",
            default: "uniform",
            range: "uniform, distance",
            summary: "whether they count the same, or by the inverse of their distance",
        },
        HyperParameter {
            name: "metric",
            default: "euclidean",
            range: "euclidean, manhattan",
            summary: "how far apart two rows are",
        },
        HyperParameter {
            name: "algorithm",
            default: "auto",
            range: "auto, brute, kd_tree",
            summary: "how rows are looked up: fast or slow, but the same rows",
        },
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("k", "n_neighbors"),
        ("neighbors", "n_neighbors"),
        ("n", "n_neighbors"),
        ("p", "metric"),
        ("distance", "metric"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let Params { n_neighbors, weights, metric, algorithm } = params;
        let mut faults = Faults::default();
        faults.at_least("n_neighbors", 1, n_neighbors);
        faults.or(Self { n_neighbors, weights, metric, algorithm })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        self.hold(None, data)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Estimator::Resumable(Resumable { inner, memory: Memory::Heaviest(heaviest) }) = previous else {
            return Err(apart("is no `knn` that remembers how much its rows weigh"));
        };
        let Estimator::Neighbors(before) = &**inner else {
            return Err(apart("is no `knn`"));
        };
        self.hold(Some((before, *heaviest)), data)
    }
}

impl Knn {
    /// Holds the rows behind those of before, if there are any; with what the heaviest of those weighs.
    fn hold(&self, before: Option<(&Neighbors, f64)>, data: &Training) -> Result<Estimator, Fault> {
        // Distances of numbers whose squares overflow tell nothing apart.
        validate::spread(data, &nature::natures(data))?;
        let columns = data.x.columns();
        let most = data.weights.map_or(1.0, heaviest);
        let kept: Vec<usize> = (0..data.x.rows()).filter(|&row| data.weight(row) / most > 0.0).collect();
        let own = match data.y.take(&kept) {
            Target::Classes { codes, count } => Answers::Classes { codes, count },
            Target::Numbers(numbers) => Answers::Numbers(numbers),
        };
        let (mut rows, mut weights, answers) = match before {
            None => (Vec::new(), Vec::new(), own),
            Some((before, _)) if before.columns != columns => return Err(apart("reads other features")),
            Some((before, most)) => {
                let held = before.rows.len() / columns;
                let weights = before.weights.clone().unwrap_or_else(|| vec![1.0; held]);
                let answers = before.answers.with(own).ok_or_else(|| apart("answers something else"))?;
                (before.rows.clone(), weights.iter().map(|weight| weight * most).collect(), answers)
            }
        };
        let old = rows.len();
        rows.resize(old + kept.len() * columns, 0.0);
        for (into, &row) in rows[old..].chunks_mut(columns).zip(&kept) {
            data.x.row(row, into);
        }
        weights.extend(kept.iter().map(|&row| data.weight(row)));
        let count = weights.len();
        if u32::try_from(count).is_err() {
            let message = format!("`{}` holds every row, and {count} are too many", Self::NAME);
            return Err(Fault::new("too-many-rows", message).help("learn from fewer rows, or take another model"));
        }
        if count < self.n_neighbors {
            let message = format!("there are only {count} rows for {} neighbours", self.n_neighbors);
            let help = "all of them answer for every row; lower `n_neighbors`";
            data.watch.warn(Fault::warning("few-rows", message).help(help));
        }
        let heaviest = heaviest(&weights);
        let shares = weights.iter().map(|weight| (weight / heaviest).max(f64::MIN_POSITIVE));
        let weights = if weights.iter().all(|weight| *weight == heaviest) { None } else { Some(shares.collect()) };
        let metric = match self.metric {
            Distance::Euclidean => Metric::Euclidean,
            Distance::Manhattan => Metric::Manhattan,
        };
        let few = if metric == Metric::Euclidean { FEW } else { FEW_MANHATTAN };
        let ask = Ask {
            n_neighbors: self.n_neighbors.min(count),
            by_distance: self.weights == Votes::Distance,
            metric,
            tree: self.algorithm == Algorithm::KdTree || self.algorithm == Algorithm::Auto && columns <= few,
        };
        let estimator = Estimator::Neighbors(Neighbors::new(columns, rows, answers, weights, &ask));
        data.keep(estimator, || Ok(Memory::Heaviest(heaviest)))
    }
}

/// What the heaviest of rows weighs.
fn heaviest(weights: &[f64]) -> f64 {
    weights.iter().fold(0.0f64, |most, weight| most.max(*weight))
}
