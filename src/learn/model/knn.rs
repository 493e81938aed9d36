//! k nearest neighbours (Fix & Hodges 1951): the training rows nearest to a row answer for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::Faults;
use super::{HyperParameter, Model};
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
        // Distances of numbers whose squares overflow tell nothing apart.
        validate::spread(data, &nature::natures(data))?;
        let columns = data.x.columns();
        let heaviest =
            data.weights.map_or(1.0, |weights| weights.iter().fold(0.0f64, |most, weight| most.max(*weight)));
        let share = |row: usize| data.weight(row) / heaviest;
        let kept: Vec<usize> = (0..data.x.rows()).filter(|&row| share(row) > 0.0).collect();
        if u32::try_from(kept.len()).is_err() {
            let message = format!("`{}` holds every row, and {} are too many", Self::NAME, kept.len());
            return Err(Fault::new("too-many-rows", message).help("learn from fewer rows, or take another model"));
        }
        if kept.len() < self.n_neighbors {
            let message = format!("there are only {} rows for {} neighbours", kept.len(), self.n_neighbors);
            let help = "all of them answer for every row; lower `n_neighbors`";
            data.watch.warn(Fault::warning("few-rows", message).help(help));
        }
        let mut rows = vec![0.0; kept.len() * columns];
        for (into, &row) in rows.chunks_mut(columns).zip(&kept) {
            data.x.row(row, into);
        }
        let answers = match data.y.take(&kept) {
            Target::Classes { codes, count } => Answers::Classes { codes, count },
            Target::Numbers(numbers) => Answers::Numbers(numbers),
        };
        let weights: Vec<f64> = kept.iter().map(|&row| share(row)).collect();
        let weights = if weights.iter().all(|weight| *weight == 1.0) { None } else { Some(weights) };
        let metric = match self.metric {
            Distance::Euclidean => Metric::Euclidean,
            Distance::Manhattan => Metric::Manhattan,
        };
        let few = if metric == Metric::Euclidean { FEW } else { FEW_MANHATTAN };
        let ask = Ask {
            n_neighbors: self.n_neighbors.min(kept.len()),
            by_distance: self.weights == Votes::Distance,
            metric,
            tree: self.algorithm == Algorithm::KdTree || self.algorithm == Algorithm::Auto && columns <= few,
        };
        Ok(Estimator::Neighbors(Neighbors::new(columns, rows, answers, weights, &ask)))
    }
}
