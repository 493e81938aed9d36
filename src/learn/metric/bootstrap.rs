//! How sure a score is: the bootstrap (Efron 1979). Rows are drawn with replacement, as many as there are, again and again;
//! the interval is where 95 % of the scores of these draws lie (their percentiles from 2.5 to 97.5).
//!
//! Each draw has a stream of chance of its own, so the interval is the same on any number of threads. Up to 50,000 rows there
//! are 1,000 draws; of more rows fewer, but 400 at least; and beyond 125,000 rows a fixed sample of 125,000 is drawn from,
//! and the interval narrowed by the root of its share, as intervals narrow with rows. A metric that ranks the rows for each
//! of k > 2 classes has k times the work, and so 1/k of these rows; for more than 100 classes it has no interval.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::sheet::Draw;
use super::{MetricEntry, Scored, Sheet};
use crate::learn::chance::Chance;
use crate::source::Fault;

/// The seed of all draws: the same rows have the same interval.
const SEED: u64 = 0x6a75_6467_6521;
/// How many rows are drawn for one interval, about.
const WORK: usize = 50_000_000;
const MOST: usize = 1000;
const LEAST: usize = 400;
/// A ranking of more classes has no interval.
const CLASSES: usize = 100;
/// The stream of the sample of very many rows.
const SAMPLE: u64 = u64::MAX;

/// Where a score would lie on other rows of the same kind, in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

impl Interval {
    /// The same, moved from around `middle` to around `value` and scaled.
    fn around(self, middle: f64, value: f64, scale: f64) -> Self {
        if scale == 1.0 && middle == value {
            return self;
        }
        Self { low: value + (self.low - middle) * scale, high: value + (self.high - middle) * scale }
    }
}

/// Two models on the same rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// The first one's score.
    pub first: f64,
    /// The second one's.
    pub second: f64,
    /// Where the first less the second would lie on other rows of the same kind. `None` where too few draws define it.
    pub difference: Option<Interval>,
}

/// How a metric of some rows is resampled.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Effort {
    rows: usize,
    draws: usize,
}

impl Effort {
    /// For a metric; `None` if it is too much.
    fn of(metric: &MetricEntry, sheet: &Sheet) -> Option<Self> {
        let ranks = matches!(metric.name, "roc_auc" | "pr_auc");
        let cost = if ranks && sheet.classes() > 2 { sheet.classes() } else { 1 };
        let rows = sheet.rows();
        // The largest error of a draw is the largest of all rows' or less: its spread tells nothing of rows to come.
        if cost > CLASSES || metric.name == "max_error" || rows < 2 {
            return None;
        }
        let draws = (WORK / (rows * cost)).clamp(LEAST, MOST);
        Some(Self { rows: rows.min(WORK / LEAST / cost), draws })
    }

    /// The rows of a fixed sample, where not all are taken.
    fn sample(self, rows: usize) -> Option<Vec<usize>> {
        if self.rows >= rows {
            return None;
        }
        let mut chance = Chance::new(SEED, SAMPLE);
        // Each row is taken with the share that is still wanted of those that are left (Knuth, algorithm S).
        let mut wanted = self.rows;
        let take = |row: &usize| {
            let taken = chance.below(rows - row) < wanted;
            wanted -= usize::from(taken);
            taken
        };
        Some((0..rows).filter(take).collect())
    }

    fn scale(self, rows: usize) -> f64 {
        (self.rows as f64 / rows as f64).sqrt()
    }
}

