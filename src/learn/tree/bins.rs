//! Columns cut into at most 255 bins, so that a split is a search over bytes.

use rayon::prelude::*;

use crate::data::Matrix;
use crate::learn::chance::Chance;

/// The code of a row that lacks a value.
pub(in crate::learn) const MISSING: u8 = 255;

/// How many bins a column has at most, the missing values' aside.
pub(in crate::learn) const MOST: usize = 255;

/// How many categories have a bin of their own.
const LEVELS: usize = 254;

/// How many rows bins are cut by where there are more.
const SAMPLE: usize = 65_536;

/// Every column as bin codes, and what the bins hold. Numbers have the bins 0, 1, … in ascending order, and a
/// category's bin is its code. Rows without a value have the code [`MISSING`].
pub(in crate::learn) struct Bins {
    rows: usize,
    /// Column after column.
    codes: Vec<u8>,
    kinds: Vec<Kind>,
}

/// What the codes of a column stand for.
struct Kind {
    hold: Hold,
    /// Whether a row lacks a value.
    missing: bool,
}

enum Hold {
    Numbers(Edges),
    /// The category of each bin, of so many categories.
    Levels {
        of: Vec<u32>,
        levels: u32,
    },
}

/// The smallest and the largest value in each bin of a column, ascending.
struct Edges {
    low: Vec<f64>,
    high: Vec<f64>,
    /// Whether each distinct value has a bin of its own.
    exact: bool,
}

impl Bins {
    /// Cuts every column: a bin for each distinct value where there are at most `most` (up to [`MOST`]), else bins of
    /// about as many rows each that never part equal values. Where a column has more than 65,536 rows, an even sample
    /// of so many says where bins end. The 254 most frequent categories of a column have bins; the others count as
    /// missing.
    pub(in crate::learn) fn new(x: &Matrix, most: usize) -> Self {
        let (rows, most) = (x.rows(), most.clamp(2, MOST));
        let sample = sample(rows);
        let mut codes = vec![0; rows * x.columns()];
        let cut = |(index, codes): (usize, &mut [u8])| {
            let values = x.column(index);
            let hold = match x.levels(index) {
                Some(levels) => by_level(values, levels, codes),
                None => Hold::Numbers(by_value(values, sample.as_deref(), most, codes)),
            };
            Kind { hold, missing: codes.contains(&MISSING) }
        };
        // A matrix without rows has no chunks, and every column none the less its kind.
        let mut kinds: Vec<Kind> = codes.par_chunks_mut(rows.max(1)).enumerate().map(cut).collect();
        let empty = || Hold::Numbers(Edges { low: Vec::new(), high: Vec::new(), exact: true });
        kinds.resize_with(x.columns(), || Kind { hold: empty(), missing: false });
        Self { rows, codes, kinds }
    }

    /// How many rows.
    pub(in crate::learn) fn rows(&self) -> usize {
        self.rows
    }

    /// Lets the codes go and keeps what bins hold, for who has copied them.
    pub(in crate::learn) fn drop_codes(&mut self) {
        self.codes = Vec::new();
    }

    /// How many columns.
    pub(in crate::learn) fn columns(&self) -> usize {
        self.kinds.len()
    }

    /// The bin of each row in a column, [`MISSING`] where it has no value.
    pub(in crate::learn) fn column(&self, index: usize) -> &[u8] {
        &self.codes[index * self.rows..(index + 1) * self.rows]
    }

    /// How many bins a column has, without the one of missing values.
    pub(in crate::learn) fn count(&self, index: usize) -> usize {
        match &self.kinds[index].hold {
            Hold::Numbers(edges) => edges.low.len(),
            Hold::Levels { of, .. } => of.len(),
        }
    }

    /// Whether any row of a column has the code [`MISSING`].
    pub(in crate::learn) fn missing(&self, index: usize) -> bool {
        self.kinds[index].missing
    }

    /// Whether a column holds categories: its bins have no order.
    pub(in crate::learn) fn is_category(&self, index: usize) -> bool {
        matches!(self.kinds[index].hold, Hold::Levels { .. })
    }

    /// Whether rows of the same bin have the same value.
    pub(in crate::learn) fn is_exact(&self, index: usize) -> bool {
        match &self.kinds[index].hold {
            Hold::Numbers(edges) => edges.exact,
            Hold::Levels { .. } => true,
        }
    }

    /// The smallest and the largest number in a bin.
    pub(in crate::learn) fn range(&self, index: usize, bin: u8) -> (f64, f64) {
        match &self.kinds[index].hold {
            Hold::Numbers(edges) => (edges.low[usize::from(bin)], edges.high[usize::from(bin)]),
            Hold::Levels { of, .. } => (f64::from(of[usize::from(bin)]), f64::from(of[usize::from(bin)])),
        }
    }

    /// The number midway between two bins: values of bin `last` and below are at most that, those of `next` and
    /// above are more.
    pub(in crate::learn) fn threshold(&self, index: usize, last: u8, next: u8) -> f64 {
        between(self.range(index, last).1, self.range(index, next).0)
    }

