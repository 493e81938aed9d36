//! How mixed a node is: by its classes, or by its numbers' squares.

/// What a tree asks of its answers. A node's rows are summed into `width` numbers.
pub(super) trait Criterion: Sync {
    /// How many sums describe a node.
    fn width(&self) -> usize;
    /// How many values a leaf gives.
    fn outputs(&self) -> usize;
    /// Adds a row to a node's sums.
    fn add(&self, sums: &mut [f64], row: usize, weight: f64);
    /// Whether two rows have the same answer.
    fn same(&self, a: usize, b: usize) -> bool;
    /// Minus weight × impurity, up to a part that is shared by a node and its two sides together. So a split takes
    /// score(left) + score(right) - score(node) away.
    fn score(&self, sums: &[f64]) -> f64;
    /// What a score of 1 is in the target's own units.
    fn unit(&self) -> f64 {
        1.0
    }
    /// What a leaf says.
    fn leaf(&self, sums: &[f64], into: &mut Vec<f64>);
}

/// Classes, judged by Gini's impurity 1 - Σp² or by the entropy -Σ p·ln p.
pub(super) struct Classes<'a> {
    /// Each row's class.
    pub(super) codes: &'a [u32],
    /// How many classes.
    pub(super) count: usize,
    /// Entropy instead of Gini.
    pub(super) entropy: bool,
}

impl Criterion for Classes<'_> {
    fn width(&self) -> usize {
        self.count
    }

    fn outputs(&self) -> usize {
        self.count
    }

    fn add(&self, sums: &mut [f64], row: usize, weight: f64) {
        sums[self.codes[row] as usize] += weight;
    }

    fn same(&self, a: usize, b: usize) -> bool {
        self.codes[a] == self.codes[b]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        let total: f64 = sums.iter().sum();
        if total <= 0.0 {
            return 0.0;
        }
        if !self.entropy {
            return sums.iter().map(|sum| sum * sum).sum::<f64>() / total;
        }
        let shares = sums.iter().filter(|sum| **sum > 0.0);
        shares.map(|sum| sum * (sum / total).ln()).sum()
    }

    fn leaf(&self, sums: &[f64], into: &mut Vec<f64>) {
        let total: f64 = sums.iter().sum();
        into.extend(sums.iter().map(|sum| sum / total));
    }
}

/// Numbers, judged by the mean squared distance from their mean. Sums: weight, weight × number.
pub(super) struct Squares {
    /// (number - center) / scale, so that squares neither overflow nor cancel.
    numbers: Vec<f64>,
    center: f64,
    scale: f64,
}

impl Squares {
    /// Of the numbers, around their mean `center`.
    pub(super) fn new(numbers: &[f64], center: f64) -> Self {
        let halves = numbers.iter().map(|number| (number / 2.0 - center / 2.0).abs());
        let largest = halves.fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let scaled = numbers.iter().map(|number| number / scale - center / scale);
        Self { numbers: scaled.collect(), center, scale }
    }
}

impl Criterion for Squares {
    fn width(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        1
    }

    fn add(&self, sums: &mut [f64], row: usize, weight: f64) {
        sums[0] += weight;
        sums[1] += weight * self.numbers[row];
    }

    fn same(&self, a: usize, b: usize) -> bool {
        self.numbers[a] == self.numbers[b]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        if sums[0] <= 0.0 { 0.0 } else { sums[1] * sums[1] / sums[0] }
    }

    fn unit(&self) -> f64 {
        self.scale * self.scale
    }

    fn leaf(&self, sums: &[f64], into: &mut Vec<f64>) {
        into.push(self.center + sums[1] / sums[0] * self.scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_minus_weight_times_impurity() {
        let gini = Classes { codes: &[], count: 2, entropy: false };
        // Gini of (3, 1) is 3/8; 4 rows of it are 4 - 1.5 of score.
        assert_eq!(gini.score(&[3.0, 1.0]), 2.5);
        let entropy = Classes { codes: &[], count: 2, entropy: true };
        assert!((entropy.score(&[2.0, 2.0]) + 4.0 * 2f64.ln()).abs() < 1e-12);
        assert_eq!(entropy.score(&[2.0, 0.0]), 0.0);
    }

    #[test]
    fn numbers_of_any_size_have_a_mean() {
        for size in [1e-300, 1.0, 1e300] {
            let squares = Squares::new(&[size, 3.0 * size], 2.0 * size);
            let mut sums = [0.0; 2];
            squares.add(&mut sums, 1, 2.0);
            let mut leaf = Vec::new();
            squares.leaf(&sums, &mut leaf);
            assert!((leaf[0] / size - 3.0).abs() < 1e-12);
            assert!(squares.score(&sums).is_finite());
        }
    }
}
