//! The support vectors by sequential minimal optimization, as LIBSVM: the pair with the largest gain by second-order
//! information (Fan, Chen & Lin 2005), with rows set aside that stay at their bounds (Chang & Lin 2011, section 4).
//!
//! Classification and regression are one problem here: each row has one signed coefficient β between a low and a high
//! bound, all of them sum to 0, and ½·βᵀKβ - targetᵀβ + ε·Σ|β| is to be as small as possible. For classes the target
//! is ±1 and ε is 0. What a row then tells, target - (Kβ), is at the optimum the same for all rows that may move.

use super::cache::Cache;
use super::kernel::{Kernel, Others, Panels};
use crate::learn::Training;
use crate::source::Fault;

use rayon::prelude::*;

/// The smallest curvature that is divided by.
const FLAT: f64 = 1e-12;
/// After how many steps rows are set aside and the caller is asked whether to go on.
const EVERY: usize = 1000;
/// How many values are looked at side by side.
const LANES: usize = 8;
/// How many rows are compared with all support vectors at a time.
const BLOCK: usize = 256;

/// The problem.
pub(super) struct Problem {
    pub(super) kernel: Kernel,
    pub(super) rows: Panels,
    pub(super) targets: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
    pub(super) epsilon: f64,
}

/// When to stop, and how much to remember.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How far the conditions of the optimum may be violated.
    pub(super) tolerance: f64,
    /// How many steps at most.
    pub(super) steps: usize,
    /// How many similarities are kept.
    pub(super) cache: usize,
}

/// The optimum.
pub(super) struct Solution {
    /// One coefficient a row.
    pub(super) beta: Vec<f64>,
    pub(super) intercept: f64,
    pub(super) converged: bool,
}

/// Solves the problem.
///
/// # Errors
/// If the fit was interrupted, or a similarity is not finite.
pub(super) fn solve(problem: Problem, limits: Limits, data: &Training) -> Result<Solution, Fault> {
    let mut search = Search::new(problem, limits);
    if search.rows.squares().iter().chain(&search.diagonal).any(|value| !value.is_finite()) {
        return Err(too_large());
    }
    let mut steps = 0;
    let converged = loop {
        if steps % EVERY == 0 {
            data.go_on()?;
            if steps > 0 {
                search.shrink();
            }
        }
        if steps >= limits.steps {
            break false;
        }
        let pair = match search.pair() {
            Some(pair) => Some(pair),
            None if search.active == search.order.len() => None,
            None => {
                search.wake();
                search.pair()
            }
        };
        let Some((up, down)) = pair else { break true };
        // Where rounding lets move nothing, nothing can be gained.
        if !search.step(up, down) {
            break false;
        }
        steps += 1;
    };
    search.wake();
    search.finish(converged)
}

fn too_large() -> Fault {
    Fault::new("numbers-too-large", "the features are so large that the kernel's values are not finite")
        .help("put `standardize` before, or take a smaller `gamma`")
}

struct Search {
    kernel: Kernel,
    rows: Panels,
    epsilon: f64,
    limits: Limits,
    cache: Cache,
    /// Which row of the problem is at each place; the first `active` take part.
    order: Vec<u32>,
    active: usize,
    /// Whether all rows were looked at again near the optimum.
    woken: bool,
    low: Vec<f64>,
    high: Vec<f64>,
    targets: Vec<f64>,
    beta: Vec<f64>,
    /// Kβ, up to date for the active rows.
    score: Vec<f64>,
    diagonal: Vec<f64>,
    /// What `score` is compared with where β may grow; -∞ where it can't.
    growing: Vec<f64>,
    /// What `score` is compared with where β may fall; ∞ where it can't.
    falling: Vec<f64>,
    gains: Vec<f64>,
}

impl Search {
    fn new(problem: Problem, limits: Limits) -> Self {
        let Problem { kernel, rows, targets, low, high, epsilon } = problem;
        let count = rows.rows();
        let diagonal = rows.squares().iter().map(|square| kernel.itself(*square)).collect();
        let mut search = Self {
            kernel,
            rows,
            epsilon,
            limits,
            cache: Cache::new(count, limits.cache),
            order: (0..count as u32).collect(),
            active: count,
            woken: false,
            low,
            high,
            targets,
            beta: vec![0.0; count],
            score: vec![0.0; count],
            diagonal,
            growing: vec![0.0; count],
            falling: vec![0.0; count],
            gains: vec![0.0; count],
        };
        (0..count).for_each(|at| search.mark(at));
        search
    }