    /// Bins of a category column as a set of categories: bit c of word c / 64 stands for category c.
    pub(in crate::learn) fn set(&self, index: usize, bins: &[u8]) -> Vec<u64> {
        self.set_or_rare(index, bins, false)
    }

    /// As [`Bins::set`], with the categories that have no bin of their own if those rows without a value are there.
    pub(in crate::learn) fn set_or_rare(&self, index: usize, bins: &[u8], missing: bool) -> Vec<u64> {
        let Hold::Levels { of, levels } = &self.kinds[index].hold else {
            return Vec::new();
        };
        let mut set = vec![0; (*levels as usize).div_ceil(64)];
        let mut write = |level: u32, held: bool| {
            let bit = 1 << (level % 64);
            set[level as usize / 64] =
                if held { set[level as usize / 64] | bit } else { set[level as usize / 64] & !bit };
        };
        if missing {
            (0..*levels).for_each(|level| write(level, true));
            of.iter().for_each(|&level| write(level, false));
        }
        bins.iter().filter_map(|&bin| of.get(usize::from(bin))).for_each(|&level| write(level, true));
        set
    }
}

/// The number midway between two, at least `below` and less than `above`.
pub(in crate::learn) fn between(below: f64, above: f64) -> f64 {
    let middle = below / 2.0 + above / 2.0;
    if middle >= below && middle < above { middle } else { below }
}

/// One row, drawn by chance, of each of [`SAMPLE`] even stretches; `None` if there are no more rows than that.
fn sample(rows: usize) -> Option<Vec<u32>> {
    if rows <= SAMPLE {
        return None;
    }
    let mut chance = Chance::new(0, 0);
    let start = |stretch: usize| (stretch as u64 * rows as u64 / SAMPLE as u64) as usize;
    let draw = |stretch| (start(stretch) + chance.below(start(stretch + 1) - start(stretch))) as u32;
    Some((0..SAMPLE).map(draw).collect())
}

/// Codes that are the categories themselves, or the places of the most frequent ones.
fn by_level(values: &[f64], levels: u32, codes: &mut [u8]) -> Hold {
    let mut counts = vec![0usize; levels as usize];
    let level = |value: f64| if value >= 0.0 && value < f64::from(levels) { Some(value as usize) } else { None };
    values.iter().filter_map(|value| level(*value)).for_each(|level| counts[level] += 1);
    let mut of: Vec<u32> = (0..levels).collect();
    if of.len() > LEVELS {
        of.sort_by_key(|&level| std::cmp::Reverse(counts[level as usize]));
        of.truncate(LEVELS);
        of.sort_unstable();
    }
    let mut bins = vec![MISSING; levels as usize];
    of.iter().enumerate().for_each(|(bin, &level)| bins[level as usize] = bin as u8);
    for (code, value) in codes.iter_mut().zip(values) {
        *code = level(*value).map_or(MISSING, |level| bins[level]);
    }
    Hold::Levels { of, levels }
}

/// Cuts a column of numbers, by the rows of `sample` where that tells enough.
fn by_value(values: &[f64], sample: Option<&[u32]>, most: usize, codes: &mut [u8]) -> Edges {
    if let Some(sample) = sample {
        let some = sample.iter().map(|&row| values[row as usize]);
        let mut edges = Edges::of(some, most);
        if !edges.low.is_empty() && edges.write(values, codes) {
            return edges;
        }
    }
    let mut edges = Edges::of(values.iter().copied(), most);
    edges.write(values, codes);
    edges
}

