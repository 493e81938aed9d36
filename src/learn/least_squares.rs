//! Least squares, plain or with a penalty on the squares of the coefficients.
//!
//! Where features are far from depending on each other, the normal equations are solved and the solution is refined
//! by its residuals (Björck 1996, section 2.9). Elsewhere the rows are brought to a triangle by QR, and its singular
//! values tell which directions count, as in LAPACK's `gelsd`: the smallest coefficients among equals.

use linfa_linalg::qr::QRInto;
use linfa_linalg::svd::SVDInto;
use ndarray::{Array1, Array2, ArrayViewMut2, Axis, ShapeBuilder, Slice};

use super::Training;
use super::centered::{Centered, unbounded};
use super::cholesky::Cholesky;
use super::gram::gram;
use super::window::window;
use crate::data::stats::BLOCK;
use crate::source::Fault;

/// The worst condition of the normal equations that refinement is left to mend.
const CONDITION: f64 = 1e10;
/// Below it there is nothing to mend.
const HARMLESS: f64 = 1e3;
/// The relative change of the coefficients by which a refinement is the last.
const SETTLED: f64 = 1e-9;
/// How often a solution is refined at most.
const REFINEMENTS: usize = 5;
/// How much narrower than the widest a column may be, for `gelsd` not to take it for nothing.
const NARROWEST: f64 = 1e-8;

/// The coefficients v, in the columns' units and the answers', that minimize Σ weight·(y - x·w)² + alpha·|w|².
/// With `alpha` 0 they are of least norm where features depend on each other (a full one-hot block beside an
/// intercept), with the cutoff of scikit-learn. The rows come back in the units of v.
///
/// # Errors
/// If the fit was interrupted or has no finite solution.
pub(super) fn solve(rows: Centered, alpha: f64) -> Result<(Centered, Vec<f64>), Fault> {
    if rows.y_unit == 0.0 || rows.units.iter().all(|unit| *unit == 0.0) {
        let nothing = vec![0.0; rows.columns()];
        return Ok((rows, nothing));
    }
    let tall = rows.rows() >= rows.columns();
    if tall && let Some(found) = normal(&rows, alpha)? {
        return Ok((rows, found));
    }
    // Norms are to be those of the coefficients in the features' own units.
    let rows = rows.alike();
    let alpha = alpha / rows.total / rows.units[0] / rows.units[0];
    let found = match tall {
        true => decomposed(&rows, alpha)?,
        false => match dual(&rows, alpha)? {
            Some(found) => found,
            None => dual_decomposed(&rows, alpha)?,
        },
    };
    if found.iter().all(|value| value.is_finite()) { Ok((rows, found)) } else { Err(unbounded()) }
}

/// By the normal equations; `None` if they can't be trusted.
fn normal(rows: &Centered, alpha: f64) -> Result<Option<Vec<f64>>, Fault> {
    let columns = rows.columns();
    let widest = rows.units.iter().fold(0.0f64, |widest, unit| widest.max(*unit));
    let is_narrow = |unit: &f64| *unit > 0.0 && *unit < NARROWEST * widest;
    if alpha == 0.0 && rows.units.iter().any(is_narrow) {
        return Ok(None);
    }
    let whole = gram(rows.data, rows.rows(), columns + 1, |first, block| rows.fill(first, block))?;
    let mut square = window(&whole, 0..columns, 0..columns).to_owned();
    let right = whole.column(columns).iter().take(columns).copied().collect::<Vec<f64>>();
    let cost = |unit: &f64| if *unit > 0.0 { (alpha / rows.total / unit / unit).min(f64::MAX / 4.0) } else { 0.0 };
    let costs: Vec<f64> = rows.units.iter().map(cost).collect();
    square.diag_mut().iter_mut().zip(&costs).for_each(|(value, cost)| *value += cost);
    let rest = |v: &[f64]| {
        let fitted = rows.apply(v);
        let residuals: Vec<f64> = rows.y.iter().zip(fitted).map(|(y, fitted)| y - fitted).collect();
        let slope = rows.pull(&residuals);
        slope.iter().zip(v).zip(&costs).map(|((slope, v), cost)| slope - cost * v).collect()
    };
    Ok(Cholesky::new(square).and_then(|factor| refined(&factor, &right, rest)))
}

/// By the products of rows with each other: w = zᵀ·a, for fewer rows than columns.
fn dual(rows: &Centered, alpha: f64) -> Result<Option<Vec<f64>>, Fault> {
    let side = rows.rows();
    let fill = |first: usize, block: ArrayViewMut2<f64>| rows.fill_across(first, block);
    let mut square = gram(rows.data, rows.columns(), side, fill)?;
    // Centered rows sum to nothing, and so do the answers: to add that direction changes no coefficient.
    let level = if rows.intercept { square.diag().sum() / side as f64 } else { 0.0 };
    let roots: Array1<f64> = (0..side).map(|row| rows.root(row)).collect();
    for (row, root) in roots.iter().enumerate() {
        square.row_mut(row).scaled_add(level * root, &roots);
        square[[row, row]] += alpha;
    }
    let rest = |a: &[f64]| {
        let fitted = rows.apply(&rows.pull(a));
        (0..side).map(|row| rows.y[row] - fitted[row] - alpha * a[row]).collect()
    };
    let found = Cholesky::new(square).and_then(|factor| refined(&factor, &rows.y, rest));
    Ok(found.map(|a| rows.pull(&a)))
}

