//! Least squares with the smallest coefficients among equals, as LAPACK's `gelsd` gives them.

use linfa_linalg::qr::QRInto;
use linfa_linalg::svd::SVDInto;
use ndarray::{Array2, Axis, ShapeBuilder, Slice};

use super::Training;
use crate::data::stats::BLOCK;
use crate::source::Fault;

/// The coefficients that minimize Σ weight·(y - offset - Σ coefficient·(x - mean))², of least norm where features
/// depend on each other (a full one-hot block beside an intercept), with the cutoff of scikit-learn.
pub(super) fn solve(data: &Training, y: &[f64], means: &[f64], offset: f64) -> Result<Vec<f64>, Fault> {
    let columns = means.len();
    let triangle = triangle(data, y, means, offset)?;
    // Numbers whose squares overflow are told here: no decomposition has to meet them.
    if triangle.iter().any(|value| !value.is_finite()) {
        return Err(unbounded());
    }
    let top = triangle.slice_axis(Axis(0), Slice::from(..columns));
    let square = top.slice_axis(Axis(1), Slice::from(..columns)).to_owned();
    let right = top.column(columns);
    let (Some(u), sigma, Some(vt)) = square.svd_into(true, true).map_err(unsolved)? else {
        return Err(Fault::new("no-solution", "the decomposition has no vectors"));
    };
    let largest = sigma.iter().fold(0.0, |max: f64, value| max.max(*value));
    let cutoff = largest * f64::EPSILON * data.x.rows().max(columns) as f64;
    let mut shares = u.t().dot(&right);
    for (share, value) in shares.iter_mut().zip(&sigma) {
        *share = if *value > cutoff { *share / *value } else { 0.0 };
    }
    let found = vt.t().dot(&shares).to_vec();
    if found.iter().all(|value| value.is_finite()) {
        return Ok(found);
    }
    Err(unbounded())
}

fn unbounded() -> Fault {
    Fault::new("no-solution", "the least squares have no finite solution")
        .help("features of sizes as different as these need scaling first")
}

/// R of the QR decomposition of [x | y], centered and weighted: block after block, each put under the R so far, so
/// that memory doesn't grow with the rows. Its last column is Qᵀy.
fn triangle(data: &Training, y: &[f64], means: &[f64], offset: f64) -> Result<Array2<f64>, Fault> {
    let side = means.len() + 1;
    let height = BLOCK.max(side);
    let mut triangle = Array2::zeros((side, side));
    for first in (0..data.x.rows()).step_by(height) {
        data.go_on()?;
        let rows = height.min(data.x.rows() - first);
        let mut stack = Array2::zeros((side + rows, side).f());
        stack.slice_axis_mut(Axis(0), Slice::from(..side)).assign(&triangle);
        for row in 0..rows {
            let weight = data.weight(first + row).sqrt();
            for (column, mean) in means.iter().enumerate() {
                stack[[side + row, column]] = weight * (data.x.at(first + row, column) - mean);
            }
            stack[[side + row, means.len()]] = weight * (y[first + row] - offset);
        }
        triangle = stack.qr_into().map_err(unsolved)?.into_r();
    }
    Ok(triangle)
}

fn unsolved(cause: linfa_linalg::LinalgError) -> Fault {
    Fault::new("no-solution", "the least squares could not be solved").because(cause)
}
