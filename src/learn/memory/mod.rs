//! What it takes to go on from a model: it is kept beside the model where `update` asks for it, says nothing of any row,
//! and is left out of what is sealed.

mod moments;
mod posterior;
mod tally;

use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::neural::Course;
use super::{Estimator, Explanation, Task, Training};
use crate::data::Matrix;
use crate::source::Fault;

pub use moments::Moments;
pub(super) use moments::{fit_line, update_line};
pub use posterior::Posterior;
pub(super) use posterior::Seen;
pub use tally::{Sums, Tally};

/// How many numbers a memory holds at most: 16 MiB of them.
const MOST: usize = 1 << 21;

/// What a model remembers of the rows that it has learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// Sums of squares and products: of linear regressions.
    Moments(Moments),
    /// Sums over each class: of naive Bayes.
    Tally(Tally),
    /// The loss near the optimum: of logistic regression.
    Posterior(Posterior),
    /// How the steps went: of neural networks.
    Course(Course),
    /// What the heaviest row weighs: of nearest neighbours, which keep weights as shares of it.
    Heaviest(f64),
}

/// An estimator with what it takes to go on from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumable {
    /// What answers.
    pub inner: Box<Estimator>,
    /// What it remembers.
    pub memory: Memory,
}

impl Training<'_> {
    /// Whether the estimator is to keep a memory.
    pub(super) fn remembers(&self) -> bool {
        self.remember
    }

    /// The estimator with its memory, if one is to be kept.
    pub(super) fn keep(
        &self,
        estimator: Estimator,
        memory: impl FnOnce() -> Result<Memory, Fault>,
    ) -> Result<Estimator, Fault> {
        if !self.remember {
            return Ok(estimator);
        }
        Ok(Estimator::Resumable(Resumable { inner: Box::new(estimator), memory: memory()? }))
    }
}

/// The fault of a previous model that can't be gone on from; `why` says what is the matter with it.
pub(super) fn apart(why: &str) -> Fault {
    Fault::new("no-update", format!("the previous model {why}"))
}

/// Refuses to remember a number for each pair of so many.
///
/// # Errors
/// If they are more than a memory holds.
fn affordable(side: usize) -> Result<(), Fault> {
    if packed(side) <= MOST {
        return Ok(());
    }
    let message = format!("`update` keeps a number for each two of {side} coefficients, and that is too much");
    Err(Fault::new("too-many-features", message)
        .help("select fewer features, or leave `update` out")
        .on_key()
        .within("update"))
}

/// How many numbers a triangle of a square has, its diagonal included; the largest number if that overflows.
fn packed(side: usize) -> usize {
    side.saturating_add(1).saturating_mul(side) / 2
}

fn finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}

impl Fitted for Resumable {
    fn task(&self) -> Task {
        self.inner.task()
    }

    fn columns(&self) -> Option<usize> {
        self.inner.columns()
    }

    fn outputs(&self) -> usize {
        self.inner.outputs()
    }

    fn importance(&self) -> Option<&[f64]> {
        self.inner.importance()
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        self.inner.facts()
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.inner.fitted().row(row, into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        self.inner.fitted().rows(rows, columns, into);
    }

    fn block(&self) -> usize {
        self.inner.fitted().block()
    }

    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        self.inner.fitted().explain(row)
    }

    fn matrix(&self, x: &Matrix, first: usize, into: &mut [f64]) {
        self.inner.fitted().matrix(x, first, into);
    }

    fn is_sound(&self) -> bool {
        self.inner.check().is_ok()
            && match (&self.memory, &*self.inner) {
                (Memory::Moments(moments), Estimator::Line(line)) => moments.is_sound(line.coefficients.len()),
                (Memory::Posterior(posterior), Estimator::Logistic(logistic)) => posterior.is_sound(logistic),
                (Memory::Tally(tally), Estimator::Bayes(bayes)) => {
                    tally.is_sound(bayes.count, &bayes.present, bayes.columns)
                }
                (Memory::Tally(tally), Estimator::Logistic(logistic)) => {
                    tally.is_sound(logistic.count, &logistic.present, logistic.columns)
                }
                (Memory::Course(course), Estimator::Network(network)) => course.is_sound(network),
                (Memory::Heaviest(weight), Estimator::Neighbors(_)) => weight.is_finite() && *weight > 0.0,
                _ => false,
            }
    }
}
