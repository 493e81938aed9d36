//! Kernels: how alike two rows are, for one row against many and for many against many.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::elementary;
use crate::learn::lanes::exp;

/// How many rows lie side by side in a panel.
const LANES: usize = 8;
/// From how many products on one row's similarities are worth several threads.
const PARALLEL: usize = 1 << 19;
/// How many similarities one thread takes at a time; a multiple of `LANES`.
const PART: usize = 4096;

/// A kernel with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// x·z
    Linear,
    /// exp(-γ·‖x - z‖²)
    Rbf {
        /// γ
        gamma: f64,
    },
    /// (γ·x·z + coef0)^degree
    Poly {
        /// γ
        gamma: f64,
        /// What is added.
        coef0: f64,
        /// The power.
        degree: u32,
    },
    /// tanh(γ·x·z + coef0)
    Sigmoid {
        /// γ
        gamma: f64,
        /// What is added.
        coef0: f64,
    },
}

impl Kernel {
    /// Makes similarities of the products of one row with others, whose squared lengths are given.
    fn finish(self, square: f64, squares: &[f64], products: &mut [f64]) {
        match self {
            Kernel::Linear => {}
            Kernel::Rbf { gamma } => {
                for (product, other) in products.iter_mut().zip(squares) {
                    // Rounding must not make a distance negative.
                    let distance = square + other - 2.0 * *product;
                    *product = -gamma * if distance > 0.0 { distance } else { 0.0 };
                }
                products.iter_mut().for_each(|product| *product = exp(*product));
            }
            Kernel::Poly { gamma, coef0, degree } => {
                let degree = i32::try_from(degree).unwrap_or(i32::MAX);
                products.iter_mut().for_each(|product| *product = (gamma * *product + coef0).powi(degree));
            }
            Kernel::Sigmoid { gamma, coef0 } => {
                products.iter_mut().for_each(|product| *product = elementary::tanh(gamma * *product + coef0));
            }
        }
    }

    /// The similarity of a row with itself, from its squared length.
    pub(super) fn itself(self, square: f64) -> f64 {
        let mut one = [square];
        self.finish(square, &[square], &mut one);
        one[0]
    }

    /// The similarities of each of `rows` (a block of few) with each of `others`, row after row into `into`. Each
    /// depends on its two rows alone, whatever else is in the block.
    pub(super) fn block(self, rows: &[f64], others: &Others, into: &mut [f64]) {
        let (columns, count) = (others.columns, others.squares.len());
        if count == 0 {
            return;
        }
        let height = rows.len() / columns;
        let shape = "lengths are checked by the callers";
        let left = ArrayView2::from_shape((height, columns), rows).expect(shape);
        let right = ArrayView2::from_shape((count, columns), others.values).expect(shape);
        let mut products = ArrayViewMut2::from_shape((height, count), &mut *into).expect(shape);
        general_mat_mul(1.0, &left, &right.t(), 0.0, &mut products);
        for (row, products) in rows.chunks(columns).zip(into.chunks_mut(count)) {
            self.finish(square(row), others.squares, products);
        }
    }
}

/// Rows to compare with, and their squared lengths.
#[derive(Clone, Copy)]
pub(super) struct Others<'a> {
    pub(super) columns: usize,
    /// Row after row.
    pub(super) values: &'a [f64],
    pub(super) squares: &'a [f64],
}

/// A row's squared length.
pub(super) fn square(row: &[f64]) -> f64 {
    row.iter().map(|value| value * value).sum()
}

/// Rows in panels of eight: a panel holds its rows' first values, then their second ones, and so on, so that one row
/// meets eight at once.
pub(super) struct Panels {
    columns: usize,
    rows: usize,
    values: Vec<f64>,
    squares: Vec<f64>,
}

