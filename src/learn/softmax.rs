//! The logistic loss and its gradient in one pass over the rows, in blocks of fixed length.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};
use rayon::prelude::*;

use super::lanes::{exp, log, log1p};
use super::memory::Posterior;
use super::nature::Nature;
use super::scaling::{Outlook, Scaling};
use super::{Training, sums};
use crate::data::elementary;
use crate::data::stats::BLOCK;
use crate::source::Fault;

/// The least share that a class is taken to have when the search is set up.
const RARE: f64 = 1e-9;

/// The loss of log-odds that are weighted sums, over parameters that are scaled so that one step length fits all.
///
/// A parameter u stands for the coefficient w = scale(u) of the feature minus its mean, and for an intercept beside
/// the one that tells the classes' shares. That is the same problem, but it converges in few steps whatever the
/// features' units are.
pub(super) struct Loss<'a> {
    data: &'a Training<'a>,
    /// Each row's class, counted among those that occur.
    codes: &'a [u32],
    /// How many log-odds: 1 for two classes.
    heads: usize,
    /// What is taken off each feature.
    means: Vec<f64>,
    scaling: Scaling,
    /// For each head: what an intercept's parameter is multiplied by, and where it starts.
    intercepts: Vec<(f64, f64)>,
    /// What w²/2 costs.
    l2: f64,
    /// What each |u| costs.
    l1: Vec<f64>,
    /// What is remembered of rows of before.
    before: Option<&'a Posterior>,
}

/// What large coefficients cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// For each w²/2.
    pub(super) l2: f64,
    /// For each |w|.
    pub(super) l1: f64,
}

/// Sums over one block, or all: the loss, then for each head the features' gradient and the intercept's.
struct Sums {
    loss: f64,
    gradient: Vec<f64>,
}

impl<'a> Loss<'a> {
    /// The loss of rows whose `codes` count the classes that occur, and of those that `before` remembers: `natures` are
    /// the features' over all of them.
    ///
    /// # Errors
    /// If the fit was interrupted.
    pub(super) fn new(
        data: &'a Training<'a>,
        codes: &'a [u32],
        classes: usize,
        natures: &[Nature],
        intercept: bool,
        cost: Cost,
        before: Option<&'a Posterior>,
    ) -> Result<Self, Fault> {
        let Cost { l2, l1 } = cost;
        let mut weights = before.map_or_else(|| vec![0.0; classes], |before| before.weights().to_vec());
        for (row, code) in codes.iter().enumerate() {
            weights[*code as usize] += data.weight(row);
        }
        let total: f64 = weights.iter().sum();
        let even = 1.0 / classes as f64;
        let share = |weight: &f64| if intercept { (weight / total).max(RARE) } else { even };
        let shares: Vec<f64> = weights.iter().map(share).collect();
        let starts: Vec<f64> = match shares[..] {
            [first, second] => vec![elementary::ln(second / first)],
            _ => {
                let logs = shares.iter().map(|share| elementary::ln(*share));
                let middle = logs.clone().sum::<f64>() * even;
                logs.map(|log| log - middle).collect()
            }
        };
        let heads = starts.len();
        let curvatures: Vec<f64> = shares[..heads].iter().map(|share| total * share * (1.0 - share)).collect();
        let about = |n: &Nature| if intercept { n.deviation } else { elementary::hypot(n.deviation, n.mean) };
        let units: Vec<f64> = natures.iter().map(about).collect();
        let means: Vec<f64> = natures.iter().map(|n| if intercept { n.mean } else { 0.0 }).collect();
        let outlook = Outlook { data, means: &means, units: &units, curvatures: &curvatures, l2 };
        let scaling = if l1 > 0.0 { Scaling::diagonal(&outlook) } else { Scaling::whole(&outlook)? };
        let constant =
            |(curvature, start): (&f64, &f64)| if intercept { (1.0 / curvature.sqrt(), *start) } else { (0.0, 0.0) };
        let intercepts = curvatures.iter().zip(&starts).map(constant).collect();
        let l1 = match &scaling {
            Scaling::Diagonal(scales) => {
                let cost = |scales: &[f64]| scales.iter().map(|scale| l1 * scale).chain([0.0]).collect::<Vec<f64>>();
                scales.chunks(means.len()).flat_map(cost).collect()
            }
            Scaling::Whole { .. } => vec![0.0; heads * (means.len() + 1)],
        };
        Ok(Self { data, codes, heads, means, scaling, intercepts, l2, l1, before })
    }