/// The interval of each metric's score; `None` where fewer than half of the draws define it, and for what the module says.
pub fn intervals(metrics: &[&'static MetricEntry], sheet: &Sheet) -> Vec<Option<Interval>> {
    let efforts: Vec<Option<Effort>> = metrics.iter().map(|metric| Effort::of(metric, sheet)).collect();
    let mut found = vec![None; metrics.len()];
    let mut done: Vec<Effort> = Vec::new();
    for effort in efforts.iter().flatten() {
        if done.contains(effort) {
            continue;
        }
        done.push(*effort);
        let places: Vec<usize> = (0..metrics.len()).filter(|place| efforts[*place] == Some(*effort)).collect();
        let chosen: Vec<&MetricEntry> = places.iter().map(|place| metrics[*place]).collect();
        for (place, interval) in places.into_iter().zip(with(*effort, &chosen, sheet)) {
            found[place] = interval;
        }
    }
    found
}

fn with(effort: Effort, metrics: &[&MetricEntry], sheet: &Sheet) -> Vec<Option<Interval>> {
    sampled(effort, sheet, |part| {
        let draws: Vec<Vec<Option<f64>>> = (0..effort.draws as u64)
            .into_par_iter()
            .map(|nth| {
                let draw = Draw::with_replacement(part.rows(), &mut Chance::new(SEED, nth));
                metrics.iter().map(|metric| value(metric, part, &draw)).collect()
            })
            .collect();
        let of = |place: usize| {
            let metric = metrics[place];
            let interval = percentiles(draws.iter().map(|draw| draw[place]).collect())?;
            let (middle, whole) = (part.score(metric).ok()?, sheet.score(metric).ok()?);
            Some(interval.around(middle, whole, effort.scale(sheet.rows())))
        };
        (0..metrics.len()).map(of).collect()
    })
}

/// Does something with the rows that an effort takes.
fn sampled<T>(effort: Effort, sheet: &Sheet, work: impl FnOnce(&Sheet) -> T) -> T {
    let Some(rows) = effort.sample(sheet.rows()) else {
        return work(sheet);
    };
    let Scored { truth, prediction, positive } = *sheet.scored();
    let (truth, prediction) = (truth.take(&rows), prediction.take(&rows));
    let scored = Scored { truth: &truth, prediction: &prediction, positive };
    work(&Sheet::new(&scored, sheet.threshold()).expect("some rows of those that go together do"))
}

fn value(metric: &MetricEntry, sheet: &Sheet, draw: &Draw) -> Option<f64> {
    (metric.compute)(sheet, draw).ok().filter(|value| value.is_finite())
}

/// The range of the middle 95 %, interpolated linearly; `None` if less than half of the values are there.
fn percentiles(values: Vec<Option<f64>>) -> Option<Interval> {
    let mut found: Vec<f64> = values.iter().flatten().copied().collect();
    if found.len() * 2 < values.len() || found.is_empty() {
        return None;
    }
    found.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (found.len() - 1) as f64;
        let (low, high) = (found[place.floor() as usize], found[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    Some(Interval { low: at(0.025), high: at(0.975) })
}

/// Compares two models on the same rows: in each draw both are judged on the same rows, so that what is hard for both doesn't
/// count.
///
/// # Errors
/// If one of them has no score on these rows, or they are of different rows.
pub fn paired(metric: &'static MetricEntry, first: &Sheet, second: &Sheet) -> Result<Paired, Fault> {
    if first.rows() != second.rows() {
        return Err(Fault::new("rows-differ", format!("{} rows for {}", first.rows(), second.rows())));
    }
    let mut found = Paired { first: first.score(metric)?, second: second.score(metric)?, difference: None };
    let Some(effort) = Effort::of(metric, first) else {
        return Ok(found);
    };
    let interval = sampled(effort, first, |one| {
        sampled(effort, second, |other| {
            let draws = (0..effort.draws as u64).into_par_iter().map(|nth| {
                let draw = Draw::with_replacement(one.rows(), &mut Chance::new(SEED, nth));
                Some(value(metric, one, &draw)? - value(metric, other, &draw.again())?)
            });
            let interval = percentiles(draws.collect())?;
            Some((interval, one.score(metric).ok()? - other.score(metric).ok()?))
        })
    });
    let difference = found.first - found.second;
    found.difference =
        interval.map(|(interval, middle)| interval.around(middle, difference, effort.scale(first.rows())));
    Ok(found)
}
