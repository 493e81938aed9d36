//! The linear machine by an interior point method: Mehrotra's predictor and corrector on the dual, whose equations come
//! down to one system with a side per feature (Ferris & Munson 2002). Each step costs rows × features², there are a few
//! dozen of them however many rows there are, and the intercept costs nothing, as in LIBSVM's linear kernel.

use ndarray::Array2;
use rayon::prelude::*;

use crate::data::Matrix;
use crate::data::stats::{BLOCK, sum};
use crate::learn::Training;
use crate::learn::cholesky::Cholesky;
use crate::learn::gram::gram;
use crate::source::Fault;

/// Into how many parts the rows are cut, whatever the number of threads: sums come out the same.
const PARTS: usize = 16;
/// The share of the objective that rounding takes for itself, at least and at most.
const NOISE: f64 = 1e-15;
const ROUGH: f64 = 1e-10;
/// The share of the way to the nearest bound that a step takes at most.
const SHARE: f64 = 0.995;

/// Minimizes ½·‖w‖² + Σ cap·max(0, -(sign·(w·x + b) + cost)) over w and b. There is one term for each variable, of
/// which a row has one or two: variable v belongs to row v modulo the number of rows.
pub(super) struct Linear<'a> {
    pub(super) x: &'a Matrix,
    pub(super) means: &'a [f64],
    pub(super) signs: Vec<f64>,
    pub(super) costs: Vec<f64>,
    pub(super) caps: Vec<f64>,
}

/// The weights, the intercept, and whether the optimum was reached.
pub(super) struct Plane {
    pub(super) weights: Vec<f64>,
    pub(super) intercept: f64,
    pub(super) converged: bool,
}

/// Where the search is: the dual variables with the multipliers of their bounds, and the primal ones.
struct State {
    alpha: Vec<f64>,
    lambda: Vec<f64>,
    mu: Vec<f64>,
    /// w, then b.
    u: Vec<f64>,
    /// w·x + b of each row.
    scores: Vec<f64>,
}

/// A step of all of them.
struct Step {
    alpha: Vec<f64>,
    lambda: Vec<f64>,
    mu: Vec<f64>,
    u: Vec<f64>,
    scores: Vec<f64>,
}

