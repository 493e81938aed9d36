//! Steps down the gradient: Adam (Kingma & Ba 2015), and momentum as scikit-learn's `sgd`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::elementary::powf;

/// Below it a moment is 0: processors are slow with smaller numbers.
const TINY: f32 = 1e-30;
/// The smallest rate that `adaptive` goes on with, and what it divides by.
const LEAST: f64 = 1e-6;
const SLOWER: f64 = 5.0;

/// How the rate of `sgd` changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Not at all.
    #[default]
    Constant,
    /// It falls as a power of the rows seen.
    Invscaling,
    /// It is divided by 5 whenever nothing improves any more.
    Adaptive,
}

/// How steps are made of gradients.
#[derive(Clone, Copy, Debug)]
pub(in crate::learn) enum Solver {
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
    Sgd { rate: Rate, power_t: f64, momentum: f64, nesterov: bool },
}

/// What steps depend on besides the gradient.
pub(super) struct Optimizer {
    solver: Solver,
    initial: f64,
    state: State,
}

/// What of that changes from step to step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    rate: f64,
    steps: i32,
    /// The gradient's mean of `adam`, or the speed of `sgd`.
    first: Vec<f32>,
    /// The mean of its square; empty for `sgd`.
    second: Vec<f32>,
}

impl State {
    /// Whether it is of so many parameters.
    pub(super) fn is_sound(&self, parameters: usize) -> bool {
        self.rate.is_finite()
            && self.rate > 0.0
            && self.steps >= 0
            && self.first.len() == parameters
            && (self.second.is_empty() || self.second.len() == parameters)
            && self.first.iter().all(|value| value.is_finite())
            && self.second.iter().all(|value| value.is_finite() && *value >= 0.0)
    }
}

impl Optimizer {
    pub(super) fn new(solver: Solver, rate: f64, parameters: usize) -> Self {
        let second = if matches!(solver, Solver::Adam { .. }) { vec![0.0; parameters] } else { Vec::new() };
        let state = State { rate, steps: 0, first: vec![0.0; parameters], second };
        Self { solver, initial: rate, state }
    }

    /// Goes on from where another one stopped, unless that made its steps by another solver. The rate is this one's,
    /// but for one that was slowed down.
    pub(super) fn resume(&mut self, state: &State) {
        if state.first.len() == self.state.first.len() && state.second.len() == self.state.second.len() {
            let rate = if self.slows_down() { state.rate.min(self.initial) } else { self.initial };
            self.state = State { rate, ..state.clone() };
        }
    }

    /// What another one needs to go on.
    pub(super) fn state(self) -> State {
        self.state
    }

    fn slows_down(&self) -> bool {
        matches!(self.solver, Solver::Sgd { rate: Rate::Adaptive, .. })
    }

    /// Changes the parameters by a step.
    pub(super) fn step(&mut self, parameters: &mut [f32], gradient: &[f32]) {
        let State { rate, steps, first, second } = &mut self.state;
        *steps = steps.saturating_add(1);
        match self.solver {
            Solver::Adam { beta_1, beta_2, epsilon } => {
                let rate = *rate * (1.0 - beta_2.powi(*steps)).sqrt() / (1.0 - beta_1.powi(*steps));
                let (rate, epsilon) = (rate as f32, epsilon as f32);
                let (keep, keep_square) = (beta_1 as f32, beta_2 as f32);
                let (take, take_square) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
                let moments = first.iter_mut().zip(second);
                for ((parameter, gradient), (first, second)) in parameters.iter_mut().zip(gradient).zip(moments) {
                    let mean = keep * *first + take * gradient;
                    let square = keep_square * *second + take_square * gradient * gradient;
                    *first = if mean.abs() < TINY { 0.0 } else { mean };
                    *second = if square < TINY { 0.0 } else { square };
                    *parameter -= rate * *first / (second.sqrt() + epsilon);
                }
            }
            Solver::Sgd { momentum, nesterov, .. } => {
                let (rate, momentum) = (*rate as f32, momentum as f32);
                for ((parameter, gradient), speed) in parameters.iter_mut().zip(gradient).zip(first) {
                    let next = momentum * *speed - rate * gradient;
                    *speed = if next.abs() < TINY { 0.0 } else { next };
                    *parameter += if nesterov { momentum * *speed - rate * gradient } else { *speed };
                }
            }
        }
    }

    /// Notes that so many rows have been seen in all.
    pub(super) fn seen(&mut self, rows: usize) {
        if let Solver::Sgd { rate: Rate::Invscaling, power_t, .. } = self.solver {
            self.state.rate = self.initial / powf(rows as f64 + 1.0, power_t);
        }
    }

    /// Whether there is a slower rate to go on with where nothing improves; it is taken.
    pub(super) fn slow_down(&mut self) -> bool {
        if !self.slows_down() || self.state.rate <= LEAST {
            return false;
        }
        self.state.rate /= SLOWER;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ (parameter - 3)², from 0.
    fn descend(solver: Solver, rate: f64, steps: usize) -> f32 {
        let mut parameters = [0.0f32; 3];
        let mut optimizer = Optimizer::new(solver, rate, 3);
        for step in 0..steps {
            let gradient = parameters.map(|parameter| 2.0 * (parameter - 3.0));
            optimizer.step(&mut parameters, &gradient);
            optimizer.seen(step);
        }
        parameters[1]
    }

    #[test]
    fn every_solver_finds_the_bottom_of_a_bowl() {
        let sgd = |rate, nesterov| Solver::Sgd { rate, power_t: 0.5, momentum: 0.9, nesterov };
        let adam = Solver::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
        // The first step of Adam is the rate, whatever the gradient's size.
        assert!((descend(adam, 0.1, 1) - 0.1).abs() < 1e-6);
        assert!((descend(sgd(Rate::Constant, false), 0.1, 1) - 0.6).abs() < 1e-6);
        assert!((descend(sgd(Rate::Constant, true), 0.1, 1) - 0.6 * 1.9).abs() < 1e-6);
        for (solver, rate) in [
            (adam, 0.1),
            (sgd(Rate::Constant, true), 0.02),
            (sgd(Rate::Constant, false), 0.02),
            (sgd(Rate::Invscaling, true), 0.2),
        ] {
            let found = descend(solver, rate, 500);
            assert!((found - 3.0).abs() < 0.01, "{solver:?}: {found}");
        }
    }

    #[test]
    fn only_an_adaptive_rate_gets_slower_and_not_for_ever() {
        let sgd = |rate| Optimizer::new(Solver::Sgd { rate, power_t: 0.5, momentum: 0.9, nesterov: true }, 0.1, 1);
        assert!(!sgd(Rate::Constant).slow_down());
        let mut adaptive = sgd(Rate::Adaptive);
        assert_eq!((0..100).take_while(|_| adaptive.slow_down()).count(), 8);
    }
}