/// A number as a whole number of the same order, and back.
fn key(value: f64) -> u64 {
    // Minus zero becomes zero.
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn unkey(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

impl Edges {
    /// By the values that are numbers.
    fn of(values: impl Iterator<Item = f64>, most: usize) -> Self {
        let mut sorted: Vec<u64> = values.filter(|value| !value.is_nan()).map(key).collect();
        sorted.sort_unstable();
        let runs = sorted.chunk_by(|a, b| a == b);
        let mut edges = Self { low: Vec::new(), high: Vec::new(), exact: runs.clone().take(most + 1).count() <= most };
        let (mut left, mut held) = (sorted.len(), 0);
        for run in runs {
            let value = unkey(run[0]);
            if held == 0 {
                edges.low.push(value);
                edges.high.push(value);
            }
            *edges.high.last_mut().expect("a bin was begun") = value;
            held += run.len();
            // What is left is shared evenly by the bins that are left.
            let share = left.div_ceil((most + 1).saturating_sub(edges.low.len()).max(1));
            if edges.exact || (held >= share && edges.low.len() < most) {
                left -= held;
                held = 0;
            }
        }
        edges
    }

    /// Writes each value's code, and brings the bins' edges to the values they hold. False if a value proved that
    /// bins meant to be exact are not.
    fn write(&mut self, values: &[f64], codes: &mut [u8]) -> bool {
        let bins = self.high.len();
        let mut high = [f64::INFINITY; 256];
        // The last bin takes all that is larger.
        high[..bins.saturating_sub(1)].copy_from_slice(&self.high[..bins.saturating_sub(1)]);
        let (mut least, mut most) = ([f64::INFINITY; 256], [f64::NEG_INFINITY; 256]);
        for (code, &value) in codes.iter_mut().zip(values) {
            let mut below = 0;
            for step in [128, 64, 32, 16, 8, 4, 2, 1] {
                below += if high[below + step - 1] < value { step } else { 0 };
            }
            *code = if value.is_nan() { MISSING } else { below as u8 };
            least[usize::from(*code)] = least[usize::from(*code)].min(value);
            most[usize::from(*code)] = most[usize::from(*code)].max(value);
        }
        let held = (0..bins).all(|bin| least[bin] == self.low[bin] && most[bin] == self.high[bin]);
        if self.exact && !held {
            return false;
        }
        // Zeros of both signs are one value.
        self.low = least[..bins].iter().map(|value| value + 0.0).collect();
        self.high = most[..bins].iter().map(|value| value + 0.0).collect();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(values: Vec<f64>) -> Bins {
        Bins::new(&Matrix::new(vec!["a".into()], values.len(), values), MOST)
    }

    #[test]
    fn few_values_get_a_bin_each_and_real_midpoints() {
        let bins = bins(vec![3.0, -0.0, 1.0, 0.0, 3.0]);
        assert_eq!(bins.column(0), [2, 0, 1, 0, 2]);
        assert_eq!(bins.threshold(0, 0, 1), 0.5);
        assert_eq!(bins.threshold(0, 0, 2), 1.5);
        assert!(bins.is_exact(0) && !bins.missing(0));
    }

    #[test]
    fn a_missing_value_has_a_code_of_its_own() {
        let mut values: Vec<f64> = (0..300).map(f64::from).collect();
        values.extend([f64::NAN; 20]);
        let many = bins(values);
        assert!(many.missing(0) && !many.is_exact(0));
        assert!(many.column(0)[300..].iter().all(|&code| code == MISSING));
        assert_eq!((many.count(0), many.column(0)[299]), (255, 254));
        // Code 254 and below are values; a full column has none missing.
        assert!(!bins((0..300).map(f64::from).collect()).missing(0));
        let none = bins(vec![f64::NAN; 3]);
        assert_eq!((none.count(0), none.column(0)), (0, &[MISSING; 3][..]));
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
    fn a_sample_tells_bins_but_never_hides_a_value() {
        let rows = 300_000;
        let values: Vec<f64> = (0..rows).map(|row| (i64::from(row) * 7919 % i64::from(rows)) as f64).collect();
        let many = bins(values.clone());
        assert_eq!(many.count(0), 255);
        let mut held = [0; 255];
        for (&code, &value) in many.column(0).iter().zip(&values) {
            held[usize::from(code)] += 1;
            let (low, high) = many.range(0, code);
            assert!(low <= value && value <= high);
        }
        assert!(held.iter().all(|&held| (850..1550).contains(&held)), "{held:?}");
        // Two values that one row of 300,000 has each.
        let mut few: Vec<f64> = (0..rows).map(|row| f64::from(row % 5)).collect();
        (few[1234], few[250_001]) = (2.5, 99.0);
        let few = bins(few);
        assert_eq!((few.count(0), few.is_exact(0)), (7, true));
        assert_eq!((few.column(0)[1234], few.column(0)[250_001]), (3, 6));
    }

    #[test]
    fn categories_are_their_codes_or_the_most_frequent_ones() {
        let column = |values: Vec<f64>, levels| {
            let x = Matrix::new(vec!["a".into()], values.len(), values).with_levels(vec![Some(levels)]);
            Bins::new(&x, MOST)
        };
        let few = column(vec![2.0, 0.0, f64::NAN], 70);
        assert_eq!((few.column(0), few.count(0)), (&[2, 0, MISSING][..], 70));
        assert!(few.missing(0) && few.is_category(0));
        assert_eq!(few.set(0, &[0, 2, 65]), [5, 2]);
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.extend((700..900).map(f64::from));
        let many = column(values, 1000);
        assert_eq!((many.count(0), many.missing(0)), (254, true));
        assert!(many.column(0)[700..900].iter().all(|&code| code != MISSING));
        assert_eq!(many.column(0)[1000..], many.column(0)[700..900]);
        assert_eq!(many.set(0, &[253])[899 / 64], 1 << (899 % 64));
        let (all, rare) = (many.set_or_rare(0, &[253], true), many.column(0).iter().position(|&code| code == MISSING));
        assert_eq!(all[rare.expect("a rare one") / 64] >> (rare.expect("a rare one") % 64) & 1, 1);
        assert_eq!(all.iter().map(|word| word.count_ones()).sum::<u32>(), 1000 - 253);
    }

    #[test]
    fn neighbours_and_extremes_are_told_apart() {
        let next = 1.0f64.next_up();
        assert_eq!(bins(vec![1.0, next]).threshold(0, 0, 1), 1.0);
        assert_eq!(bins(vec![-1e308, 1e308]).threshold(0, 0, 1), 0.0);
        for value in [-1e308, -2.5, 0.0, 1e-310, 3.0, f64::MAX] {
            assert_eq!(unkey(key(value)), value);
        }
    }
}