    /// Notes which ways a coefficient may go. With an ε, what |β| costs changes its sign at 0.
    fn mark(&mut self, at: usize) {
        let (beta, target) = (self.beta[at], self.targets[at]);
        let grown = if beta < 0.0 { target + self.epsilon } else { target - self.epsilon };
        let fallen = if beta > 0.0 { target - self.epsilon } else { target + self.epsilon };
        self.growing[at] = if beta < self.high[at] { grown } else { f64::NEG_INFINITY };
        self.falling[at] = if beta > self.low[at] { fallen } else { f64::INFINITY };
    }

    /// The row whose coefficient should grow most, and what it tells.
    fn highest(&self) -> (usize, f64) {
        let (growing, score) = (&self.growing[..self.active], &self.score[..self.active]);
        let highest = largest(growing, score, |a, b| a - b);
        (place(growing, score, |a, b| a - b == highest), highest)
    }

    /// What the row tells whose coefficient should fall most.
    fn lowest(&self) -> f64 {
        -largest(&self.falling[..self.active], &self.score[..self.active], |a, b| b - a)
    }

    /// The pair of rows to move; `None` at the optimum.
    fn pair(&mut self) -> Option<(usize, usize)> {
        let (up, highest) = self.highest();
        if highest == f64::NEG_INFINITY || highest - self.lowest() <= self.limits.tolerance {
            return None;
        }
        self.fetch(up);
        let row = &self.cache.row(self.order[up] as usize)[..self.active];
        let own = self.diagonal[up];
        let entries = self.gains.iter_mut().zip(row).zip(&self.diagonal).zip(&self.falling).zip(&self.score);
        for ((((gain, alike), other), falling), score) in entries {
            let apart = highest - (falling - score);
            let curvature = own + other - 2.0 * f64::from(*alike);
            let curvature = if curvature > FLAT { curvature } else { FLAT };
            *gain = if apart > 0.0 { apart * apart / curvature } else { 0.0 };
        }
        let gains = &self.gains[..self.active];
        let best = largest(gains, gains, |gain, _| gain);
        (best > 0.0).then(|| (up, place(gains, gains, |gain, _| gain == best)))
    }

    /// Sees to it that the row's similarities with all active rows are there.
    fn fetch(&mut self, at: usize) {
        let Self { cache, rows, kernel, order, active, .. } = self;
        cache.need(order[at] as usize, *active, |from, into| rows.similarities(*kernel, at, from, into));
    }

    /// Moves the pair as far as it gains, or as bounds allow. Returns whether anything moved.
    fn step(&mut self, up: usize, down: usize) -> bool {
        self.fetch(down);
        let alike = f64::from(self.cache.row(self.order[up] as usize)[down]);
        let curvature = (self.diagonal[up] + self.diagonal[down] - 2.0 * alike).max(FLAT);
        let apart = (self.growing[up] - self.score[up]) - (self.falling[down] - self.score[down]);
        let before = (self.beta[up], self.beta[down]);
        // With an ε a coefficient stops at 0, where the slope changes.
        let kink = self.epsilon > 0.0;
        let ceiling = if kink && before.0 < 0.0 { 0.0 } else { self.high[up] };
        let floor = if kink && before.1 > 0.0 { 0.0 } else { self.low[down] };
        let free = apart / curvature;
        let length = free.min(ceiling - before.0).min(before.1 - floor);
        self.beta[up] = if length == ceiling - before.0 { ceiling } else { before.0 + length };
        self.beta[down] = if length == before.1 - floor { floor } else { before.1 - length };
        let (first, second) = (self.beta[up] - before.0, self.beta[down] - before.1);
        let one = &self.cache.row(self.order[up] as usize)[..self.active];
        let other = &self.cache.row(self.order[down] as usize)[..self.active];
        for ((score, one), other) in self.score.iter_mut().zip(one).zip(other) {
            *score += first * f64::from(*one) + second * f64::from(*other);
        }
        self.mark(up);
        self.mark(down);
        first != 0.0 || second != 0.0
    }