    /// How many parameters.
    #[cfg(test)]
    fn parameters(&self) -> usize {
        self.l1.len()
    }

    /// What each |u| costs.
    pub(super) fn l1(&self) -> &[f64] {
        &self.l1
    }

    /// The coefficients, head after head, and the intercepts, in the features' own units.
    pub(super) fn unscale(&self, parameters: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let columns = self.means.len();
        let mut coefficients = Vec::with_capacity(self.heads * columns);
        let mut intercepts = Vec::with_capacity(self.heads);
        for (head, parameters) in parameters.chunks(columns + 1).enumerate() {
            let (scale, start) = self.intercepts[head];
            let mut own = parameters[..columns].to_vec();
            self.scaling.to_coefficients(head, &mut own);
            let shift: f64 = own.iter().zip(&self.means).map(|(w, mean)| w * mean).sum();
            intercepts.push(start + scale * parameters[columns] - shift);
            coefficients.extend(own);
        }
        (coefficients, intercepts)
    }

    /// The value and gradient at `parameters`.
    pub(super) fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (coefficients, intercepts) = self.unscale(parameters);
        let blocks = self.data.x.rows().div_ceil(BLOCK);
        let sums: Vec<Sums> = (0..blocks)
            .into_par_iter()
            .map_init(Vec::new, |odds, block| self.block(block, &coefficients, &intercepts, odds))
            .collect();
        let mut loss = 0.0;
        gradient.fill(0.0);
        for sums in &sums {
            loss += sums.loss;
            gradient.iter_mut().zip(&sums.gradient).for_each(|(to, part)| *to += part);
        }
        loss += self.before.map_or(0.0, |before| before.add(&coefficients, &intercepts, gradient));
        loss + self.finish(&coefficients, gradient)
    }

    /// Takes the gradient to the scaled parameters, adds the penalty's part, and returns the penalty.
    fn finish(&self, coefficients: &[f64], gradient: &mut [f64]) -> f64 {
        let columns = self.means.len();
        let mut penalty = 0.0;
        for (head, gradient) in gradient.chunks_mut(columns + 1).enumerate() {
            let (slope, of_intercept) = gradient.split_at_mut(columns);
            let own = &coefficients[head * columns..(head + 1) * columns];
            for ((slope, mean), w) in slope.iter_mut().zip(&self.means).zip(own) {
                *slope += self.l2 * w - mean * of_intercept[0];
                penalty += 0.5 * self.l2 * w * w;
            }
            self.scaling.to_parameters(head, slope);
            of_intercept[0] *= self.intercepts[head].0;
        }
        penalty
    }

    /// The sums over one block of rows: its columns are walked twice while they are in the cache.
    fn block(&self, block: usize, coefficients: &[f64], intercepts: &[f64], odds: &mut Vec<f64>) -> Sums {
        let x = self.data.x;
        let first = block * BLOCK;
        let rows = BLOCK.min(x.rows() - first);
        let columns = x.columns();
        odds.clear();
        intercepts.iter().for_each(|intercept| odds.extend(std::iter::repeat_n(*intercept, rows)));
        let mut gradient = vec![0.0; self.heads * (columns + 1)];
        let codes = &self.codes[first..first + rows];
        let weights = self.data.weights.map(|weights| &weights[first..first + rows]);
        let loss;
        if self.heads == 1 {
            for (column, w) in coefficients.iter().enumerate() {
                let values = &x.column(column)[first..first + rows];
                odds.iter_mut().zip(values).for_each(|(odds, value)| *odds += w * value);
            }
            loss = two(codes, weights, odds);
            for (column, slope) in gradient[..columns].iter_mut().enumerate() {
                *slope = sums::dot(odds, &x.column(column)[first..first + rows]);
            }
        } else {
            let view = ArrayView2::from_shape((rows, columns).strides((1, x.rows())), &x.values()[first..])
                .expect("a block of rows lies in the matrix");
            let w =
                ArrayView2::from_shape((self.heads, columns), coefficients).expect("a coefficient a head and column");
            let mut to = ArrayViewMut2::from_shape((rows, self.heads).f(), odds).expect("log-odds a row and head");
            general_mat_mul(1.0, &view, &w.t(), 1.0, &mut to);
            loss = many(codes, weights, odds);
            let residuals = ArrayView2::from_shape((self.heads, rows), odds).expect("residuals a head and row");
            let shape = (self.heads, columns).strides((columns + 1, 1));
            let mut to = ArrayViewMut2::from_shape(shape, &mut gradient).expect("a slope a head and column");
            general_mat_mul(1.0, &residuals, &view, 0.0, &mut to);
        }
        for (residuals, gradient) in odds.chunks(rows).zip(gradient.chunks_mut(columns + 1)) {
            gradient[columns] = sums::sum_of(residuals, |residual| residual);
        }
        Sums { loss, gradient }
    }
}

