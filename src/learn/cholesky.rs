//! Solving symmetric positive definite systems, with a word on how far the solution can be trusted.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis};

use super::window::{window, window_mut};

/// How many columns are factored at a time.
const WIDTH: usize = 48;
/// How many steps look for the smallest eigenvalue.
const STEPS: usize = 6;

/// S·A·S = L·Lᵀ, where S brings the diagonal of A to 1. A row of zeros stands for an unknown that is 0.
pub(super) struct Cholesky {
    lower: Array2<f64>,
    scales: Vec<f64>,
    /// The largest eigenvalue of S·A·S, at most.
    largest: f64,
}

impl Cholesky {
    /// `None` if the matrix isn't positive definite as far as numbers tell.
    pub(super) fn new(mut matrix: Array2<f64>) -> Option<Self> {
        let side = matrix.nrows();
        if matrix.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let scales: Vec<f64> =
            matrix.diag().iter().map(|&value| if value > 0.0 { 1.0 / value.sqrt() } else { 0.0 }).collect();
        let mut largest = 1.0f64;
        for (row, &scale) in scales.iter().enumerate() {
            let mut values = matrix.row_mut(row);
            values.iter_mut().zip(&scales).for_each(|(value, other)| *value *= scale * other);
            values[row] = 1.0;
            largest = largest.max(values.iter().map(|value| value.abs()).sum());
        }
        for left in (0..side).step_by(WIDTH) {
            panel(&mut matrix, left, side.min(left + WIDTH))?;
        }
        Some(Self { lower: matrix, scales, largest })
    }

    /// x of A·x = b.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = b.iter().zip(&self.scales).map(|(b, scale)| b * scale).collect();
        self.substitute(&mut x);
        x.iter_mut().zip(&self.scales).for_each(|(x, scale)| *x *= scale);
        x
    }

    /// x ← L⁻¹·S·x: what A measures of it is its plain square now.
    pub(super) fn forward(&self, x: &mut [f64]) {
        x.iter_mut().zip(&self.scales).for_each(|(x, scale)| *x *= scale);
        self.down(x);
    }

    /// x ← S·L⁻ᵀ·x, the transpose of `forward`.
    pub(super) fn backward(&self, x: &mut [f64]) {
        self.up(x);
        x.iter_mut().zip(&self.scales).for_each(|(x, scale)| *x *= scale);
    }

    /// About the ratio of the largest to the smallest eigenvalue of S·A·S.
    pub(super) fn condition(&self) -> f64 {
        let side = self.scales.len();
        // Any start will do that isn't at right angles to what is looked for.
        let mut x: Vec<f64> = (0..side).map(|place| if place * place % 7 < 3 { 1.0 } else { -0.9 }).collect();
        let mut length = 1.0;
        for _ in 0..STEPS {
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter_mut().for_each(|x| *x /= norm);
            self.substitute(&mut x);
            length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        }
        let pivot = self.lower.diag().iter().fold(1.0f64, |least, pivot| least.min(*pivot));
        self.largest * length.max(1.0 / (pivot * pivot))
    }

    fn substitute(&self, x: &mut [f64]) {
        self.down(x);
        self.up(x);
    }

    fn down(&self, x: &mut [f64]) {
        for row in 0..x.len() {
            let values = self.row(row);
            let known: f64 = values[..row].iter().zip(&x[..row]).map(|(value, x)| value * x).sum();
            x[row] = (x[row] - known) / values[row];
        }
    }

    fn up(&self, x: &mut [f64]) {
        for row in (0..x.len()).rev() {
            let values = self.row(row);
            let (before, here) = x.split_at_mut(row);
            here[0] /= values[row];
            before.iter_mut().zip(values).for_each(|(x, value)| *x -= value * here[0]);
        }
    }

    fn row(&self, row: usize) -> &[f64] {
        let side = self.scales.len();
        let all = self.lower.as_slice().expect("rows lie one after the other");
        &all[row * side..(row + 1) * side]
    }
}

/// Factors the columns from `left` to `right`, the ones before being done.
fn panel(matrix: &mut Array2<f64>, left: usize, right: usize) -> Option<()> {
    let side = matrix.nrows();
    let (done, mut rest) = window_mut(matrix, left..side, 0..right).split_at(Axis(1), left);
    let above = window(&done, 0..right - left, 0..left);
    general_mat_mul(-1.0, &done, &above.t(), 1.0, &mut rest);
    for column in 0..right - left {
        let known: f64 = rest.row(column).iter().take(column).map(|value| value * value).sum();
        let pivot = rest[[column, column]] - known;
        // NaN is refused as well.
        if pivot.is_nan() || pivot <= f64::EPSILON {
            return None;
        }
        let pivot = pivot.sqrt();
        rest[[column, column]] = pivot;
        let (top, mut below) = rest.view_mut().split_at(Axis(0), column + 1);
        let top = top.row(column);
        for mut row in below.rows_mut() {
            let known: f64 = row.iter().zip(top.iter().take(column)).map(|(a, b)| a * b).sum();
            row[column] = (row[column] - known) / pivot;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel of points on a line: positive definite, and the worse conditioned the wider it is.
    fn kernel(side: usize, width: f64) -> Array2<f64> {
        Array2::from_shape_fn((side, side), |(i, j)| {
            let scale = (1.0 + i as f64) * (1.0 + j as f64);
            scale * (-(i as f64 - j as f64).abs() / width).exp()
        })
    }

    #[test]
    fn solutions_solve_and_conditions_grow() {
        for side in [1, 5, 48, 49, 200] {
            let matrix = kernel(side, 3.0);
            let truth: Vec<f64> = (0..side).map(|i| (i as f64).sin()).collect();
            let b = matrix.dot(&ndarray::Array1::from(truth.clone())).to_vec();
            let factor = Cholesky::new(matrix).expect("positive definite");
            for (x, truth) in factor.solve(&b).iter().zip(&truth) {
                assert!((x - truth).abs() < 1e-10, "{side}: {x}, not {truth}");
            }
            let condition = factor.condition();
            assert!((1.0..100.0).contains(&condition), "{condition}");
        }
        let conditioned = |width| Cholesky::new(kernel(50, width)).expect("positive definite").condition();
        assert!(conditioned(1e4) > 1e5 && conditioned(1e4) < 1e7, "{}", conditioned(1e4));
    }

    #[test]
    fn what_is_not_positive_definite_is_refused_and_a_row_of_zeros_is_not() {
        let two = |a, b, c| Array2::from_shape_vec((2, 2), vec![a, b, b, c]).expect("shape");
        assert!(Cholesky::new(two(1.0, 2.0, 1.0)).is_none());
        assert!(Cholesky::new(two(1.0, 1.0, 1.0)).is_none());
        assert!(Cholesky::new(two(f64::NAN, 0.0, 1.0)).is_none());
        assert!(Cholesky::new(two(f64::INFINITY, 0.0, 1.0)).is_none());
        assert_eq!(Cholesky::new(two(0.0, 0.0, 4.0)).expect("factor").solve(&[3.0, 8.0]), [0.0, 2.0]);
    }

    #[test]
    fn backward_is_the_transpose_of_forward() {
        let factor = Cholesky::new(kernel(30, 4.0)).expect("positive definite");
        let mut a: Vec<f64> = (0..30).map(|i| (i as f64).cos()).collect();
        let mut b: Vec<f64> = (0..30).map(|i| (i as f64 * 0.3).sin()).collect();
        let (x, y) = (a.clone(), b.clone());
        factor.forward(&mut a);
        factor.backward(&mut b);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&a, &y) - dot(&x, &b)).abs() < 1e-12);
    }
}