impl Linear<'_> {
    /// Solves the problem in `steps` steps at most, until the weights are near the optimum's by `tolerance` relative to
    /// their own size: a duality gap bounds the distance, as ½·‖w - w*‖² ≤ gap.
    ///
    /// # Errors
    /// If the fit was interrupted, or the numbers overflow.
    pub(super) fn solve(&self, tolerance: f64, steps: usize, data: &Training) -> Result<Plane, Fault> {
        let mut state = self.start();
        let mut before = f64::INFINITY;
        for _ in 0..steps {
            data.go_on()?;
            let (gap, size) = self.gap(&state);
            let near = 0.5 * tolerance * tolerance * self.norm(&state);
            // Near the end rounding lets come no nearer.
            if gap <= near.max(NOISE * size) || gap <= ROUGH * size && gap > 0.5 * before {
                break;
            }
            before = gap;
            let Some(step) = self.step(&state, data)? else { break };
            if !self.advance(&mut state, &step) {
                break;
            }
        }
        let (gap, size) = self.gap(&state);
        let converged = gap <= (1e-3 * tolerance).max(ROUGH) * size;
        let mut weights = state.u;
        let raw = weights.pop().expect("the intercept is last");
        let intercept = raw - weights.iter().zip(self.means).map(|(w, mean)| w * mean).sum::<f64>();
        if !intercept.is_finite() || weights.iter().any(|w| !w.is_finite()) {
            return Err(Fault::new("no-solution", "the weights are not finite")
                .help("features of sizes as different as these need scaling first"));
        }
        Ok(Plane { weights, intercept, converged })
    }

    /// The weights' squared length.
    fn norm(&self, state: &State) -> f64 {
        state.u[..self.means.len()].iter().map(|w| w * w).sum()
    }

    fn start(&self) -> State {
        let side = self.means.len() + 1;
        let alpha: Vec<f64> = self.caps.iter().map(|cap| cap / 2.0).collect();
        // At w = 0 the multipliers' difference is the cost.
        let lambda = self.costs.iter().map(|cost| cost.max(0.0) + 1.0).collect();
        let mu = self.costs.iter().map(|cost| (-cost).max(0.0) + 1.0).collect();
        State { alpha, lambda, mu, u: vec![0.0; side], scores: vec![0.0; self.x.rows()] }
    }

    /// The duality gap, and the objective's size.
    fn gap(&self, state: &State) -> (f64, f64) {
        let rows = self.x.rows();
        let terms = || self.costs.iter().zip(&self.signs).enumerate();
        let hinge = |(v, (cost, sign)): (usize, (&f64, &f64))| {
            self.caps[v] * (-(sign * state.scores[v % rows] + cost)).max(0.0)
        };
        let primal = 0.5 * self.norm(state) + sum(terms().map(hinge));
        // The dual's value at alpha, were it feasible; how far it isn't counts as much as it can change.
        let mut residual = self.scatter(|v| self.signs[v] * state.alpha[v]);
        let own: f64 = residual[..self.means.len()].iter().map(|w| w * w).sum();
        let dual = -0.5 * own - sum(self.costs.iter().zip(&state.alpha).map(|(cost, alpha)| cost * alpha));
        let unbalanced = residual.pop().expect("the intercept is last") * state.u[self.means.len()];
        ((primal - dual).abs().max(unbalanced.abs()), primal.abs().max(dual.abs()))
    }

    /// Σ factor(v)·(x - mean, 1) over all variables, for each feature and the intercept.
    fn scatter(&self, factor: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
        let rows = self.x.rows();
        let twice = self.caps.len() > rows;
        self.parts(
            |first, last, into: &mut [f64]| {
                let factors: Vec<f64> =
                    (first..last).map(|row| factor(row) + if twice { factor(row + rows) } else { 0.0 }).collect();
                for (column, (into, mean)) in into.iter_mut().zip(self.means).enumerate() {
                    let values = &self.x.column(column)[first..last];
                    *into += values.iter().zip(&factors).map(|(value, factor)| (value - mean) * factor).sum::<f64>();
                }
                into[self.means.len()] += factors.iter().sum::<f64>();
            },
            self.means.len() + 1,
        )
    }

    /// The sum over all blocks of rows of what `visit(first, last, into)` adds, in an order that threads don't change.
    fn parts(&self, visit: impl Fn(usize, usize, &mut [f64]) + Sync, length: usize) -> Vec<f64> {
        let rows = self.x.rows();
        let blocks = rows.div_ceil(BLOCK);
        let each = blocks.div_ceil(PARTS);
        let sums: Vec<Vec<f64>> = (0..blocks.div_ceil(each))
            .into_par_iter()
            .map(|part| {
                let mut total = vec![0.0; length];
                for block in part * each..((part + 1) * each).min(blocks) {
                    visit(block * BLOCK, rows.min((block + 1) * BLOCK), &mut total);
                }
                total
            })
            .collect();
        let mut sums = sums.into_iter();
        let mut total = sums.next().unwrap_or_else(|| vec![0.0; length]);
        for part in sums {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        total
    }

    /// u·(x - mean, 1) of each row.
    fn score(&self, u: &[f64]) -> Vec<f64> {
        let mut scores = vec![0.0; self.x.rows()];
        scores.par_chunks_mut(BLOCK).enumerate().for_each(|(block, scores)| {
            scores.fill(u[self.means.len()]);
            for (column, (w, mean)) in u.iter().zip(self.means).enumerate() {
                let values = &self.x.column(column)[block * BLOCK..];
                scores.iter_mut().zip(values).for_each(|(score, value)| *score += w * (value - mean));
            }
        });
        scores
    }

    /// The predictor's and the corrector's step in one; `None` if the system can't be solved as far as numbers tell.
    ///
    /// # Errors
    /// If the fit was interrupted.
    fn step(&self, state: &State, data: &Training) -> Result<Option<Step>, Fault> {
        let rows = self.x.rows();
        let side = self.means.len() + 1;
        let room = |v: usize| self.caps[v] - state.alpha[v];
        let all = 0..self.caps.len();
        let theta: Vec<f64> =
            all.clone().map(|v| 1.0 / (state.lambda[v] / state.alpha[v] + state.mu[v] / room(v))).collect();
        let mut system = self.curvature(&theta, data)?;
        system.diag_mut().iter_mut().take(side - 1).for_each(|value| *value += 1.0);
        let Some(factor) = Cholesky::new(system) else { return Ok(None) };
        let violated: Vec<f64> = all
            .clone()
            .map(|v| self.signs[v] * state.scores[v % rows] + self.costs[v] - state.lambda[v] + state.mu[v])
            .collect();
        let balance = self.scatter(|v| self.signs[v] * state.alpha[v]);
        // What a step does whose products with the bounds' distances change by these.
        let toward = |low: &[f64], high: &[f64]| {
            let pull = |v: usize| theta[v] * (low[v] / state.alpha[v] - high[v] / room(v) - violated[v]);
            let mut right = self.scatter(|v| self.signs[v] * pull(v));
            for (at, right) in right.iter_mut().enumerate() {
                *right += balance[at] - if at + 1 < side { state.u[at] } else { 0.0 };
            }
            let right = factor.solve(&right);
            let scores = self.score(&right);
            let alpha: Vec<f64> = all.clone().map(|v| pull(v) - theta[v] * self.signs[v] * scores[v % rows]).collect();
            let lambda = all.clone().map(|v| (low[v] - state.lambda[v] * alpha[v]) / state.alpha[v]).collect();
            let mu = all.clone().map(|v| (high[v] + state.mu[v] * alpha[v]) / room(v)).collect();
            Step { alpha, lambda, mu, u: right, scores }
        };
        let products = || all.clone().map(|v| state.lambda[v] * state.alpha[v] + state.mu[v] * room(v));
        let low: Vec<f64> = all.clone().map(|v| -state.lambda[v] * state.alpha[v]).collect();
        let high: Vec<f64> = all.clone().map(|v| -state.mu[v] * room(v)).collect();
        let affine = toward(&low, &high);
        let length = self.length(state, &affine).min(1.0);
        let now = sum(products());
        let then = sum(all.clone().map(|v| {
            let alpha = length * affine.alpha[v];
            (state.lambda[v] + length * affine.lambda[v]) * (state.alpha[v] + alpha)
                + (state.mu[v] + length * affine.mu[v]) * (room(v) - alpha)
        }));
        let center = (then / now).powi(3) * now / (2 * self.caps.len()) as f64;
        let low: Vec<f64> = all.clone().map(|v| low[v] + center - affine.alpha[v] * affine.lambda[v]).collect();
        let high: Vec<f64> = all.clone().map(|v| high[v] + center + affine.alpha[v] * affine.mu[v]).collect();
        Ok(Some(toward(&low, &high)))
    }

    /// How far the step may go before something that must stay above 0 gets there.
    fn length(&self, state: &State, step: &Step) -> f64 {
        let mut inverse: f64 = 0.0;
        for v in 0..self.caps.len() {
            let falls = (-step.alpha[v] / state.alpha[v]).max(step.alpha[v] / (self.caps[v] - state.alpha[v]));
            let multipliers = (-step.lambda[v] / state.lambda[v]).max(-step.mu[v] / state.mu[v]);
            inverse = inverse.max(falls).max(multipliers);
        }
        if inverse > 0.0 { 1.0 / inverse } else { f64::INFINITY }
    }

    /// Goes the step; whether that led anywhere.
    fn advance(&self, state: &mut State, step: &Step) -> bool {
        let length = (SHARE * self.length(state, step)).min(1.0);
        if length.is_nan() || length <= 1e-10 {
            return false;
        }
        let walk = |to: &mut [f64], by: &[f64]| to.iter_mut().zip(by).for_each(|(to, by)| *to += length * by);
        walk(&mut state.lambda, &step.lambda);
        walk(&mut state.mu, &step.mu);
        walk(&mut state.u, &step.u);
        walk(&mut state.scores, &step.scores);
        let moved = state.alpha.iter_mut().zip(&step.alpha).zip(&self.caps);
        for ((alpha, by), cap) in moved {
            // Rounding must not put it on a bound, whose distance is divided by.
            *alpha = (*alpha + length * by).clamp(cap * 1e-15, cap * (1.0 - 1e-15));
        }
        for multiplier in state.lambda.iter_mut().chain(&mut state.mu) {
            *multiplier = multiplier.max(f64::MIN_POSITIVE);
        }
        state.u.iter().all(|value| value.is_finite())
    }

    /// Σ theta·(x - mean, 1)(x - mean, 1)ᵀ.
    fn curvature(&self, theta: &[f64], data: &Training) -> Result<Array2<f64>, Fault> {
        let rows = self.x.rows();
        let twice = theta.len() > rows;
        let root = |row: usize| (theta[row] + if twice { theta[row + rows] } else { 0.0 }).sqrt();
        let roots: Vec<f64> = (0..rows).map(root).collect();
        gram(data, rows, self.means.len() + 1, |first, mut block| {
            let roots = &roots[first..first + block.nrows()];
            for (column, mut into) in block.columns_mut().into_iter().enumerate() {
                match self.means.get(column) {
                    Some(mean) => {
                        let values = self.x.column(column)[first..].iter().zip(roots);
                        into.iter_mut().zip(values).for_each(|(into, (value, root))| *into = (value - mean) * root);
                    }
                    None => into.iter_mut().zip(roots).for_each(|(into, root)| *into = *root),
                }
            }
        })
    }
}
