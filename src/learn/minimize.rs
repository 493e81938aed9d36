//! Minimizing a smooth convex function, plus an L1 term if wanted: L-BFGS (Nocedal & Wright 2006, algorithm 7.5)
//! with a weak Wolfe line search, and its orthant-wise form (Andrew & Gao 2007).

use std::collections::VecDeque;

use crate::source::Fault;

/// How many pairs of steps describe the curvature.
const MEMORY: usize = 10;
/// How often a step is changed before the search is given up.
const TRIES: usize = 60;
/// The share of the promised decrease that a step must bring.
const DECREASE: f64 = 1e-4;
/// The share of the slope that a step may leave.
const SLOPE: f64 = 0.9;
/// What rounding may add to a value, relatively: below it values don't tell two points apart.
const NOISE: f64 = 1e-15;

/// A smooth function: writes its gradient at a point and returns its value.
pub(super) type Function<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, Fault> + 'a;

/// When to stop.
pub(super) struct Stop {
    /// The largest entry of the (pseudo-)gradient that counts as zero.
    pub(super) tolerance: f64,
    /// How many iterations at most.
    pub(super) iterations: usize,
}

/// Where the search ended.
pub(super) struct Minimum {
    /// The point.
    pub(super) at: Vec<f64>,
    /// Whether the gradient is zero there as far as asked for or as rounding lets tell.
    pub(super) converged: bool,
}

struct Point {
    at: Vec<f64>,
    gradient: Vec<f64>,
    /// The smooth value plus the L1 term.
    value: f64,
}

/// Minimizes `function(x) + Σ l1ᵢ·|xᵢ|` from 0. `l1` has a weight for each parameter; all 0: smooth. It takes the fewest
/// steps where the curvature is near 1 in every direction.
///
/// # Errors
/// What the function says, as that the fit was interrupted.
pub(super) fn minimize(function: &mut Function, l1: &[f64], stop: &Stop) -> Result<Minimum, Fault> {
    let mut search = Search { function, l1, rough: l1.iter().any(|weight| *weight > 0.0) };
    let mut memory = Memory::default();
    let mut point = search.visit(vec![0.0; l1.len()])?;
    for _ in 0..stop.iterations {
        let slope = search.pseudo_gradient(&point);
        if slope.iter().all(|entry| entry.abs() <= stop.tolerance) {
            return Ok(Minimum { at: point.at, converged: true });
        }
        let mut direction = memory.direction(&slope);
        if search.rough {
            align(&mut direction, &slope);
        }
        let found = match search.step(&point, &slope, &direction)? {
            Some(next) => Some(next),
            None if memory.is_empty() => None,
            None => {
                memory = Memory::default();
                let down: Vec<f64> = slope.iter().map(|entry| -entry).collect();
                search.step(&point, &slope, &down)?
            }
        };
        // Not even straight down is lower: rounding lets tell no more.
        let Some(next) = found else {
            return Ok(Minimum { at: point.at, converged: true });
        };
        memory.learn(&point, &next);
        point = next;
    }
    let slope = search.pseudo_gradient(&point);
    let converged = slope.iter().all(|entry| entry.abs() <= stop.tolerance);
    Ok(Minimum { at: point.at, converged })
}

struct Search<'a, 'f> {
    function: &'a mut Function<'f>,
    l1: &'a [f64],
    rough: bool,
}

impl Search<'_, '_> {
    fn visit(&mut self, at: Vec<f64>) -> Result<Point, Fault> {
        let mut gradient = vec![0.0; at.len()];
        let smooth = (self.function)(&at, &mut gradient)?;
        let rough: f64 = at.iter().zip(self.l1).map(|(x, l1)| l1 * x.abs()).sum();
        Ok(Point { value: smooth + rough, at, gradient })
    }

    /// The steepest of the subgradients' directions (Andrew & Gao 2007, equation 4).
    fn pseudo_gradient(&self, point: &Point) -> Vec<f64> {
        let entries = point.at.iter().zip(&point.gradient).zip(self.l1);
        entries
            .map(|((&x, &g), &l1)| {
                if x != 0.0 {
                    g + l1 * x.signum()
                } else if g + l1 < 0.0 {
                    g + l1
                } else if g - l1 > 0.0 {
                    g - l1
                } else {
                    0.0
                }
            })
            .map(|entry| if entry == 0.0 { 0.0 } else { entry })
            .collect()
    }

