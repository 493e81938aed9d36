//! Tree-structured Parzen estimators (Bergstra, Bardenet, Bengio and Kégl 2011): the density of the good trials against
//! that of the others, for each hyper-parameter by itself.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::propose::Tried;
use super::space::{Combination, Dimension, Space, chance, unit};
use crate::data::elementary::{cos, exp, ln};
use crate::learn::chance::Chance;

/// How many trials are drawn at random first.
const FIRST: usize = 8;
/// One trial in so many is drawn at random later too, so that no choice is given up for a run of bad luck.
const EVERY: usize = 4;
/// The share of trials that counts as good.
const GOOD: f64 = 0.15;
/// How many values are drawn near the good trials, of which the most promising is taken.
const CANDIDATES: usize = 24;

/// The next combination; `None` while too little is known.
pub(super) fn propose(space: &Space, seed: u64, nth: usize, attempt: u64, tried: &[Tried]) -> Option<Combination> {
    if nth < FIRST || nth % EVERY == EVERY - 1 || tried.iter().all(|tried| tried.score.is_none()) {
        return None;
    }
    let mut order: Vec<&Tried> = tried.iter().collect();
    // Stable: of equals the earlier one is the better one.
    order.sort_by(|a, b| match (a.score, b.score) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    let scored = order.iter().filter(|tried| tried.score.is_some()).count();
    let (good, others) = order.split_at(((tried.len() as f64 * GOOD).ceil() as usize).clamp(1, scored));
    let one = |(place, (name, dimension)): (usize, (&String, &Dimension))| {
        let mut chance = chance(seed, name, nth, attempt);
        let values = |trials: &[&Tried]| trials.iter().map(|tried| tried.values[place].clone()).collect::<Vec<_>>();
        let (good, others) = (values(good), values(others));
        match dimension {
            Dimension::Choice(choices) => choice(choices, &good, &others, &mut chance),
            _ => number(dimension, &good, &others, &mut chance),
        }
    };
    Some(space.0.iter().enumerate().map(one).collect())
}

/// The most promising of some values drawn from the shares that the choices have among the good trials.
fn choice(choices: &[Json], good: &[Json], others: &[Json], chance: &mut Chance) -> Json {
    let shares = |values: &[Json]| -> Vec<f64> {
        let total = (values.len() + choices.len()) as f64;
        let count = |choice: &Json| values.iter().filter(|value| *value == choice).count();
        choices.iter().map(|choice| (count(choice) + 1) as f64 / total).collect()
    };
    let (good, others) = (shares(good), shares(others));
    let mut best = 0;
    let mut best_ratio = f64::NEG_INFINITY;
    for _ in 0..CANDIDATES {
        let mut left = unit(chance);
        let drawn = good.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        let drawn = drawn.unwrap_or(choices.len() - 1);
        let ratio = good[drawn] / others[drawn];
        if ratio > best_ratio {
            (best, best_ratio) = (drawn, ratio);
        }
    }
    choices[best].clone()
}

fn number(dimension: &Dimension, good: &[Json], others: &[Json], chance: &mut Chance) -> Json {
    let parzen = |values: &[Json]| Parzen::of(values.iter().filter_map(|value| dimension.share(value)).collect());
    let (good, others) = (parzen(good), parzen(others));
    let mut best = 0.5;
    let mut best_ratio = f64::NEG_INFINITY;
    for _ in 0..CANDIDATES {
        let drawn = good.draw(chance);
        let ratio = ln(good.density(drawn)) - ln(others.density(drawn));
        if ratio > best_ratio {
            (best, best_ratio) = (drawn, ratio);
        }
    }
    dimension.at(best)
}

/// A mixture of normal distributions cut to 0 to 1: one around each observation, as wide as the greater of the gaps to its
/// neighbours, and a wide one over all.
struct Parzen(Vec<Normal>);

struct Normal {
    mean: f64,
    std: f64,
    /// How much of it lies within 0 to 1.
    inside: f64,
}

impl Normal {
    fn new(mean: f64, std: f64) -> Self {
        let below = |x: f64| 0.5 * (1.0 + erf((x - mean) / (std * std::f64::consts::SQRT_2)));
        Self { mean, std, inside: below(1.0) - below(0.0) }
    }
}

impl Parzen {
    fn of(mut seen: Vec<f64>) -> Self {
        seen.sort_by(f64::total_cmp);
        let narrowest = 1.0 / (1.0 + seen.len() as f64).min(100.0);
        let around = |nth: usize| {
            let before = if nth == 0 { 0.0 } else { seen[nth - 1] };
            let after = seen.get(nth + 1).copied().unwrap_or(1.0);
            let std = (seen[nth] - before).max(after - seen[nth]).clamp(narrowest, 1.0);
            Normal::new(seen[nth], std)
        };
        let mut normals: Vec<Normal> = (0..seen.len()).map(around).collect();
        normals.push(Normal::new(0.5, 1.0));
        Self(normals)
    }

    fn density(&self, x: f64) -> f64 {
        let one = |normal: &Normal| {
            let z = (x - normal.mean) / normal.std;
            exp(-0.5 * z * z) / (normal.std * (2.0 * std::f64::consts::PI).sqrt() * normal.inside)
        };
        self.0.iter().map(one).sum::<f64>() / self.0.len() as f64
    }

    fn draw(&self, chance: &mut Chance) -> f64 {
        let normal = &self.0[chance.below(self.0.len())];
        // At least a quarter of each lies inside, so that this ends soon.
        for _ in 0..100 {
            // Box and Muller.
            let radius = (-2.0 * ln(1.0 - unit(chance))).sqrt();
            let drawn = normal.mean + normal.std * radius * cos(std::f64::consts::TAU * unit(chance));
            if (0.0..=1.0).contains(&drawn) {
                return drawn;
            }
        }
        normal.mean
    }
}

/// The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let sum =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (1.0 - sum * exp(-x * x)).copysign(x)
}
