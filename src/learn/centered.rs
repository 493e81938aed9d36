//! The rows of a linear model as its solver sees them: centered, weighted, and each column in a unit of its own.

use ndarray::{ArrayViewMut2, Axis};
use rayon::prelude::*;

use super::linear::{Line, importance};
use super::nature::{self, Nature};
use super::{Target, Training, sums, validate};
use crate::data::elementary::hypot;
use crate::data::stats::BLOCK;
use crate::source::Fault;

/// z = √(weight / total) · (x - mean) / unit, and the same of y: without a copy of x.
pub(super) struct Centered<'a> {
    /// The rows.
    pub(super) data: &'a Training<'a>,
    /// The answers in their unit, weighted as rows are.
    pub(super) y: Vec<f64>,
    /// The answers' unit: their deviation, or 0 if they are all the same.
    pub(super) y_unit: f64,
    /// What the weights sum to.
    pub(super) total: f64,
    /// Each column's unit; 0 for a column that is constant, whose z is 0.
    pub(super) units: Vec<f64>,
    /// Whether an intercept is fitted. If not, means are taken as 0.
    pub(super) intercept: bool,
    /// √(weight / total) of each row; `None` if all are the same.
    roots: Option<Vec<f64>>,
    /// What is taken off each column.
    pub(super) means: Vec<f64>,
    /// What is taken off the answers.
    pub(super) offset: f64,
    natures: Vec<Nature>,
}