    /// The next point along `direction`, or `None` if none is lower.
    fn step(&mut self, from: &Point, slope: &[f64], direction: &[f64]) -> Result<Option<Point>, Fault> {
        let promised = dot(slope, direction);
        if promised >= 0.0 {
            return Ok(None);
        }
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..TRIES {
            let at = self.move_by(from, slope, direction, length);
            let gained: f64 = (0..at.len()).map(|i| slope[i] * (at[i] - from.at[i])).sum();
            let next = self.visit(at)?;
            let enough = from.value + DECREASE * gained + NOISE * from.value.abs();
            if !next.value.is_finite() || next.value > enough {
                high = length;
            } else if !self.rough && dot(&next.gradient, direction) < SLOPE * promised {
                low = length;
            } else {
                return Ok(Some(next));
            }
            length = if high.is_finite() { (low + high) / 2.0 } else { length * 2.0 };
        }
        Ok(None)
    }

    /// `from` plus `length` times `direction`; with an L1 term, no parameter passes through 0.
    fn move_by(&self, from: &Point, slope: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
        let free = |i: usize| from.at[i] + length * direction[i];
        if !self.rough {
            return (0..direction.len()).map(free).collect();
        }
        (0..direction.len())
            .map(|i| {
                let side = if from.at[i] != 0.0 { from.at[i] } else { -slope[i] };
                let x = free(i);
                if self.l1[i] > 0.0 && x * side <= 0.0 { 0.0 } else { x }
            })
            .collect()
    }
}

/// Leaves only what goes down.
fn align(direction: &mut [f64], slope: &[f64]) {
    for (d, s) in direction.iter_mut().zip(slope) {
        if *d * *s >= 0.0 {
            *d = 0.0;
        }
    }
}

/// The last steps and what they did to the gradient.
#[derive(Default)]
struct Memory(VecDeque<(Vec<f64>, Vec<f64>, f64)>);

impl Memory {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn learn(&mut self, from: &Point, to: &Point) {
        let step = minus(&to.at, &from.at);
        let change = minus(&to.gradient, &from.gradient);
        let curvature = dot(&step, &change);
        if curvature <= f64::EPSILON * dot(&change, &change) {
            return;
        }
        if self.0.len() == MEMORY {
            self.0.pop_front();
        }
        self.0.push_back((step, change, 1.0 / curvature));
    }

    /// Minus the inverse Hessian, as far as known, times `slope` (the two-loop recursion).
    fn direction(&self, slope: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = slope.iter().map(|entry| -entry).collect();
        let mut shares = Vec::with_capacity(self.0.len());
        for (step, change, rho) in self.0.iter().rev() {
            let share = rho * dot(step, &q);
            add(&mut q, -share, change);
            shares.push(share);
        }
        if let Some((_, change, rho)) = self.0.back() {
            let scale = 1.0 / (rho * dot(change, change));
            q.iter_mut().for_each(|entry| *entry *= scale);
        }
        for ((step, change, rho), share) in self.0.iter().zip(shares.iter().rev()) {
            let rest = share - rho * dot(change, &q);
            add(&mut q, rest, step);
        }
        q
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { tolerance: 1e-9, iterations: 500 };

    /// Σ cᵢ/2·(xᵢ - aᵢ)², with a cross term.
    fn bowl(x: &[f64], gradient: &mut [f64]) -> Result<f64, Fault> {
        let (dx, dy) = (x[0] - 3.0, x[1] + 0.5);
        gradient[0] = 100.0 * dx + dy;
        gradient[1] = dx + dy;
        Ok(50.0 * dx * dx + 0.5 * dy * dy + dx * dy)
    }

    #[test]
    fn a_bowl_is_minimized_at_its_bottom() {
        let found = minimize(&mut bowl, &[0.0, 0.0], &STOP).expect("minimum");
        assert!(found.converged);
        assert!((found.at[0] - 3.0).abs() < 1e-9 && (found.at[1] + 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_l1_term_sets_small_parameters_to_exactly_zero() {
        // With x₁ = 0: 100·(x₀ - 3) + 0.5 + 10 = 0.
        let found = minimize(&mut bowl, &[10.0, 10.0], &STOP).expect("minimum");
        assert!(found.converged);
        assert_eq!(found.at[1], 0.0);
        assert!((found.at[0] - (3.0 - 10.5 / 100.0)).abs() < 1e-9, "{:?}", found.at);
    }

    #[test]
    fn too_few_iterations_are_told() {
        let stop = Stop { iterations: 1, ..STOP };
        assert!(!minimize(&mut bowl, &[0.0, 0.0], &stop).expect("minimum").converged);
    }
}
