//! The best place to cut one column of a node in two.

use super::bins::Bins;
use super::criterion::Criterion;

/// A node's rows and what they sum to.
pub(super) struct Rows<'a> {
    /// Which rows.
    pub(super) index: &'a [u32],
    /// Every row's weight, those of other nodes too.
    pub(super) weights: &'a [f64],
    /// The criterion's sums over them.
    pub(super) sums: &'a [f64],
    /// How many rows each side keeps at least.
    pub(super) least: usize,
}

/// Where to cut: between two bins that follow each other in the node.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// The score of both sides together.
    pub(super) score: f64,
    /// The last bin of the left side.
    pub(super) last: u8,
    /// The first bin of the right side.
    pub(super) next: u8,
}

/// What a search finds in a column.
pub(super) enum Found {
    /// All rows are in one bin.
    Constant,
    /// The best cut, if any leaves enough rows on both sides.
    Varied(Option<Cut>),
}

/// Room for a search, kept from one to the next.
#[derive(Default)]
pub(super) struct Space {
    sums: Vec<f64>,
    counts: Vec<u32>,
    keys: Vec<u64>,
    left: Vec<f64>,
    right: Vec<f64>,
}

impl Space {
    /// The best cut of one column.
    pub(super) fn search<C: Criterion>(&mut self, criterion: &C, bins: &Bins, column: usize, rows: &Rows) -> Found {
        self.left.clear();
        self.left.resize(criterion.width(), 0.0);
        // Clearing and walking a histogram costs more than sorting a few rows.
        if rows.index.len() * 2 <= bins.count(column) {
            return self.sorted(criterion, bins.column(column), rows);
        }
        self.histogram(criterion, bins.column(column), bins.count(column), rows)
    }

    fn sorted<C: Criterion>(&mut self, criterion: &C, codes: &[u8], rows: &Rows) -> Found {
        self.keys.clear();
        let keys = rows.index.iter().map(|&row| u64::from(codes[row as usize]) << 32 | u64::from(row));
        self.keys.extend(keys);
        self.keys.sort_unstable();
        let code = |key: u64| (key >> 32) as u8;
        let (Some(first), Some(last)) = (self.keys.first(), self.keys.last()) else {
            return Found::Constant;
        };
        if code(*first) == code(*last) {
            return Found::Constant;
        }
        let mut best = None;
        for (nth, pair) in self.keys.windows(2).enumerate() {
            let row = (pair[0] & u64::from(u32::MAX)) as usize;
            criterion.add(&mut self.left, row, rows.weights[row]);
            let (last, next) = (code(pair[0]), code(pair[1]));
            if last != next {
                let sides = (&self.left[..], &mut self.right);
                consider(criterion, rows, sides, nth + 1, (last, next), &mut best);
            }
        }
        Found::Varied(best)
    }

    fn histogram<C: Criterion>(&mut self, criterion: &C, codes: &[u8], bins: usize, rows: &Rows) -> Found {
        let width = criterion.width();
        self.sums.clear();
        self.sums.resize(bins * width, 0.0);
        self.counts.clear();
        self.counts.resize(bins, 0);
        for &row in rows.index {
            let row = row as usize;
            let bin = usize::from(codes[row]);
            self.counts[bin] += 1;
            criterion.add(&mut self.sums[bin * width..(bin + 1) * width], row, rows.weights[row]);
        }
        let (mut best, mut taken, mut varied) = (None, 0, false);
        let mut last: Option<u8> = None;
        for bin in 0..bins {
            if self.counts[bin] == 0 {
                continue;
            }
            if let Some(last) = last {
                varied = true;
                let sides = (&self.left[..], &mut self.right);
                consider(criterion, rows, sides, taken, (last, bin as u8), &mut best);
            }
            let sums = &self.sums[bin * width..(bin + 1) * width];
            self.left.iter_mut().zip(sums).for_each(|(left, sum)| *left += sum);
            taken += self.counts[bin] as usize;
            last = Some(bin as u8);
        }
        if varied { Found::Varied(best) } else { Found::Constant }
    }
}

/// Keeps the cut after `taken` rows if it is better than the best so far.
fn consider<C: Criterion>(
    criterion: &C,
    rows: &Rows,
    (left, right): (&[f64], &mut Vec<f64>),
    taken: usize,
    (last, next): (u8, u8),
    best: &mut Option<Cut>,
) {
    if taken < rows.least || rows.index.len() - taken < rows.least {
        return;
    }
    right.clear();
    right.extend(rows.sums.iter().zip(left).map(|(all, left)| all - left));
    let score = criterion.score(left) + criterion.score(right);
    if score.is_finite() && best.is_none_or(|best| score > best.score) {
        *best = Some(Cut { score, last, next });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learn::tree::criterion::Classes;

    #[test]
    fn sorting_and_counting_find_the_same_cut() {
        let values: Vec<f64> = (0..60).map(|row| f64::from(row * 37 % 60)).collect();
        let codes: Vec<u32> = values.iter().map(|value| u32::from(*value > 22.0 && *value != 40.0)).collect();
        let bins = Bins::new(&Matrix::new(vec!["a".into()], 60, values), 255);
        let criterion = Classes { codes: &codes, count: 2, entropy: false };
        let weights: Vec<f64> = (0..60).map(|row| f64::from(1 + row % 3)).collect();
        let index: Vec<u32> = (0..60).filter(|row| row % 4 != 1).collect();
        let mut sums = [0.0; 2];
        index.iter().for_each(|&row| criterion.add(&mut sums, row as usize, weights[row as usize]));
        let rows = Rows { index: &index, weights: &weights, sums: &sums, least: 2 };
        let mut space = Space { left: vec![0.0; 2], ..Space::default() };
        let Found::Varied(Some(one)) = space.sorted(&criterion, bins.column(0), &rows) else {
            panic!("a cut");
        };
        space.left.fill(0.0);
        let Found::Varied(Some(two)) = space.histogram(&criterion, bins.column(0), 60, &rows) else {
            panic!("a cut");
        };
        assert_eq!((one.last, one.next, one.score), (two.last, two.next, two.score));
        assert!((21..=23).contains(&one.last), "{}", one.last);
    }
}
