//! ZᵀZ over many rows, in blocks that fit the cache, without a copy of the whole of Z.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2};
use rayon::prelude::*;

use super::Training;
use super::window::{window, window_mut};
use crate::source::Fault;

/// How many rows are multiplied at a time.
const HEIGHT: usize = 1024;
/// How many columns of the product are made at a time: what lies above the diagonal is mostly left out.
const WIDTH: usize = 96;
/// How many sums run side by side at most.
const LANES: usize = 8;
/// How many numbers these sums may hold together.
const HELD: usize = 1 << 22;

/// The lower triangle of ZᵀZ, mirrored, for Z of `rows` × `side`. `fill` writes the rows of Z from the given one on
/// into a block, column by column. The sums run in an order that the shape alone decides.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn gram(
    data: &Training,
    rows: usize,
    side: usize,
    fill: impl Fn(usize, ArrayViewMut2<f64>) + Sync,
) -> Result<Array2<f64>, Fault> {
    let blocks = rows.div_ceil(HEIGHT);
    let lanes = (HELD / (side * side).max(1)).clamp(1, LANES).min(blocks.max(1));
    let share = blocks.div_ceil(lanes);
    let sums: Result<Vec<Array2<f64>>, Fault> = (0..lanes)
        .into_par_iter()
        .map(|lane| {
            let mut sum = Array2::zeros((side, side));
            // Columns lie one after the other.
            let mut block = Array2::zeros((side, HEIGHT));
            for first in (lane * share..blocks.min((lane + 1) * share)).map(|block| block * HEIGHT) {
                data.go_on()?;
                let height = HEIGHT.min(rows - first);
                let mut z = window_mut(&mut block, 0..side, 0..height).reversed_axes();
                fill(first, z.view_mut());
                for left in (0..side).step_by(WIDTH) {
                    let right = side.min(left + WIDTH);
                    let mut tile = window_mut(&mut sum, left..side, left..right);
                    let (a, b) = (window(&z, 0..height, left..side), window(&z, 0..height, left..right));
                    general_mat_mul(1.0, &a.t(), &b, 1.0, &mut tile);
                }
            }
            Ok(sum)
        })
        .collect();
    let mut sums = sums?.into_iter();
    let mut whole = sums.next().unwrap_or_else(|| Array2::zeros((side, side)));
    sums.for_each(|sum| whole += &sum);
    for row in 0..side {
        for column in row + 1..side {
            whole[[row, column]] = whole[[column, row]];
        }
    }
    Ok(whole)
}