impl<'a> Centered<'a> {
    /// Each column in units of its deviation.
    ///
    /// # Errors
    /// If the target has classes, or the squares of numbers overflow.
    pub(super) fn new(data: &'a Training, name: &str, intercept: bool) -> Result<Self, Fault> {
        let Target::Numbers(y) = data.y else {
            return Err(validate::wrong_task(name, data.y.task()));
        };
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let total = nature::total_weight(data);
        let of_y = nature::nature(y, data.weights, total);
        let about = |nature: &Nature| if intercept { nature.deviation } else { hypot(nature.deviation, nature.mean) };
        let offset = if intercept { of_y.mean } else { 0.0 };
        let y_unit = about(&of_y);
        if !(of_y.mean.is_finite() && y_unit.is_finite()) {
            return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean and a spread")
                .help("scale it first"));
        }
        let roots: Option<Vec<f64>> =
            data.weights.map(|weights| weights.iter().map(|weight| (weight / total).sqrt()).collect());
        let even = (1.0 / total).sqrt();
        let scaled = |(row, y): (usize, &f64)| {
            let root = roots.as_ref().map_or(even, |roots| roots[row]);
            if y_unit > 0.0 { root * ((y - offset) / y_unit) } else { 0.0 }
        };
        Ok(Self {
            y: y.iter().enumerate().map(scaled).collect(),
            data,
            y_unit,
            total,
            units: natures.iter().map(about).collect(),
            intercept,
            means: natures.iter().map(|nature| if intercept { nature.mean } else { 0.0 }).collect(),
            roots,
            offset,
            natures,
        })
    }

    /// The same with all columns in the unit of the widest.
    #[must_use]
    pub(super) fn alike(mut self) -> Self {
        let widest = self.units.iter().fold(0.0f64, |widest, unit| widest.max(*unit));
        self.units.fill(widest);
        self
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.y.len()
    }

    /// How many columns.
    pub(super) fn columns(&self) -> usize {
        self.units.len()
    }

    /// √(weight / total) of a row.
    pub(super) fn root(&self, row: usize) -> f64 {
        self.roots.as_ref().map_or_else(|| (1.0 / self.total).sqrt(), |roots| roots[row])
    }

    /// Writes z of the rows from `first` on, one a row of `block`; a last column, if there is one more, gets y.
    pub(super) fn fill(&self, first: usize, mut block: ArrayViewMut2<f64>) {
        let height = block.nrows();
        for (column, mut into) in block.axis_iter_mut(Axis(1)).enumerate() {
            if column == self.columns() {
                into.iter_mut().zip(&self.y[first..first + height]).for_each(|(into, y)| *into = *y);
                continue;
            }
            let values = &self.data.x.column(column)[first..first + height];
            let (mean, factor) = (self.means[column], self.factor(column));
            match &self.roots {
                Some(roots) => {
                    let pairs = values.iter().zip(&roots[first..first + height]);
                    into.iter_mut().zip(pairs).for_each(|(into, (x, root))| *into = (x - mean) * factor * root);
                }
                None => {
                    let factor = factor * (1.0 / self.total).sqrt();
                    into.iter_mut().zip(values).for_each(|(into, x)| *into = (x - mean) * factor);
                }
            }
        }
    }

    /// Writes z of the columns from `first` on, one a row of `block`, which has all rows side by side.
    pub(super) fn fill_across(&self, first: usize, mut block: ArrayViewMut2<f64>) {
        for (nth, mut into) in block.axis_iter_mut(Axis(0)).enumerate() {
            let column = first + nth;
            let (mean, factor) = (self.means[column], self.factor(column));
            for (row, (into, x)) in into.iter_mut().zip(self.data.x.column(column)).enumerate() {
                *into = (x - mean) * factor * self.root(row);
            }
        }
    }

    /// z · v, a number a row.
    pub(super) fn apply(&self, v: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.rows()];
        all.par_chunks_mut(BLOCK).enumerate().for_each(|(block, into)| {
            let first = block * BLOCK;
            for (column, v) in v.iter().enumerate() {
                let (mean, factor) = (self.means[column], self.factor(column) * v);
                let values = &self.data.x.column(column)[first..first + into.len()];
                into.iter_mut().zip(values).for_each(|(into, x)| *into += (x - mean) * factor);
            }
            into.iter_mut().enumerate().for_each(|(row, into)| *into *= self.root(first + row));
        });
        all
    }

    /// zᵀ · r, a number a column.
    pub(super) fn pull(&self, r: &[f64]) -> Vec<f64> {
        let weighted: Vec<f64> = r.iter().enumerate().map(|(row, r)| self.root(row) * r).collect();
        (0..self.columns())
            .into_par_iter()
            .map(|column| {
                let mean = self.means[column];
                self.factor(column) * sums::pairs_of(self.data.x.column(column), &weighted, |x, r| (x - mean) * r)
            })
            .collect()
    }

    /// zᵀ · r of one column.
    pub(super) fn pull_one(&self, column: usize, r: &[f64]) -> f64 {
        let (values, mean, factor) = (self.data.x.column(column), self.means[column], self.factor(column));
        match &self.roots {
            None => factor * (1.0 / self.total).sqrt() * sums::pairs_of(values, r, |x, r| (x - mean) * r),
            Some(roots) => {
                let blocks = values.chunks(BLOCK).zip(roots.chunks(BLOCK)).zip(r.chunks(BLOCK));
                factor
                    * blocks
                        .map(|((values, roots), r)| {
                            let own: Vec<f64> = roots.iter().zip(r).map(|(root, r)| root * r).collect();
                            sums::pairs_of(values, &own, |x, r| (x - mean) * r)
                        })
                        .sum::<f64>()
            }
        }
    }

    /// Adds `change` times z of one column.
    pub(super) fn push_one(&self, column: usize, change: f64, into: &mut [f64]) {
        let (values, mean, factor) = (self.data.x.column(column), self.means[column], change * self.factor(column));
        match &self.roots {
            None => {
                let factor = factor * (1.0 / self.total).sqrt();
                into.iter_mut().zip(values).for_each(|(into, x)| *into += (x - mean) * factor);
            }
            Some(roots) => {
                let pairs = values.iter().zip(roots);
                into.iter_mut().zip(pairs).for_each(|(into, (x, root))| *into += (x - mean) * factor * root);
            }
        }
    }

    /// The line of the coefficients of z.
    ///
    /// # Errors
    /// If they aren't finite in the features' units.
    pub(super) fn line(&self, v: &[f64]) -> Result<Line, Fault> {
        let own = |(column, v): (usize, &f64)| if *v == 0.0 { 0.0 } else { v * self.factor(column) * self.y_unit };
        let coefficients: Vec<f64> = v.iter().enumerate().map(own).collect();
        let shift: f64 = coefficients.iter().zip(&self.means).map(|(w, mean)| w * mean).sum();
        let intercept = self.offset - shift;
        if !(intercept.is_finite() && coefficients.iter().all(|w| w.is_finite())) {
            return Err(unbounded());
        }
        let importance = importance(&coefficients, &self.natures);
        let means = self.natures.iter().map(|nature| nature.mean).collect();
        Ok(Line { coefficients, intercept, means, importance })
    }

    fn factor(&self, column: usize) -> f64 {
        if self.units[column] > 0.0 { 1.0 / self.units[column] } else { 0.0 }
    }
}

/// The fault of coefficients that no float holds.
pub(super) fn unbounded() -> Fault {
    Fault::new("no-solution", "the least squares have no finite solution")
        .help("features of sizes as different as these need scaling first")
}
