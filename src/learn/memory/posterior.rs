//! What logistic regression remembers: its rows' loss near the optimum, as a parabola (Laplace's approximation; Spiegelhalter
//! & Lauritzen 1990 update by it). So going on is near to what all rows that were ever learned from would give, and
//! exact as far as the loss is a parabola between the old optimum and the new one.

use ndarray::{Array2, ArrayViewMut2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Memory, Resumable, affordable, apart, finite, packed};
use crate::learn::gram::gram;
use crate::learn::linear::Logistic;
use crate::learn::nature::Nature;
use crate::learn::{Estimator, Training, sums};
use crate::source::Fault;

/// The loss about the optimum: slopeᵀδ + δᵀ·curvature·δ / 2, δ being the way from there. Penalties aren't in it.
///
/// Parameters stand head after head, each head's coefficients first and then its log-odds at the center.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// What the rows of each present class weigh.
    weights: Vec<f64>,
    /// The features' means over all rows.
    means: Vec<f64>,
    /// Their variances.
    variances: Vec<f64>,
    /// What is taken off each feature.
    center: Vec<f64>,
    /// The optimum.
    at: Vec<f64>,
    /// The loss' slope there.
    slope: Vec<f64>,
    /// Its second derivatives there: the lower triangle, row after row.
    curvature: Vec<f64>,
}

/// The rows of today as a posterior takes them in.
pub(in crate::learn) struct Seen<'a> {
    /// The rows.
    pub(in crate::learn) data: &'a Training<'a>,
    /// Each row's place among the present classes.
    pub(in crate::learn) places: &'a [u32],
    /// The features' natures over these rows.
    pub(in crate::learn) natures: &'a [Nature],
    /// Whether an intercept was fitted.
    pub(in crate::learn) intercept: bool,
}

impl Posterior {
    /// The model of before and what it remembers.
    ///
    /// # Errors
    /// If it is of another kind.
    pub(in crate::learn) fn of(previous: &Estimator) -> Result<(&Logistic, &Self), Fault> {
        if let Estimator::Resumable(Resumable { inner, memory: Memory::Posterior(posterior) }) = previous
            && let Estimator::Logistic(logistic) = &**inner
        {
            return Ok((logistic, posterior));
        }
        Err(apart("is no `logistic_regression` that remembers its rows"))
    }

    /// What the rows of each class weigh together.
    pub(in crate::learn) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The features' natures over the rows of before and those of today, which weigh `total` together.
    pub(in crate::learn) fn natures(&self, own: &[Nature], total: f64) -> Vec<Nature> {
        let share = total / (total + self.weights.iter().sum::<f64>());
        let join = |((mean, variance), own): ((&f64, &f64), &Nature)| {
            let apart = own.mean - mean;
            let square =
                variance * (1.0 - share) + own.deviation.powi(2) * share + share * (1.0 - share) * apart * apart;
            Nature { mean: mean + share * apart, deviation: square.sqrt() }
        };
        self.means.iter().zip(&self.variances).zip(own).map(join).collect()
    }

    /// The loss of the rows of before at these coefficients and intercepts; its slope over them is added to `gradient`,
    /// head after head, each head's intercept last.
    pub(in crate::learn) fn add(&self, coefficients: &[f64], intercepts: &[f64], gradient: &mut [f64]) -> f64 {
        let columns = self.center.len();
        let way: Vec<f64> =
            centered(&self.center, coefficients, intercepts).iter().zip(&self.at).map(|(to, from)| to - from).collect();
        let bent = self.bend(&way);
        let mut loss = 0.0;
        for (head, gradient) in gradient.chunks_mut(columns + 1).enumerate() {
            let first = head * (columns + 1);
            let slope = |place: usize| self.slope[first + place] + bent[first + place];
            for place in 0..=columns {
                loss += way[first + place] * (self.slope[first + place] + 0.5 * bent[first + place]);
                // A coefficient moves the log-odds at the center too.
                gradient[place] += slope(place) + self.center.get(place).map_or(0.0, |mean| mean * slope(columns));
            }
        }
        loss
    }

    /// The second derivatives times a vector.
    fn bend(&self, way: &[f64]) -> Vec<f64> {
        let mut bent = vec![0.0; way.len()];
        let mut values = self.curvature.iter();
        for row in 0..way.len() {
            for (column, value) in values.by_ref().take(row + 1).enumerate() {
                bent[row] += value * way[column];
                if column < row {
                    bent[column] += value * way[row];
                }
            }
        }
        bent
    }

    /// Refuses to remember a curvature of too many coefficients.
    ///
    /// # Errors
    /// If there are too many for a number a pair.
    pub(in crate::learn) fn affordable(classes: usize, columns: usize) -> Result<(), Fault> {
        let heads = if classes == 2 { 1 } else { classes };
        affordable(heads.saturating_mul(columns + 1))
    }

