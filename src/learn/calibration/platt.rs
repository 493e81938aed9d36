//! The logistic curve that is nearest to the rows: Platt (1999), by Newton's method as Lin, Lin & Weng (2007).

use serde::{Deserialize, Serialize};

use super::Point;
use crate::data::elementary::{exp, ln, ln_1p};
use crate::learn::linear::sigmoid;

/// How many steps at most; few are needed.
const STEPS: usize = 100;
/// What is added to the curvature, so that it can be divided by.
const RIDGE: f64 = 1e-12;
/// The slope of the loss that counts as none, for each unit of weight.
const FLAT: f64 = 1e-10;
/// The share of the promised decrease that a step must bring.
const DECREASE: f64 = 1e-4;

/// 1 / (1 + e^(slope · x + offset)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sigmoid {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

/// A row of the fit: where it is, how much it counts, and what it should come to.
struct Aim {
    x: f64,
    weight: f64,
    target: f64,
}

impl Sigmoid {
    /// Fits to at least one point, each aimed at a little less than certainty.
    pub(super) fn fit(points: &[Point]) -> Self {
        let weight = |is: bool| -> f64 { points.iter().filter(|point| point.is == is).map(|point| point.weight).sum() };
        let (positive, negative) = (weight(true), weight(false));
        let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
        // Newton's steps are short on a scale where values are near 1.
        let size = points.iter().map(|point| point.x.abs()).fold(0.0, f64::max);
        let size = if size > 0.0 { size } else { 1.0 };
        let aims: Vec<Aim> = points
            .iter()
            .map(|point| Aim { x: point.x / size, weight: point.weight, target: if point.is { high } else { low } })
            .collect();
        let mut at = Self { slope: 0.0, offset: ln((negative + 1.0) / (positive + 1.0)) };
        let mut value = at.loss(&aims);
        for _ in 0..STEPS {
            let Some(next) = at.step(&aims, value, FLAT * (positive + negative)) else { break };
            (at, value) = next;
        }
        Self { slope: at.slope / size, ..at }
    }

    /// The cross-entropy.
    fn loss(&self, aims: &[Aim]) -> f64 {
        aims.iter()
            .map(|aim| {
                let z = self.slope * aim.x + self.offset;
                // -t ln p - (1 - t) ln(1 - p) with p = 1 / (1 + e^z).
                aim.weight * (aim.target * z + (-z).max(0.0) + ln_1p(exp(-z.abs())))
            })
            .sum()
    }

    /// A better curve and its loss; none if this one is the best.
    fn step(&self, aims: &[Aim], value: f64, flat: f64) -> Option<(Self, f64)> {
        let (mut aa, mut ab, mut bb) = (RIDGE, 0.0, RIDGE);
        let (mut ga, mut gb) = (0.0, 0.0);
        for aim in aims {
            let p = sigmoid(-(self.slope * aim.x + self.offset));
            let curvature = aim.weight * p * (1.0 - p);
            aa += curvature * aim.x * aim.x;
            ab += curvature * aim.x;
            bb += curvature;
            let slope = aim.weight * (aim.target - p);
            ga += slope * aim.x;
            gb += slope;
        }
        if ga.abs() <= flat && gb.abs() <= flat {
            return None;
        }
        let determinant = aa * bb - ab * ab;
        let (da, db) = (-(bb * ga - ab * gb) / determinant, -(aa * gb - ab * ga) / determinant);
        let promised = ga * da + gb * db;
        let mut length = 1.0;
        while length > 1e-10 {
            let next = Self { slope: self.slope + length * da, offset: self.offset + length * db };
            let found = next.loss(aims);
            if found < value + DECREASE * length * promised {
                return Some((next, found));
            }
            length /= 2.0;
        }
        None
    }
}
