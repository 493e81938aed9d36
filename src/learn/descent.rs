//! Least squares with a penalty on the coefficients' sizes, by coordinate descent (Friedman, Hastie & Tibshirani 2010)
//! until the duality gap is small (Kim et al. 2007), as scikit-learn's `Lasso` and `ElasticNet`.
//!
//! linfa's elastic net takes the mean off the target but not off the features, so that it ends elsewhere with an
//! intercept, and knows no weights.

use ndarray::Array2;

use super::Training;
use super::centered::Centered;
use super::gram::gram;
use super::sums;
use crate::source::Fault;

/// Up to how many columns their products are worth being made beforehand.
const WIDE: usize = 512;
/// The part of `tol` that coefficients may change by at the end where there is no gap to look at.
const STILL: f64 = 1e-3;

/// What is minimized, beside the squared error's half mean, and when to stop.
pub(super) struct Goal {
    /// What |w| costs.
    pub(super) l1: f64,
    /// What w²/2 costs.
    pub(super) l2: f64,
    /// Whether coefficients are at least 0.
    pub(super) positive: bool,
    /// How large a gap is left, as a share of the answers' mean square.
    pub(super) tolerance: f64,
    /// How many sweeps over the columns at most.
    pub(super) sweeps: usize,
}

/// Where the descent ended.
pub(super) struct Found {
    /// The coefficients in the columns' units and the answers'.
    pub(super) at: Vec<f64>,
    /// Whether the gap is as small as asked for.
    pub(super) converged: bool,
}

/// Minimizes mean weighted (y - x·w)² / 2 + l1·Σ|w| + l2·Σw² / 2.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn descend(rows: &Centered, goal: &Goal) -> Result<Found, Fault> {
    if rows.y_unit == 0.0 {
        return Ok(Found { at: vec![0.0; rows.columns()], converged: true });
    }
    if rows.columns() <= WIDE.min(rows.rows()) {
        let products = Products::new(rows)?;
        return Descent::new(rows, goal, products).run(rows.data);
    }
    let residuals = Residuals::new(rows);
    Descent::new(rows, goal, residuals).run(rows.data)
}

/// The squared error around the coefficients so far.
trait Slopes {
    /// zᵀ·residuals for a column.
    fn slope(&self, column: usize) -> f64;
    /// Adds to a column's coefficient.
    fn add(&mut self, column: usize, change: f64);
    /// The mean square of the residuals, and the mean product of them and the answers.
    fn squares(&self, at: &[f64]) -> (f64, f64);
}

struct Descent<'a, S> {
    goal: &'a Goal,
    slopes: S,
    /// The columns that aren't constant.
    columns: Vec<usize>,
    /// What |v| costs, by column.
    l1: Vec<f64>,
    /// What v²/2 costs, by column.
    l2: Vec<f64>,
    at: Vec<f64>,
}

impl<'a, S: Slopes> Descent<'a, S> {
    fn new(rows: &Centered, goal: &'a Goal, slopes: S) -> Self {
        Self {
            goal,
            slopes,
            columns: (0..rows.columns()).filter(|&column| rows.units[column] > 0.0).collect(),
            l1: rows.units.iter().map(|unit| goal.l1 / unit / rows.y_unit).collect(),
            l2: rows.units.iter().map(|unit| goal.l2 / unit / unit).collect(),
            at: vec![0.0; rows.columns()],
        }
    }

    fn run(mut self, data: &Training) -> Result<Found, Fault> {
        let all = std::mem::take(&mut self.columns);
        let mut active = all.clone();
        let mut whole = true;
        for sweep in 0..self.goal.sweeps {
            data.go_on()?;
            data.watch.progress(sweep + 1, self.goal.sweeps, "sweeps");
            let change = self.sweep(&active);
            let largest = self.at.iter().fold(0.0f64, |largest, v| largest.max(v.abs()));
            let is_still = change <= self.goal.tolerance * largest;
            if is_still && whole && self.is_there(&all, change, largest) {
                return Ok(Found { at: self.at, converged: true });
            }
            // Those that are 0 are looked at again when the others have come to rest.
            whole = is_still || whole && change > 0.1 * largest;
            active = if whole { all.clone() } else { all.iter().copied().filter(|&c| self.at[c] != 0.0).collect() };
        }
        Ok(Found { at: self.at, converged: false })
    }

    /// Brings each of the columns to its best place in turn; returns the largest change.
    fn sweep(&mut self, columns: &[usize]) -> f64 {
        let mut largest = 0.0f64;
        for &column in columns {
            let before = self.at[column];
            // z has mean square 1.
            let pull = self.slopes.slope(column) + before;
            let beyond = (pull.abs() - self.l1[column]).max(0.0);
            let sign = if pull < 0.0 && self.goal.positive { 0.0 } else { pull.signum() };
            let now = if beyond > 0.0 { sign * beyond / (1.0 + self.l2[column]) } else { 0.0 };
            if now != before {
                self.slopes.add(column, now - before);
                self.at[column] = now;
                largest = largest.max((now - before).abs());
            }
        }
        largest
    }

