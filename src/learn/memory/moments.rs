//! What linear regressions remember: all that least squares ask of the rows, in a size that the rows don't change. So
//! going on is exact: the coefficients are those of all rows that were ever learned from.

use linfa_linalg::qr::QRInto;
use ndarray::{Array2, ShapeBuilder};
use serde::{Deserialize, Serialize};

use super::{Memory, Resumable, affordable, apart, finite, packed};
use crate::data::Matrix;
use crate::learn::centered::{Centered, unbounded};
use crate::learn::least_squares::{triangle, unsolved};
use crate::learn::linear::{Line, importance};
use crate::learn::nature::Nature;
use crate::learn::window::window_mut;
use crate::learn::{Estimator, Target, Training};
use crate::source::Fault;

/// The sums of weights, and the squares and products of features and target about their means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// What the rows weigh together.
    total: f64,
    /// The features' means, and the target's behind them.
    means: Vec<f64>,
    /// R of the QR decomposition of the rows, each about the means and times the root of its weight: RᵀR are the sums
    /// of squares and products, and R keeps twice their digits. Row after row, from the diagonal on.
    triangle: Vec<f64>,
}

/// How coefficients are found.
pub(in crate::learn) type Solve<'s> =
    dyn for<'rows> Fn(Centered<'rows>) -> Result<(Centered<'rows>, Vec<f64>), Fault> + 's;

/// The line that `solve` finds, with what it takes to go on if that is to be kept.
///
/// # Errors
/// If the rows can't be learned from, the features are too many to be remembered, or the fit was interrupted.
pub(in crate::learn) fn fit_line(
    name: &str,
    intercept: bool,
    data: &Training,
    solve: &Solve,
) -> Result<Estimator, Fault> {
    if data.remembers() {
        affordable(data.x.columns() + 1)?;
    }
    let (rows, found) = solve(Centered::new(data, name, intercept)?)?;
    data.keep(Estimator::Line(rows.line(&found)?), || Ok(Memory::Moments(Moments::of(name, data)?)))
}

/// The line that `solve` finds for these rows and all that were learned from before.
///
/// # Errors
/// As for a fit; or if `previous` doesn't remember its rows.
pub(in crate::learn) fn update_line(
    name: &str,
    intercept: bool,
    previous: &Estimator,
    data: &Training,
    solve: &Solve,
) -> Result<Estimator, Fault> {
    let Estimator::Resumable(Resumable { memory: Memory::Moments(before), .. }) = previous else {
        return Err(apart("is no linear regression that remembers its rows"));
    };
    let moments = before.join(&Moments::of(name, data)?)?;
    let line = moments.line(name, intercept, data, solve)?;
    data.keep(Estimator::Line(line), || Ok(Memory::Moments(moments)))
}

impl Moments {
    fn of(name: &str, data: &Training) -> Result<Self, Fault> {
        let rows = Centered::new(data, name, true)?;
        let mut square = triangle(data, rows.rows(), rows.columns() + 1, |first, block| rows.fill(first, block))?;
        let units = rows.units.iter().chain([&rows.y_unit]);
        square.columns_mut().into_iter().zip(units).for_each(|(mut column, unit)| column *= unit * rows.total.sqrt());
        let means = rows.means.iter().copied().chain([rows.offset]).collect();
        Self::new(rows.total, means, &square)
    }

    fn new(total: f64, means: Vec<f64>, square: &Array2<f64>) -> Result<Self, Fault> {
        let triangle: Vec<f64> =
            square.rows().into_iter().enumerate().flat_map(|(nth, row)| row.to_vec().split_off(nth)).collect();
        let found = Self { total, means, triangle };
        if found.is_finite() { Ok(found) } else { Err(unbounded()) }
    }

    /// R as a square.
    fn square(&self) -> Array2<f64> {
        let side = self.means.len();
        let mut square = Array2::zeros((side, side));
        let mut values = self.triangle.iter();
        for row in 0..side {
            square.row_mut(row).iter_mut().skip(row).zip(values.by_ref()).for_each(|(into, value)| *into = *value);
        }
        square
    }

    /// The moments of the rows of both (Chan, Golub & LeVeque 1979): the difference of the means is one row more.
    fn join(&self, other: &Self) -> Result<Self, Fault> {
        let side = self.means.len();
        if other.means.len() != side {
            return Err(apart("reads other features"));
        }
        let total = self.total + other.total;
        let share = other.total / total;
        let mut stack = Array2::zeros((2 * side + 1, side).f());
        for (place, square) in [self.square(), other.square()].iter().enumerate() {
            window_mut(&mut stack, place * side..(place + 1) * side, 0..side).assign(square);
        }
        let root = (self.total * share).sqrt();
        let mut means = self.means.clone();
        for (column, (mean, new)) in means.iter_mut().zip(&other.means).enumerate() {
            stack[[2 * side, column]] = root * (new - *mean);
            *mean += share * (new - *mean);
        }
        Self::new(total, means, &stack.qr_into().map_err(unsolved)?.into_r())
    }

    /// The line through rows that have these moments: R has, and so few rows take no time.
    fn line(&self, name: &str, intercept: bool, data: &Training, solve: &Solve) -> Result<Line, Fault> {
        let columns = self.means.len() - 1;
        let mut square = self.square();
        if !intercept {
            let origin: Vec<f64> = self.means.iter().map(|mean| self.total.sqrt() * mean).collect();
            square.push_row(ndarray::ArrayView1::from(&origin)).expect("a row has a value a column");
        }
        // Together they weigh as much as the rows that they stand for.
        let weight = self.total / square.nrows() as f64;
        let rows = square.nrows();
        let values: Vec<f64> = square
            .columns()
            .into_iter()
            .flat_map(|column| column.to_vec())
            .map(|value| value / weight.sqrt())
            .collect();
        let (features, target) = values.split_at(columns * rows);
        let x = Matrix::new(data.x.names().to_vec(), rows, features.to_vec());
        let y = Target::Numbers(target.to_vec());
        let weights = vec![weight; rows];
        let few = Training { x: &x, y: &y, weights: Some(&weights), ..*data };
        if data.remembers() {
            affordable(data.x.columns() + 1)?;
        }
        let (rows, found) = solve(Centered::new(&few, name, false)?)?;
        let Line { coefficients, .. } = rows.line(&found)?;
        let shift: f64 = coefficients.iter().zip(&self.means).map(|(w, mean)| w * mean).sum();
        let intercept = if intercept { self.means[columns] - shift } else { 0.0 };
        if !intercept.is_finite() {
            return Err(unbounded());
        }
        let spread = |column: usize| square.column(column).iter().take(columns + 1).map(|r| r * r).sum::<f64>();
        let natures: Vec<Nature> = (0..columns)
            .map(|column| Nature { mean: self.means[column], deviation: (spread(column) / self.total).sqrt() })
            .collect();
        let importance = importance(&coefficients, &natures);
        Ok(Line { coefficients, intercept, means: self.means[..columns].to_vec(), importance })
    }

    fn is_finite(&self) -> bool {
        self.total.is_finite() && self.total > 0.0 && finite(&self.means) && finite(&self.triangle)
    }

    /// Whether it is of rows with so many features.
    pub(super) fn is_sound(&self, columns: usize) -> bool {
        self.means.len() == columns + 1 && self.triangle.len() == packed(columns + 1) && self.is_finite()
    }
}
