//! The logistic loss and its gradient in one pass over the rows, in blocks of fixed length.

use rayon::prelude::*;

use super::Training;
use super::linear::sigmoid;
use super::nature::Nature;
use crate::data::stats::BLOCK;

/// The loss of log-odds that are weighted sums, over parameters that are scaled so that one step length fits all.
///
/// A parameter u stands for the coefficient w = scale · u of the feature minus its mean. That is the same problem
/// (the intercept takes the means up), but it converges in few steps whatever the features' units are.
pub(super) struct Loss<'a> {
    data: &'a Training<'a>,
    /// Each row's class, counted among those that occur.
    codes: &'a [u32],
    /// How many log-odds: 1 for two classes.
    heads: usize,
    /// What is taken off each feature.
    means: Vec<f64>,
    /// Each parameter's scale, the intercept's last.
    scales: Vec<f64>,
    /// What w²/2 costs.
    l2: f64,
}

/// Sums over one block, or all: the loss, then for each head the features' gradient and the intercept's.
struct Sums {
    loss: f64,
    gradient: Vec<f64>,
}

impl<'a> Loss<'a> {
    pub(super) fn new(
        data: &'a Training<'a>,
        codes: &'a [u32],
        classes: usize,
        natures: &[Nature],
        intercept: bool,
        l2: f64,
    ) -> Self {
        let total = crate::data::stats::sum((0..data.x.rows()).map(|row| data.weight(row)));
        let share = 1.0 / classes as f64;
        // The Hessian's diagonal where nothing is known yet and every class is as likely.
        let curvature = total * share * (1.0 - share);
        let scale = |square: f64| {
            let diagonal = curvature * square + l2;
            if diagonal > 0.0 { 1.0 / diagonal.sqrt() } else { 0.0 }
        };
        let squares = natures.iter().map(|nature| {
            let mean = if intercept { 0.0 } else { nature.mean };
            nature.deviation.powi(2) + mean.powi(2)
        });
        let mut scales: Vec<f64> = squares.map(scale).collect();
        scales.push(if intercept { 1.0 / curvature.sqrt() } else { 0.0 });
        Self {
            data,
            codes,
            heads: if classes == 2 { 1 } else { classes },
            means: natures.iter().map(|n| if intercept { n.mean } else { 0.0 }).collect(),
            scales,
            l2,
        }
    }

    /// How many parameters.
    pub(super) fn parameters(&self) -> usize {
        self.heads * self.scales.len()
    }

    /// What |u| costs where |w| costs `l1`.
    pub(super) fn l1(&self, l1: f64) -> Vec<f64> {
        let columns = self.means.len();
        (0..self.parameters())
            .map(|index| match index % self.scales.len() {
                column if column == columns => 0.0,
                column => l1 * self.scales[column],
            })
            .collect()
    }

    /// The coefficients, head after head, and the intercepts, in the features' own units.
    pub(super) fn unscale(&self, parameters: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut coefficients = Vec::with_capacity(self.heads * self.means.len());
        let mut intercepts = Vec::with_capacity(self.heads);
        for head in parameters.chunks(self.scales.len()) {
            let start = coefficients.len();
            let scaled = head.iter().zip(&self.scales).map(|(u, scale)| u * scale);
            coefficients.extend(scaled);
            let raw = coefficients.pop().expect("the intercept is the last of each head");
            let shift: f64 = coefficients[start..].iter().zip(&self.means).map(|(w, m)| w * m).sum();
            intercepts.push(raw - shift);
        }
        (coefficients, intercepts)
    }