/// The loss for two classes; log-odds become weighted residuals.
fn two(codes: &[u32], weights: Option<&[f64]>, odds: &mut [f64]) -> f64 {
    let mut losses = vec![0.0; odds.len()];
    for ((z, loss), code) in odds.iter_mut().zip(&mut losses).zip(codes) {
        let truth = f64::from(*code as i32);
        let power = exp(-z.abs());
        let share = 1.0 / (1.0 + power);
        *loss = z.max(0.0) - *z * truth + log1p(power);
        let probability = if *z >= 0.0 { share } else { power * share };
        *z = probability - truth;
    }
    if let Some(weights) = weights {
        odds.iter_mut().zip(weights).for_each(|(residual, weight)| *residual *= weight);
        losses.iter_mut().zip(weights).for_each(|(loss, weight)| *loss *= weight);
    }
    sums::sum_of(&losses, |loss| loss)
}

/// The loss for more classes; log-odds, class after class, become weighted residuals.
fn many(codes: &[u32], weights: Option<&[f64]>, odds: &mut [f64]) -> f64 {
    let rows = codes.len();
    let mut largest = odds[..rows].to_vec();
    for odds in odds.chunks(rows).skip(1) {
        largest.iter_mut().zip(odds).for_each(|(largest, z)| *largest = if *z > *largest { *z } else { *largest });
    }
    let mut losses: Vec<f64> =
        codes.iter().enumerate().map(|(row, code)| largest[row] - odds[*code as usize * rows + row]).collect();
    let mut sums = vec![0.0; rows];
    for odds in odds.chunks_mut(rows) {
        for ((z, largest), sum) in odds.iter_mut().zip(&largest).zip(&mut sums) {
            *z = exp(*z - largest);
            *sum += *z;
        }
    }
    losses.iter_mut().zip(&sums).for_each(|(loss, sum)| *loss += log(*sum));
    if let Some(weights) = weights {
        losses.iter_mut().zip(weights).for_each(|(loss, weight)| *loss *= weight);
    }
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = weights.map_or(1.0, |weights| weights[row]) / *sum;
    }
    for odds in odds.chunks_mut(rows) {
        odds.iter_mut().zip(&sums).for_each(|(z, factor)| *z *= factor);
    }
    for (row, code) in codes.iter().enumerate() {
        odds[*code as usize * rows + row] -= weights.map_or(1.0, |weights| weights[row]);
    }
    sums::sum_of(&losses, |loss| loss)
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
                let cost = Cost { l2: 0.7, l1: 0.0 };
                let loss = Loss::new(&data, &codes, count, &natures, intercept, cost, None).expect("loss");
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
