//! The axes of some columns: eigenvectors of their covariance matrix.

use linfa_linalg::eigh::EighInto;
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::{Table, stats};
use crate::source::Fault;

/// Where the axes meet, and how each of them runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Axes {
    /// The columns.
    pub(super) columns: Vec<String>,
    /// The mean of each.
    pub(super) means: Vec<f64>,
    /// The weight of each column in each component, the component of the largest variance first.
    pub(super) weights: Vec<Vec<f64>>,
}

impl Axes {
    /// How many components there are.
    pub(super) fn count(&self) -> usize {
        self.weights.len()
    }

    /// Something in place of axes that aren't known yet.
    pub(super) fn placeholder(columns: Vec<String>, components: Option<usize>) -> Self {
        let count = components.unwrap_or(columns.len());
        let (means, weights) = (vec![0.0; columns.len()], vec![vec![0.0; columns.len()]; count]);
        Self { columns, means, weights }
    }

    /// The axes of the rows to learn from, each with a value in every column: so many components, or as few as explain more
    /// than a share of the variance, or all. With `whiten` each component has a variance of 1.
    ///
    /// # Errors
    /// If there are too few rows or columns, or the numbers are too large to be multiplied.
    pub(super) fn of(
        columns: Vec<String>,
        table: &Table,
        (components, variance): (Option<usize>, Option<f64>),
        whiten: bool,
    ) -> Result<Self, Fault> {
        let rows = table.training().height();
        if rows < 2 || columns.is_empty() {
            let message =
                format!("components need at least 2 rows and a column, and there are {rows} and {}", columns.len());
            return Err(Fault::new("too-few-rows", message));
        }
        let most = rows.min(columns.len());
        if let Some(count) = components.filter(|count| *count > most) {
            let message = format!(
                "{rows} train rows of {} columns have at most {most} components, and {count} are asked for",
                columns.len()
            );
            return Err(Fault::new("out-of-range", message).within("components"));
        }
        let mut means = Vec::with_capacity(columns.len());
        let mut centered = Vec::with_capacity(columns.len());
        for column in &columns {
            let mut values = stats::numbers(table.training_column(column)?);
            let mean = stats::mean(table.training_column(column)?).unwrap_or_default();
            values.iter_mut().for_each(|value| *value -= mean);
            means.push(mean);
            centered.push(values);
        }
        let (variances, mut weights) = eigen(covariance(&centered))?;
        let count = components.unwrap_or_else(|| variance.map_or(most, |share| enough(&variances[..most], share)));
        weights.truncate(count);
        for (weights, variance) in weights.iter_mut().zip(&variances) {
            turn(weights);
            if whiten {
                // A component along which rows don't differ stays as good as zero.
                let scale = variance.sqrt().max(f64::EPSILON);
                weights.iter_mut().for_each(|weight| *weight /= scale);
            }
        }
        Ok(Self { columns, means, weights })
    }
}

/// The sample covariance of each pair of centered columns. Each sum is in the order of the rows.
fn covariance(centered: &[Vec<f64>]) -> Array2<f64> {
    let side = centered.len();
    let freedom = (centered[0].len() - 1) as f64;
    let product = |a: &[f64], b: &[f64]| stats::sum(a.iter().zip(b).map(|(a, b)| a * b)) / freedom;
    let rows: Vec<Vec<f64>> = (0..side)
        .into_par_iter()
        .map(|row| (0..=row).map(|column| product(&centered[row], &centered[column])).collect())
        .collect();
    Array2::from_shape_fn((side, side), |(a, b)| rows[a.max(b)][a.min(b)])
}

/// Eigenvalues, the largest first and none below 0, and the vector of each.
fn eigen(matrix: Array2<f64>) -> Result<(Vec<f64>, Vec<Vec<f64>>), Fault> {
    if matrix.iter().any(|value| !value.is_finite()) {
        let fault = Fault::new("out-of-range", "the columns' numbers are too large for their squares to be summed");
        return Err(fault.help("bring them to one scale before, by `standardize`").within("columns"));
    }
    let failed = |error| Fault::new("no-components", "the components can't be found").because(error);
    let (values, vectors) = matrix.eigh_into().map_err(failed)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    Ok(order.into_iter().map(|nth| (values[nth].max(0.0), vectors.column(nth).to_vec())).unzip())
}

/// How many of the variances, the largest first, explain more than a share of their sum.
fn enough(variances: &[f64], share: f64) -> usize {
    let total: f64 = variances.iter().sum();
    let mut sum = 0.0;
    let reached = variances.iter().position(|variance| {
        sum += variance;
        sum > share * total
    });
    reached.map_or(1, |nth| nth + 1)
}

/// Turns a vector so that the largest of its weights is positive, the first of several, as scikit-learn's `svd_flip`.
fn turn(weights: &mut [f64]) {
    let largest =
        weights.iter().fold(0.0f64, |largest, weight| if weight.abs() > largest.abs() { *weight } else { largest });
    if largest < 0.0 {
        weights.iter_mut().for_each(|weight| *weight = -*weight);
    }
}