    /// What is remembered with the rows of today, of which `logistic` is the optimum: the loss of both, there.
    ///
    /// # Errors
    /// If the fit was interrupted.
    pub(in crate::learn) fn with(before: Option<&Self>, logistic: &Logistic, seen: &Seen) -> Result<Self, Fault> {
        let Seen { data, places, natures, intercept } = *seen;
        let columns = logistic.columns;
        let heads = logistic.intercepts.len();
        let center = match before {
            Some(before) => before.center.clone(),
            None if intercept => natures.iter().map(|nature| nature.mean).collect(),
            None => vec![0.0; columns],
        };
        let mut weights = before.map_or_else(|| vec![0.0; logistic.present.len()], |before| before.weights.clone());
        for (row, place) in places.iter().enumerate() {
            weights[*place as usize] += data.weight(row);
        }
        let total: f64 = (0..places.len()).map(|row| data.weight(row)).sum();
        let natures = before.map_or_else(|| natures.to_vec(), |before| before.natures(natures, total));
        let rows = Rows { data, center: &center, chances: chances(logistic, data)? };
        let mut slope: Vec<f64> = (0..heads).flat_map(|head| rows.slope(head, heads, places)).collect();
        let mut curvature = rows.curvature(heads)?;
        if let Some(before) = before {
            let at = centered(&center, &logistic.coefficients, &logistic.intercepts);
            let way: Vec<f64> = at.iter().zip(&before.at).map(|(to, from)| to - from).collect();
            let bent = before.bend(&way);
            slope.iter_mut().zip(before.slope.iter().zip(&bent)).for_each(|(sum, (slope, bent))| *sum += slope + bent);
            curvature.iter_mut().zip(&before.curvature).for_each(|(sum, value)| *sum += value);
        }
        Ok(Self {
            weights,
            means: natures.iter().map(|nature| nature.mean).collect(),
            variances: natures.iter().map(|nature| nature.deviation.powi(2)).collect(),
            at: centered(&center, &logistic.coefficients, &logistic.intercepts),
            center,
            slope,
            curvature,
        })
    }

    /// Whether it is of such a model.
    pub(super) fn is_sound(&self, logistic: &Logistic) -> bool {
        let (columns, heads) = (logistic.columns, logistic.intercepts.len());
        let side = heads.saturating_mul(columns.saturating_add(1));
        self.weights.len() == logistic.present.len()
            && [&self.means, &self.variances, &self.center].iter().all(|values| values.len() == columns)
            && [&self.at, &self.slope].iter().all(|values| values.len() == side)
            && self.curvature.len() == packed(side)
            && self.weights.iter().chain(&self.variances).all(|value| value.is_finite() && *value >= 0.0)
            && [&self.means, &self.center, &self.at, &self.slope, &self.curvature].iter().all(|values| finite(values))
    }
}

/// Each head's coefficients and its log-odds at the center.
fn centered(center: &[f64], coefficients: &[f64], intercepts: &[f64]) -> Vec<f64> {
    let heads = coefficients.chunks(center.len()).zip(intercepts);
    heads
        .flat_map(|(own, intercept)| {
            let there = intercept + own.iter().zip(center).map(|(w, mean)| w * mean).sum::<f64>();
            own.iter().copied().chain([there])
        })
        .collect()
}

/// Each head's chance in each row, head after head; with one head that of the second class.
fn chances(logistic: &Logistic, data: &Training) -> Result<Vec<Vec<f64>>, Fault> {
    let said = Estimator::Logistic(logistic.clone()).predict(data.x)?;
    let classes = if logistic.present.len() == 2 { &logistic.present[1..] } else { &logistic.present[..] };
    Ok(classes.iter().map(|class| said.probability(*class).expect("a class of the model")).collect())
}

struct Rows<'a> {
    data: &'a Training<'a>,
    center: &'a [f64],
    chances: Vec<Vec<f64>>,
}

impl Rows<'_> {
    /// The loss' slope over one head's parameters.
    fn slope(&self, head: usize, heads: usize, places: &[u32]) -> Vec<f64> {
        let class = if heads == 1 { 1 } else { head as u32 };
        let rest = |(row, chance): (usize, &f64)| {
            self.data.weight(row) * (chance - if places[row] == class { 1.0 } else { 0.0 })
        };
        let rest: Vec<f64> = self.chances[head].iter().enumerate().map(rest).collect();
        let mut slope: Vec<f64> = (0..self.center.len())
            .into_par_iter()
            .map(|column| sums::pairs_of(self.data.x.column(column), &rest, |x, rest| (x - self.center[column]) * rest))
            .collect();
        slope.push(sums::sum_of(&rest, |rest| rest));
        slope
    }

    /// The loss' second derivatives over all heads' parameters: the lower triangle, row after row.
    fn curvature(&self, heads: usize) -> Result<Vec<f64>, Fault> {
        let side = self.center.len() + 1;
        let mut triangle = Vec::with_capacity(packed(heads * side));
        for head in 0..heads {
            let blocks: Vec<Array2<f64>> =
                (0..=head).map(|other| self.block(head, other)).collect::<Result<_, Fault>>()?;
            for row in 0..side {
                for (other, block) in blocks.iter().enumerate() {
                    let width = if other == head { row + 1 } else { side };
                    triangle.extend(block.row(row).iter().take(width));
                }
            }
        }
        Ok(triangle)
    }

    /// Σ weight · p·(1 - p) · x·xᵀ for a head with itself, and -Σ weight · p·q · x·xᵀ for two.
    fn block(&self, head: usize, other: usize) -> Result<Array2<f64>, Fault> {
        let (p, q) = (&self.chances[head], &self.chances[other]);
        let root = |row: usize| {
            let bend = if head == other { p[row] * (1.0 - p[row]) } else { p[row] * q[row] };
            (self.data.weight(row) * bend.max(0.0)).sqrt()
        };
        let roots: Vec<f64> = (0..p.len()).map(root).collect();
        let fill = |first: usize, mut block: ArrayViewMut2<f64>| {
            for (column, mut into) in block.columns_mut().into_iter().enumerate() {
                for (nth, into) in into.iter_mut().enumerate() {
                    let row = first + nth;
                    let value = self.center.get(column).map_or(1.0, |mean| self.data.x.at(row, column) - mean);
                    *into = roots[row] * value;
                }
            }
        };
        let found = gram(self.data, p.len(), self.center.len() + 1, fill)?;
        Ok(if head == other { found } else { -found })
    }
}
