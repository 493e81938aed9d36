//! What a fit leaves behind: data only, that says something of any row.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::linear::{Constant, Line, Logistic};
use super::tree::Forest;
use super::{Prediction, Task};
use crate::data::Matrix;
use crate::source::Fault;

/// How many rows are predicted at a time.
const ROWS: usize = 256;

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The same answer for every row.
    Constant(Constant),
    /// A weighted sum.
    Line(Line),
    /// Weighted sums, one a class, taken as log-odds.
    Logistic(Logistic),
    /// Trees whose answers are averaged.
    Forest(Forest),
}

impl Estimator {
    /// Whether it answers with classes or numbers.
    pub fn task(&self) -> Task {
        match self {
            Estimator::Constant(constant) => constant.task,
            Estimator::Line(_) => Task::Regression,
            Estimator::Logistic(_) => Task::Classification,
            Estimator::Forest(forest) => forest.task,
        }
    }

    /// How many features a row has; `None` if it reads none.
    pub fn columns(&self) -> Option<usize> {
        match self {
            Estimator::Constant(_) => None,
            Estimator::Line(line) => Some(line.coefficients.len()),
            Estimator::Logistic(logistic) => Some(logistic.columns),
            Estimator::Forest(forest) => Some(forest.columns),
        }
    }

    /// How many values it gives for a row: one a class, or one number.
    pub fn outputs(&self) -> usize {
        match self {
            Estimator::Constant(constant) => constant.values.len(),
            Estimator::Line(_) => 1,
            Estimator::Logistic(logistic) => logistic.count,
            Estimator::Forest(forest) => forest.outputs,
        }
    }

    /// What each feature contributes, as shares that sum to 1 (all 0 if none does): the impurity that its splits
    /// took away for trees, |coefficient| × standard deviation for linear models. `None` if it reads none.
    pub fn importance(&self) -> Option<&[f64]> {
        match self {
            Estimator::Constant(_) => None,
            Estimator::Line(line) => Some(&line.importance),
            Estimator::Logistic(logistic) => Some(&logistic.importance),
            Estimator::Forest(forest) => Some(&forest.importance),
        }
    }

    /// The linear model's coefficients, one row a log-odds (one for two classes) or a single one for a regression,
    /// with its intercepts; `None` for others.
    pub fn coefficients(&self) -> Option<(Vec<&[f64]>, &[f64])> {
        match self {
            Estimator::Line(line) => Some((vec![line.coefficients.as_slice()], std::slice::from_ref(&line.intercept))),
            Estimator::Logistic(logistic) => {
                Some((logistic.coefficients.chunks(logistic.columns).collect(), &logistic.intercepts))
            }
            _ => None,
        }
    }

    /// Says something of one row: of `outputs()` values into `into`. Nothing is allocated for up to 2 classes or
    /// trees of any kind.
    ///
    /// # Panics
    /// If `row` or `into` has another length than `columns()` and `outputs()` tell.
    pub fn predict_row(&self, row: &[f64], into: &mut [f64]) {
        match self {
            Estimator::Constant(constant) => into.copy_from_slice(&constant.values),
            Estimator::Line(line) => into[0] = line.row(row),
            Estimator::Logistic(logistic) => logistic.row(row, into),
            Estimator::Forest(forest) => forest.rows(row, into),
        }
    }

    /// Says something of each row, in parallel; bit for bit what `predict_row` says.
    ///
    /// # Errors
    /// If the matrix has another number of columns than the training rows had.
    pub fn predict(&self, x: &Matrix) -> Result<Prediction, Fault> {
        if let Some(columns) = self.columns().filter(|&columns| columns != x.columns()) {
            return Err(Fault::new(
                "columns-differ",
                format!("the model reads {columns} features, and these rows have {}", x.columns()),
            ));
        }
        let outputs = self.outputs();
        let mut values = vec![0.0; x.rows() * outputs];
        values.par_chunks_mut(ROWS * outputs).enumerate().for_each(|(block, into)| self.block(x, block * ROWS, into));
        Ok(match self.task() {
            Task::Classification => Prediction::Probabilities { classes: outputs, values },
            Task::Regression => Prediction::Numbers(values),
        })
    }

    /// Predicts the rows from `first` on, as many as `into` has places for.
    fn block(&self, x: &Matrix, first: usize, into: &mut [f64]) {
        let (columns, outputs) = (x.columns(), self.outputs());
        let mut rows = vec![0.0; into.len() / outputs * columns];
        for column in 0..columns {
            let values = &x.column(column)[first..];
            for (slot, value) in rows[column..].iter_mut().step_by(columns).zip(values) {
                *slot = *value;
            }
        }
        if let Estimator::Forest(forest) = self {
            return forest.rows(&rows, into);
        }
        for (index, into) in into.chunks_mut(outputs).enumerate() {
            self.predict_row(&rows[index * columns..(index + 1) * columns], into);
        }
    }

    /// Checks that data from outside hangs together, so that no row can lead out of bounds.
    ///
    /// # Errors
    /// If it doesn't.
    pub fn check(&self) -> Result<(), Fault> {
        let sound = match self {
            Estimator::Constant(constant) => !constant.values.is_empty(),
            Estimator::Line(_) => true,
            Estimator::Logistic(logistic) => logistic.is_sound(),
            Estimator::Forest(forest) => forest.is_sound(),
        };
        if sound {
            return Ok(());
        }
        Err(Fault::new("broken-model", "the model's numbers do not hang together").help("train it again"))
    }
}
