//! The mean and spread of each column by fixed-order sums, and balanced class weights.

use rayon::prelude::*;

use super::{Training, sums};
use crate::data::stats::sum;

/// A column's weighted mean and standard deviation (of the population).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nature {
    /// The mean.
    pub(super) mean: f64,
    /// The standard deviation.
    pub(super) deviation: f64,
}

/// The weighted mean of `value(row)` over the rows of `data`.
pub(super) fn mean(data: &Training, value: impl Fn(usize) -> f64) -> f64 {
    let rows = data.x.rows();
    let total = sum((0..rows).map(|row| data.weight(row)));
    let rough = sum((0..rows).map(|row| data.weight(row) * value(row))) / total;
    // A second pass takes the rounding of the first away: a constant column's mean is that constant.
    rough + sum((0..rows).map(|row| data.weight(row) * (value(row) - rough))) / total
}

/// Each column's nature over the rows of `data`.
pub(super) fn natures(data: &Training) -> Vec<Nature> {
    let total = total_weight(data);
    (0..data.x.columns()).into_par_iter().map(|index| nature(data.x.column(index), data.weights, total)).collect()
}

/// The sum of all rows' weights.
pub(super) fn total_weight(data: &Training) -> f64 {
    data.weights.map_or(data.x.rows() as f64, |weights| sums::sum_of(weights, |weight| weight))
}

/// The nature of some numbers, whose weights sum to `total`.
pub(super) fn nature(values: &[f64], weights: Option<&[f64]>, total: f64) -> Nature {
    let Some(&first) = values.first() else {
        return Nature { mean: f64::NAN, deviation: f64::NAN };
    };
    // Sums of distances to the first value, so that a constant column's mean is exactly that constant.
    let rough = first + weighted(values, weights, |value| value - first) / total;
    let rest = weighted(values, weights, |value| value - rough) / total;
    let squares = weighted(values, weights, |value| (value - rough) * (value - rough)) / total;
    Nature { mean: rough + rest, deviation: (squares - rest * rest).max(0.0).sqrt() }
}

/// Σ weight · f(value).
fn weighted(values: &[f64], weights: Option<&[f64]>, f: impl Fn(f64) -> f64) -> f64 {
    match weights {
        None => sums::sum_of(values, f),
        Some(weights) => sums::pairs_of(values, weights, |value, weight| weight * f(value)),
    }
}

/// Each row's weight under `weights: balanced`: n / (k · n_c), as scikit-learn's `class_weight="balanced"`.
/// k counts the classes that occur.
pub fn balanced_weights(codes: &[u32], count: usize) -> Vec<f64> {
    let mut rows = vec![0usize; count];
    for &code in codes {
        rows[code as usize] += 1;
    }
    let present = rows.iter().filter(|&&rows| rows > 0).count();
    codes.iter().map(|&code| codes.len() as f64 / (present * rows[code as usize]) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learn::Target;

    #[test]
    fn balanced_weights_give_each_class_the_same_total() {
        let weights = balanced_weights(&[0, 0, 0, 2], 3);
        assert_eq!(weights, [4.0 / 6.0, 4.0 / 6.0, 4.0 / 6.0, 2.0]);
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let twice = Matrix::new(vec!["a".into()], 4, vec![1.0, 1.0, 4.0, 6.0]);
        let once = Matrix::new(vec!["a".into()], 3, vec![1.0, 4.0, 6.0]);
        let (y4, y3) = (Target::Numbers(vec![0.0; 4]), Target::Numbers(vec![0.0; 3]));
        let doubled = natures(&Training::new(&once, &y3).weighted(&[2.0, 1.0, 1.0]));
        assert_eq!(doubled, natures(&Training::new(&twice, &y4)));
        assert_eq!(doubled[0].mean, 3.0);
    }

    #[test]
    fn a_constant_column_has_no_spread() {
        let x = Matrix::new(vec!["a".into()], 3000, vec![0.1; 3000]);
        let y = Target::Numbers(vec![0.0; 3000]);
        let nature = natures(&Training::new(&x, &y))[0];
        assert_eq!((nature.mean, nature.deviation), (0.1, 0.0));
    }
}