    /// Whether the duality gap is small enough.
    fn is_there(&self, columns: &[usize], change: f64, largest: f64) -> bool {
        if self.goal.l1 == 0.0 {
            return change <= STILL * self.goal.tolerance * largest;
        }
        let (square, with_y) = self.slopes.squares(&self.at);
        let (mut excess, mut sizes, mut penalty) = (0.0f64, 0.0, 0.0);
        for &column in columns {
            let v = self.at[column];
            let own = if v == 0.0 { 0.0 } else { self.l2[column] * v };
            let slope = self.slopes.slope(column) - own;
            let steep = if self.goal.positive { slope.max(0.0) } else { slope.abs() };
            excess = excess.max(steep / self.l1[column]);
            if v != 0.0 {
                sizes += self.l1[column] * v.abs();
                penalty += own * v;
            }
        }
        let shrunk = if excess > 1.0 { 1.0 / excess } else { 1.0 };
        let gap = 0.5 * (1.0 + shrunk * shrunk) * (square + penalty) + sizes - shrunk * with_y;
        gap <= self.goal.tolerance
    }
}

/// Slopes from the columns' products with each other: a step costs a pass over the columns, not over the rows.
struct Products {
    square: Array2<f64>,
    with_y: Vec<f64>,
    slopes: Vec<f64>,
    of_y: f64,
}

impl Products {
    fn new(rows: &Centered) -> Result<Self, Fault> {
        let columns = rows.columns();
        let square = gram(rows.data, rows.rows(), columns + 1, |first, block| rows.fill(first, block))?;
        let with_y = square.column(columns).iter().take(columns).copied().collect::<Vec<f64>>();
        Ok(Self { slopes: with_y.clone(), with_y, of_y: square[[columns, columns]], square })
    }
}

impl Slopes for Products {
    fn slope(&self, column: usize) -> f64 {
        self.slopes[column]
    }

    fn add(&mut self, column: usize, change: f64) {
        self.slopes.iter_mut().zip(self.square.row(column)).for_each(|(slope, product)| *slope -= change * product);
    }

    fn squares(&self, at: &[f64]) -> (f64, f64) {
        let fitted: f64 = at.iter().zip(&self.with_y).map(|(v, b)| v * b).sum();
        let open: f64 = at.iter().zip(&self.slopes).map(|(v, slope)| v * slope).sum();
        (self.of_y - fitted - open, self.of_y - fitted)
    }
}

/// Slopes from the rows' residuals, for more columns than their products are worth.
struct Residuals<'a> {
    rows: &'a Centered<'a>,
    residuals: Vec<f64>,
}

impl<'a> Residuals<'a> {
    fn new(rows: &'a Centered<'a>) -> Self {
        Self { rows, residuals: rows.y.clone() }
    }
}

impl Slopes for Residuals<'_> {
    fn slope(&self, column: usize) -> f64 {
        self.rows.pull_one(column, &self.residuals)
    }

    fn add(&mut self, column: usize, change: f64) {
        self.rows.push_one(column, -change, &mut self.residuals);
    }

    fn squares(&self, _: &[f64]) -> (f64, f64) {
        (sums::dot(&self.residuals, &self.residuals), sums::dot(&self.residuals, &self.rows.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::reference;

    #[test]
    fn both_ways_to_the_slopes_end_in_the_same_place() {
        let (x, y) = reference::table("diabetes");
        let weights: Vec<f64> = (0..x.rows()).map(|row| (row % 4) as f64).collect();
        for data in [Training::new(&x, &y), Training::new(&x, &y).weighted(&weights)] {
            for (positive, l1, l2) in [(false, 0.05, 0.0), (true, 0.05, 1e-4), (true, 0.0, 1e-4)] {
                let rows = Centered::new(&data, "lasso", true).expect("numbers");
                let goal = Goal { l1, l2, positive, tolerance: 1e-13, sweeps: 100_000 };
                let by_products = Descent::new(&rows, &goal, Products::new(&rows).expect("products"));
                let by_residuals = Descent::new(&rows, &goal, Residuals::new(&rows));
                let (one, two) = (by_products.run(&data).expect("found"), by_residuals.run(&data).expect("found"));
                assert!(one.converged && two.converged);
                for (a, b) in one.at.iter().zip(&two.at) {
                    assert!((a - b).abs() < 1e-6, "{a} {b}");
                }
            }
        }
    }
}