    /// The value and gradient at `parameters`.
    pub(super) fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (coefficients, intercepts) = self.unscale(parameters);
        let blocks = self.data.x.rows().div_ceil(BLOCK);
        let sums: Vec<Sums> =
            (0..blocks).into_par_iter().map(|block| self.block(block, &coefficients, &intercepts)).collect();
        let mut loss = 0.0;
        gradient.fill(0.0);
        for sums in &sums {
            loss += sums.loss;
            gradient.iter_mut().zip(&sums.gradient).for_each(|(to, part)| *to += part);
        }
        loss + self.finish(&coefficients, gradient)
    }

    /// Takes the gradient to the scaled parameters, adds the penalty's part, and returns the penalty.
    fn finish(&self, coefficients: &[f64], gradient: &mut [f64]) -> f64 {
        let columns = self.means.len();
        let mut penalty = 0.0;
        for (head, gradient) in gradient.chunks_mut(self.scales.len()).enumerate() {
            let of_intercept = gradient[columns];
            for column in 0..columns {
                let w = coefficients[head * columns + column];
                let centered = gradient[column] - self.means[column] * of_intercept;
                gradient[column] = self.scales[column] * (centered + self.l2 * w);
                penalty += 0.5 * self.l2 * w * w;
            }
            gradient[columns] = self.scales[columns] * of_intercept;
        }
        penalty
    }

    /// The sums over one block of rows: columns are walked twice while they are in the cache.
    fn block(&self, block: usize, coefficients: &[f64], intercepts: &[f64]) -> Sums {
        let x = self.data.x;
        let first = block * BLOCK;
        let rows = BLOCK.min(x.rows() - first);
        let columns = x.columns();
        let mut odds = vec![0.0; self.heads * rows];
        for (head, odds) in odds.chunks_mut(rows).enumerate() {
            odds.fill(intercepts[head]);
            for column in 0..columns {
                let w = coefficients[head * columns + column];
                let values = &x.column(column)[first..first + rows];
                odds.iter_mut().zip(values).for_each(|(odds, value)| *odds += w * value);
            }
        }
        let loss = if self.heads == 1 { self.two(first, &mut odds) } else { self.many(first, rows, &mut odds) };
        let mut gradient = Vec::with_capacity(self.parameters());
        for residuals in odds.chunks(rows) {
            for column in 0..columns {
                let values = &x.column(column)[first..first + rows];
                gradient.push(residuals.iter().zip(values).map(|(r, value)| r * value).sum());
            }
            gradient.push(residuals.iter().sum());
        }
        Sums { loss, gradient }
    }

    /// The loss for two classes; log-odds become weighted residuals.
    fn two(&self, first: usize, odds: &mut [f64]) -> f64 {
        let mut loss = 0.0;
        for (index, slot) in odds.iter_mut().enumerate() {
            let weight = self.data.weight(first + index);
            let truth = f64::from(self.codes[first + index]);
            let z = *slot;
            loss += weight * (z.max(0.0) - z * truth + (-z.abs()).exp().ln_1p());
            *slot = weight * (sigmoid(z) - truth);
        }
        loss
    }

    /// The loss for more classes; log-odds become weighted residuals.
    fn many(&self, first: usize, rows: usize, odds: &mut [f64]) -> f64 {
        let mut loss = 0.0;
        for index in 0..rows {
            let weight = self.data.weight(first + index);
            let truth = self.codes[first + index] as usize;
            let places = || (0..self.heads).map(|head| head * rows + index);
            let largest = places().fold(f64::NEG_INFINITY, |max, at| max.max(odds[at]));
            let own = odds[truth * rows + index];
            let mut total = 0.0;
            for at in places() {
                odds[at] = (odds[at] - largest).exp();
                total += odds[at];
            }
            loss += weight * (total.ln() + largest - own);
            places().for_each(|at| odds[at] *= weight / total);
            odds[truth * rows + index] -= weight;
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learn::{Target, nature};

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let x = Matrix::new(names, 5, vec![1., 2., 3., 4., 7., 0., 9., -1., 3., 2.]);
        for codes in [vec![0, 1, 1, 0, 1], vec![0, 1, 2, 0, 1]] {
            let count = *codes.iter().max().expect("codes") as usize + 1;
            let y = Target::Classes { codes: codes.clone(), count };
            let weights = [1.0, 2.0, 0.5, 1.0, 3.0];
            let data = Training::new(&x, &y).weighted(&weights);
            let natures = nature::natures(&data);
            for intercept in [true, false] {
                let loss = Loss::new(&data, &codes, count, &natures, intercept, 0.7);
                let at: Vec<f64> = (0..loss.parameters()).map(|i| 0.3 * i as f64 - 0.4).collect();
                let mut gradient = vec![0.0; at.len()];
                loss.evaluate(&at, &mut gradient);
                for index in 0..at.len() {
                    let beside = |by: f64| {
                        let mut at = at.clone();
                        at[index] += by;
                        loss.evaluate(&at, &mut vec![0.0; at.len()])
                    };
                    let slope = (beside(1e-6) - beside(-1e-6)) / 2e-6;
                    assert!((slope - gradient[index]).abs() < 1e-7, "{slope} {gradient:?}");
                }
            }
        }
    }
}