    /// Sets rows aside whose coefficients are at a bound and would only be pushed further against it.
    fn shrink(&mut self) {
        let (highest, lowest) = (self.highest().1, self.lowest());
        if !self.woken && highest - lowest <= 10.0 * self.limits.tolerance {
            self.woken = true;
            self.wake();
        }
        let stays = |at: usize| {
            let (up, down) = (self.growing[at] - self.score[at], self.falling[at] - self.score[at]);
            up >= lowest || down <= highest
        };
        let (mut order, aside): (Vec<u32>, Vec<u32>) = (0..self.active as u32).partition(|&at| stays(at as usize));
        if aside.is_empty() {
            return;
        }
        self.active = order.len();
        order.extend(aside);
        self.reorder(&order);
    }

    fn reorder(&mut self, order: &[u32]) {
        let mut buffer = Vec::with_capacity(order.len());
        for values in [
            &mut self.low,
            &mut self.high,
            &mut self.targets,
            &mut self.beta,
            &mut self.score,
            &mut self.diagonal,
            &mut self.growing,
            &mut self.falling,
        ] {
            permute(values, order, &mut buffer);
        }
        permute(&mut self.order, order, &mut Vec::new());
        self.rows.reorder(order);
        self.cache.reorder(order);
    }

    /// Takes all rows back, and brings the scores of those set aside up to date.
    fn wake(&mut self) {
        let count = self.order.len();
        if self.active == count {
            return;
        }
        let columns = self.rows.columns();
        let (mut vectors, mut squares, mut betas) = (Vec::new(), Vec::new(), Vec::new());
        for at in (0..count).filter(|&at| self.beta[at] != 0.0) {
            self.rows.push(at, &mut vectors);
            squares.push(self.rows.squares()[at]);
            betas.push(self.beta[at]);
        }
        let others = Others { columns, values: &vectors, squares: &squares };
        let (rows, kernel, first) = (&self.rows, self.kernel, self.active);
        self.score[first..].par_chunks_mut(BLOCK).enumerate().for_each(|(nth, scores)| {
            let mut block = Vec::with_capacity(scores.len() * columns);
            (0..scores.len()).for_each(|row| rows.push(first + nth * BLOCK + row, &mut block));
            let mut alike = vec![0.0; scores.len() * betas.len()];
            kernel.block(&block, &others, &mut alike);
            for (nth, score) in scores.iter_mut().enumerate() {
                let alike = &alike[nth * betas.len()..(nth + 1) * betas.len()];
                *score = alike.iter().zip(&betas).map(|(alike, beta)| alike * beta).sum();
            }
        });
        self.active = count;
    }

    /// The coefficients in the problem's order, and the intercept: what the rows tell that may move both ways, or the
    /// middle between those that may grow and those that may fall.
    fn finish(self, converged: bool) -> Result<Solution, Fault> {
        let free = (0..self.beta.len()).filter(|&at| {
            let (beta, kink) = (self.beta[at], self.epsilon > 0.0);
            beta > self.low[at] && beta < self.high[at] && !(kink && beta == 0.0)
        });
        let told: Vec<f64> = free.map(|at| self.growing[at] - self.score[at]).collect();
        let intercept = if told.is_empty() {
            f64::midpoint(self.highest().1, self.lowest())
        } else {
            told.iter().sum::<f64>() / told.len() as f64
        };
        let mut beta = vec![0.0; self.beta.len()];
        for (&row, value) in self.order.iter().zip(&self.beta) {
            beta[row as usize] = *value;
        }
        if !intercept.is_finite() || beta.iter().any(|value| !value.is_finite()) {
            return Err(too_large());
        }
        Ok(Solution { beta, intercept, converged })
    }
}

/// The largest value of the pairs.
fn largest(a: &[f64], b: &[f64], value: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let (parts, others) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = parts.remainder().iter().zip(others.remainder());
    for (a, b) in parts.zip(others) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            let value = value(*a, *b);
            *lane = if value > *lane { value } else { *lane };
        }
    }
    rest.map(|(a, b)| value(*a, *b)).chain(lanes).fold(f64::NEG_INFINITY, f64::max)
}

/// The first pair that fits; 0 if none does.
fn place(a: &[f64], b: &[f64], fits: impl Fn(f64, f64) -> bool) -> usize {
    a.iter().zip(b).position(|(a, b)| fits(*a, *b)).unwrap_or(0)
}

fn permute<T: Copy>(values: &mut [T], order: &[u32], buffer: &mut Vec<T>) {
    buffer.clear();
    buffer.extend(order.iter().map(|&from| values[from as usize]));
    values[..order.len()].copy_from_slice(buffer);
}