/// The solution, brought nearer by what `rest` says is left of the right side; `None` if it comes no nearer.
fn refined(factor: &Cholesky, right: &[f64], rest: impl Fn(&[f64]) -> Vec<f64>) -> Option<Vec<f64>> {
    let condition = factor.condition();
    if condition.is_nan() || condition > CONDITION {
        return None;
    }
    let mut found = factor.solve(right);
    if condition < HARMLESS {
        return Some(found);
    }
    let largest = |values: &[f64]| values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let mut before = 1.0;
    for _ in 0..REFINEMENTS {
        let change = factor.solve(&rest(&found));
        let size = largest(&change) / largest(&found).max(f64::MIN_POSITIVE);
        found.iter_mut().zip(&change).for_each(|(to, change)| *to += change);
        if size <= SETTLED {
            return Some(found);
        }
        if size.is_nan() || size > before / 2.0 {
            return None;
        }
        before = size;
    }
    None
}

/// By QR and the singular values of what is left.
fn decomposed(rows: &Centered, alpha: f64) -> Result<Vec<f64>, Fault> {
    let columns = rows.columns();
    let triangle = triangle(rows.data, rows.rows(), columns + 1, |first, block| rows.fill(first, block))?;
    let square = window(&triangle, 0..columns, 0..columns).to_owned();
    let (u, sigma, vt) = decompose(square)?;
    let cutoff = cutoff(rows, &sigma, alpha);
    let mut shares = u.t().dot(&window(&triangle, 0..columns, columns..columns + 1).column(0));
    for (share, value) in shares.iter_mut().zip(&sigma) {
        *share = if *value > cutoff { *share * (value / (value * value + alpha)) } else { 0.0 };
    }
    Ok(vt.t().dot(&shares).to_vec())
}

/// The same for fewer rows than columns: zᵀ = QR, and w = zᵀ·a.
fn dual_decomposed(rows: &Centered, alpha: f64) -> Result<Vec<f64>, Fault> {
    let fill = |first: usize, block: ArrayViewMut2<f64>| rows.fill_across(first, block);
    let triangle = triangle(rows.data, rows.columns(), rows.rows(), fill)?;
    let (_, sigma, vt) = decompose(triangle)?;
    let cutoff = cutoff(rows, &sigma, alpha);
    let mut shares = vt.dot(&Array1::from(rows.y.clone()));
    for (share, value) in shares.iter_mut().zip(&sigma) {
        *share = if *value > cutoff { *share / (value * value + alpha) } else { 0.0 };
    }
    Ok(rows.pull(&vt.t().dot(&shares).to_vec()))
}

/// The singular value up to which a direction counts as none.
fn cutoff(rows: &Centered, sigma: &Array1<f64>, alpha: f64) -> f64 {
    let largest = sigma.iter().fold(0.0, |max: f64, value| max.max(*value));
    let share = if alpha > 0.0 { 0.0 } else { f64::EPSILON * rows.rows().max(rows.columns()) as f64 };
    largest * share
}

/// U, the singular values, and Vᵀ.
type Decomposition = (Array2<f64>, Array1<f64>, Array2<f64>);

/// U·Σ·Vᵀ of a square.
fn decompose(square: Array2<f64>) -> Result<Decomposition, Fault> {
    // No decomposition has to meet numbers that aren't finite.
    if square.iter().any(|value| !value.is_finite()) {
        return Err(unbounded());
    }
    match square.svd_into(true, true).map_err(unsolved)? {
        (Some(u), sigma, Some(vt)) => Ok((u, sigma, vt)),
        _ => Err(Fault::new("no-solution", "the decomposition has no vectors")),
    }
}

/// R of the QR decomposition of z of `rows` × `side`, which `fill` writes: block after block, each put under the R so
/// far, so that memory doesn't grow with the rows.
pub(super) fn triangle(
    data: &Training,
    rows: usize,
    side: usize,
    fill: impl Fn(usize, ArrayViewMut2<f64>),
) -> Result<Array2<f64>, Fault> {
    let height = BLOCK.max(side);
    let mut triangle = Array2::zeros((side, side));
    for first in (0..rows).step_by(height) {
        data.go_on()?;
        let rows = height.min(rows - first);
        let mut stack = Array2::zeros((side + rows, side).f());
        stack.slice_axis_mut(Axis(0), Slice::from(..side)).assign(&triangle);
        fill(first, stack.slice_axis_mut(Axis(0), Slice::from(side..)));
        triangle = stack.qr_into().map_err(unsolved)?.into_r();
    }
    Ok(triangle)
}

pub(super) fn unsolved(cause: linfa_linalg::LinalgError) -> Fault {
    Fault::new("no-solution", "the least squares could not be solved").because(cause)
}