impl Panels {
    /// From rows one after the other.
    pub(super) fn new(columns: usize, rows: &[f64]) -> Self {
        let count = rows.len() / columns;
        let mut values = vec![0.0; count.div_ceil(LANES) * LANES * columns];
        for (nth, row) in rows.chunks(columns).enumerate() {
            let first = (nth / LANES) * LANES * columns + nth % LANES;
            for (column, value) in row.iter().enumerate() {
                values[first + column * LANES] = *value;
            }
        }
        Self { columns, rows: count, values, squares: rows.chunks(columns).map(square).collect() }
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many values a row has.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The rows' squared lengths.
    pub(super) fn squares(&self) -> &[f64] {
        &self.squares
    }

    /// Appends one row to `into`.
    pub(super) fn push(&self, row: usize, into: &mut Vec<f64>) {
        let first = (row / LANES) * LANES * self.columns + row % LANES;
        into.extend((0..self.columns).map(|column| self.values[first + column * LANES]));
    }

    /// Puts the first rows into another order: row `order[i]` comes to place i.
    pub(super) fn reorder(&mut self, order: &[u32]) {
        let mut rows = Vec::with_capacity(order.len() * self.columns);
        for &row in order {
            self.push(row as usize, &mut rows);
        }
        for (nth, row) in rows.chunks(self.columns).enumerate() {
            let first = (nth / LANES) * LANES * self.columns + nth % LANES;
            for (column, value) in row.iter().enumerate() {
                self.values[first + column * LANES] = *value;
            }
            self.squares[nth] = square(row);
        }
    }

    /// The similarities of row `row` with those from `from` on, as many as `into` has places for.
    pub(super) fn similarities(&self, kernel: Kernel, row: usize, from: usize, into: &mut [f32]) {
        let mut own = Vec::with_capacity(self.columns);
        self.push(row, &mut own);
        if into.len() * self.columns < PARALLEL {
            return self.part(kernel, &own, from, into);
        }
        into.par_chunks_mut(PART).enumerate().for_each(|(nth, into)| self.part(kernel, &own, from + nth * PART, into));
    }

    fn part(&self, kernel: Kernel, own: &[f64], from: usize, into: &mut [f32]) {
        let square = square(own);
        let mut buffer = [0.0; 8 * LANES];
        let mut done = 0;
        // The first piece ends where a panel begins.
        while done < into.len() {
            let at = from + done;
            let first = at / LANES;
            let skipped = at % LANES;
            let panels = (buffer.len() / LANES).min((self.rows - 1) / LANES + 1 - first);
            for (nth, products) in buffer.chunks_mut(LANES).take(panels).enumerate() {
                products.copy_from_slice(&self.products(first + nth, own));
            }
            let count = (panels * LANES - skipped).min(into.len() - done);
            let products = &mut buffer[skipped..skipped + count];
            kernel.finish(square, &self.squares[at..at + count], products);
            for (slot, value) in into[done..done + count].iter_mut().zip(products) {
                *slot = *value as f32;
            }
            done += count;
        }
    }

    /// The products of one row with the eight of a panel.
    fn products(&self, panel: usize, own: &[f64]) -> [f64; LANES] {
        let width = LANES * self.columns;
        let mut sums = [0.0; LANES];
        for (value, others) in own.iter().zip(self.values[panel * width..].chunks_exact(LANES)) {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += value * other;
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_against_many_is_what_many_against_many_says() {
        for (columns, rows) in [(1, 3), (3, 8), (30, 70), (300, 19)] {
            let values: Vec<f64> = (0..rows * columns).map(|cell| ((cell * 37 % 101) as f64) / 50.0 - 1.0).collect();
            let squares: Vec<f64> = values.chunks(columns).map(square).collect();
            let others = Others { columns, values: &values, squares: &squares };
            let panels = Panels::new(columns, &values);
            for kernel in [
                Kernel::Linear,
                Kernel::Rbf { gamma: 0.1 },
                Kernel::Poly { gamma: 0.1, coef0: 1.0, degree: 3 },
                Kernel::Sigmoid { gamma: 0.1, coef0: -0.5 },
            ] {
                let mut all = vec![0.0; rows * rows];
                kernel.block(&values, &others, &mut all);
                for row in 0..rows {
                    // The very same whatever else is in the block.
                    let mut alone = vec![0.0; rows];
                    kernel.block(&values[row * columns..(row + 1) * columns], &others, &mut alone);
                    assert_eq!(alone, all[row * rows..(row + 1) * rows]);
                    for from in [0, 1, rows / 2] {
                        let mut into = vec![0.0f32; rows - from];
                        panels.similarities(kernel, row, from, &mut into);
                        for (near, exact) in into.iter().zip(&alone[from..]) {
                            assert!((f64::from(*near) - exact).abs() < 1e-5 * (1.0 + exact.abs()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn reordered_rows_are_found_in_their_places() {
        let values: Vec<f64> = (0..22).map(f64::from).collect();
        let mut panels = Panels::new(2, &values);
        panels.reorder(&[3, 0, 1, 2]);
        let mut row = Vec::new();
        panels.push(0, &mut row);
        panels.push(4, &mut row);
        assert_eq!(row, [6.0, 7.0, 8.0, 9.0]);
        assert_eq!(panels.squares()[0], 85.0);
    }
}
