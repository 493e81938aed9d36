//! Sums over many numbers in blocks of fixed length, each with eight sums side by side: vector instructions, and the
//! same result on any number of threads.

use crate::data::stats::BLOCK;

/// How many sums run side by side.
const LANES: usize = 8;

/// Σ f(value).
pub(super) fn sum_of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let blocks = values.chunks(BLOCK).map(|values| {
        let (eights, rest) = values.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for values in eights {
            (0..LANES).for_each(|lane| sums[lane] += f(values[lane]));
        }
        sums.iter().sum::<f64>() + rest.iter().map(|value| f(*value)).sum::<f64>()
    });
    blocks.sum()
}

/// Σ f(a, b).
pub(super) fn pairs_of(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK)).map(|(a, b)| {
        let ((eights, rest), (others, last)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut sums = [0.0; LANES];
        for (a, b) in eights.iter().zip(others) {
            (0..LANES).for_each(|lane| sums[lane] += f(a[lane], b[lane]));
        }
        sums.iter().sum::<f64>() + rest.iter().zip(last).map(|(a, b)| f(*a, *b)).sum::<f64>()
    });
    blocks.sum()
}

/// Σ a·b.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    pairs_of(a, b, |a, b| a * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_length_are_whole() {
        for length in [0, 1, 7, 8, 9, 1023, 1024, 1025, 5000] {
            let values: Vec<f64> = (0..length).map(f64::from).collect();
            let n = f64::from(length);
            assert_eq!(sum_of(&values, |value| 2.0 * value), n * (n - 1.0));
            assert_eq!(dot(&values, &vec![2.0; values.len()]), n * (n - 1.0));
        }
        assert_eq!(sum_of(&[], |value| value), 0.0);
    }
}
