//! Permutation importance: how much worse a score becomes when the values of a column change places among the rows
//! (Breiman 2001; scikit-learn's `permutation_importance`).

use super::Direction;
use super::chance::Chance;
use crate::data::stats;

/// What a score loses without what a column tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The mean over the repeats, in the metric's own units: above 0 where the score became worse.
    pub mean: f64,
    /// The standard deviation over the repeats, of the population.
    pub std: f64,
    /// Repeat by repeat.
    pub losses: Vec<f64>,
}

impl Loss {
    /// Of a score on the rows as they are, and on those with a column's values in each other order.
    pub fn of(score: f64, shuffled: &[f64], direction: Direction) -> Self {
        let worse = |other: f64| match direction {
            Direction::Higher => score - other,
            Direction::Lower => other - score,
        };
        let losses: Vec<f64> = shuffled.iter().map(|other| worse(*other)).collect();
        let count = losses.len() as f64;
        let mean = stats::sum(losses.iter().copied()) / count;
        let variance = stats::sum(losses.iter().map(|loss| (loss - mean).powi(2))) / count;
        Self { mean, std: variance.sqrt(), losses }
    }
}

/// Which row's value of a column each row is given in one repeat. It depends on the seed, the column's name and the repeat
/// alone, so that models are compared under the same orders.
pub fn permutation(rows: usize, seed: u64, column: &str, repeat: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    Chance::named(seed, column, repeat as u64).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_less_or_more_as_the_metric_says() {
        let f1 = Loss::of(0.9, &[0.5, 0.7], Direction::Higher);
        assert!((f1.mean - 0.3).abs() < 1e-15 && (f1.std - 0.1).abs() < 1e-15, "{f1:?}");
        assert_eq!(Loss::of(1.0, &[1.5, 1.5], Direction::Lower), Loss { mean: 0.5, std: 0.0, losses: vec![0.5; 2] });
    }

    #[test]
    fn each_column_and_repeat_has_an_order_of_its_own() {
        let order = permutation(20, 7, "age", 0);
        assert_eq!(order, permutation(20, 7, "age", 0));
        for other in [permutation(20, 8, "age", 0), permutation(20, 7, "fare", 0), permutation(20, 7, "age", 1)] {
            assert_ne!(order, other);
        }
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
