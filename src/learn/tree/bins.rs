//! Columns cut into at most 255 bins, so that a split is a search over bytes.

use rayon::prelude::*;

use crate::data::Matrix;

/// How many bins a column has at most.
const MOST: usize = 255;

/// Every column as bin codes, and what the bins hold.
pub(super) struct Bins {
    rows: usize,
    /// Column after column.
    codes: Vec<u8>,
    edges: Vec<Edges>,
}

/// The smallest and the largest value in each bin of a column, ascending.
struct Edges {
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Bins {
    /// Cuts every column: a bin for each distinct value where there are at most 255, else bins of about as many rows
    /// each that never part equal values.
    pub(super) fn new(x: &Matrix) -> Self {
        let columns: Vec<(Edges, Vec<u8>)> = (0..x.columns())
            .into_par_iter()
            .map(|index| {
                let values = x.column(index);
                let edges = Edges::of(values);
                let codes = values.iter().map(|value| edges.code(*value)).collect();
                (edges, codes)
            })
            .collect();
        let mut codes = Vec::with_capacity(x.rows() * x.columns());
        let mut edges = Vec::with_capacity(x.columns());
        for (of_column, column) in columns {
            edges.push(of_column);
            codes.extend_from_slice(&column);
        }
        Self { rows: x.rows(), codes, edges }
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub(super) fn columns(&self) -> usize {
        self.edges.len()
    }

    /// The bin of each row in a column.
    pub(super) fn column(&self, index: usize) -> &[u8] {
        &self.codes[index * self.rows..(index + 1) * self.rows]
    }

    /// How many bins a column has.
    pub(super) fn count(&self, index: usize) -> usize {
        self.edges[index].low.len()
    }

    /// The number midway between two bins: values of bin `last` and below are at most that, those of `next` and
    /// above are more.
    pub(super) fn threshold(&self, index: usize, last: u8, next: u8) -> f64 {
        let edges = &self.edges[index];
        let (below, above) = (edges.high[usize::from(last)], edges.low[usize::from(next)]);
        let middle = below / 2.0 + above / 2.0;
        if middle >= below && middle < above { middle } else { below }
    }
}

impl Edges {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let runs: Vec<&[f64]> = sorted.chunk_by(|a, b| a == b).collect();
        let mut edges = Self { low: Vec::new(), high: Vec::new() };
        let exact = runs.len() <= MOST;
        let (mut left, mut held) = (values.len(), 0);
        for run in runs {
            if held == 0 {
                edges.low.push(run[0]);
                edges.high.push(run[0]);
            }
            *edges.high.last_mut().expect("a bin was begun") = run[0];
            held += run.len();
            // What is left is shared evenly by the bins that are left.
            let share = left.div_ceil((MOST + 1).saturating_sub(edges.low.len()).max(1));
            if exact || (held >= share && edges.low.len() < MOST) {
                left -= held;
                held = 0;
            }
        }
        edges
    }

    fn code(&self, value: f64) -> u8 {
        let below = self.high.partition_point(|high| *high < value);
        u8::try_from(below).expect("there are at most 255 bins")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(values: Vec<f64>) -> Bins {
        Bins::new(&Matrix::new(vec!["a".into()], values.len(), values))
    }

    #[test]
    fn few_values_get_a_bin_each_and_real_midpoints() {
        let bins = bins(vec![3.0, -0.0, 1.0, 0.0, 3.0]);
        assert_eq!(bins.column(0), [2, 0, 1, 0, 2]);
        assert_eq!(bins.threshold(0, 0, 1), 0.5);
        assert_eq!(bins.threshold(0, 0, 2), 1.5);
    }

    #[test]
    fn many_values_are_shared_evenly_and_equals_stay_together() {
        let mut values: Vec<f64> = (0..5000).map(f64::from).collect();
        values.extend([7.0; 900]);
        let bins = bins(values.clone());
        assert_eq!(bins.count(0), 255);
        let mut held = [0; 255];
        for &code in bins.column(0) {
            held[usize::from(code)] += 1;
        }
        let seven = bins.column(0)[7];
        assert!(bins.column(0)[5000..].iter().all(|&code| code == seven));
        for (code, held) in held.iter().enumerate() {
            let fair = code == usize::from(seven) || (15..=25).contains(held);
            assert!(fair, "bin {code} holds {held}");
        }
    }

    #[test]
    fn neighbours_and_extremes_are_told_apart() {
        let next = 1.0f64.next_up();
        assert_eq!(bins(vec![1.0, next]).threshold(0, 0, 1), 1.0);
        assert_eq!(bins(vec![-1e308, 1e308]).threshold(0, 0, 1), 0.0);
    }
}
