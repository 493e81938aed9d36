//! Binned columns as a search reads them: of all rows, or of the few rows of a small part of a tree.

use super::bins::{Bins, MISSING, between};
use crate::data::Matrix;

/// How many rows a part of a tree has at most that is looked at by itself.
pub(super) const LOCAL: usize = 1024;

/// The place of rows without a value where there are up to [`LOCAL`] bins.
const LACKING: u16 = LOCAL as u16;

/// The code of a bin.
pub(super) trait Code: Copy + Send + Sync + Ord {
    /// The code of rows without a value.
    const MISSING: Self;
    /// How many codes there are, that of missing values last.
    const COUNT: usize;
    /// As an index.
    fn place(self) -> usize;
    /// From an index below [`Code::COUNT`].
    fn of(place: usize) -> Self;
}

impl Code for u8 {
    const MISSING: u8 = MISSING;
    const COUNT: usize = 256;

    fn place(self) -> usize {
        usize::from(self)
    }

    fn of(place: usize) -> Self {
        place as u8
    }
}

impl Code for u16 {
    const MISSING: u16 = LACKING;
    const COUNT: usize = LOCAL + 1;

    fn place(self) -> usize {
        usize::from(self)
    }

    fn of(place: usize) -> Self {
        place as u16
    }
}

/// Binned columns.
pub(super) trait Columns: Sync {
    /// How a bin is named.
    type Code: Code;
    /// How many columns.
    fn columns(&self) -> usize;
    /// The bin of each row in a column.
    fn codes(&self, column: usize) -> &[Self::Code];
    /// How many bins a column has, without the one of missing values.
    fn count(&self, column: usize) -> usize;
    /// Whether a row lacks a value.
    fn missing(&self, column: usize) -> bool;
    /// Whether the bins have no order.
    fn is_category(&self, column: usize) -> bool;
    /// Whether rows of the same bin have the same value.
    fn is_exact(&self, column: usize) -> bool;
    /// The smallest and the largest number in a bin.
    fn range(&self, column: usize, bin: usize) -> (f64, f64);
    /// The bin of a number that is none of the smallest.
    fn bin(&self, column: usize, value: f64) -> usize;

    /// The number midway between two bins.
    fn threshold(&self, column: usize, last: usize, next: usize) -> f64 {
        between(self.range(column, last).1, self.range(column, next).0)
    }

    /// A number drawn between the bins `first` and `end`, which differ, as `share` of their distance; and the last
    /// bin beneath it. Bins stay whole: within one, the number is moved to its nearer edge.
    fn draw(&self, column: usize, first: usize, end: usize, share: f64) -> (usize, f64) {
        let (least, most) = (self.range(column, first).0, self.range(column, end).1);
        let drawn = least * (1.0 - share) + most * share;
        let bin = self.bin(column, drawn);
        let (low, high) = self.range(column, bin);
        let after = drawn >= low && (drawn == high || drawn - low > high - drawn);
        let last = if after { bin } else { bin.saturating_sub(1) }.clamp(first, end - 1);
        let (below, above) = (self.range(column, last).1, self.range(column, last + 1).0);
        (last, if drawn >= below && drawn < above { drawn } else { between(below, above) })
    }
}

impl Columns for Bins {
    type Code = u8;

    fn columns(&self) -> usize {
        Bins::columns(self)
    }

    fn codes(&self, column: usize) -> &[u8] {
        self.column(column)
    }

    fn count(&self, column: usize) -> usize {
        Bins::count(self, column)
    }

    fn missing(&self, column: usize) -> bool {
        Bins::missing(self, column)
    }

    fn is_category(&self, column: usize) -> bool {
        Bins::is_category(self, column)
    }

    fn is_exact(&self, column: usize) -> bool {
        Bins::is_exact(self, column)
    }

    fn range(&self, column: usize, bin: usize) -> (f64, f64) {
        Bins::range(self, column, bin as u8)
    }

    fn bin(&self, column: usize, value: f64) -> usize {
        usize::from(Bins::bin(self, column, value))
    }
}

/// The columns of up to [`LOCAL`] rows, with a bin for each distinct number. So cuts of them are exact.
pub(super) struct Local<'a> {
    bins: &'a Bins,
    rows: usize,
    codes: Vec<u16>,
    /// The distinct numbers of each column whose bins hold several; none for the others.
    values: Vec<Vec<f64>>,
}

impl<'a> Local<'a> {
    /// Of the rows named, which are numbered anew from 0.
    pub(super) fn new(x: &Matrix, bins: &'a Bins, rows: impl ExactSizeIterator<Item = usize> + Clone) -> Self {
        let count = rows.len();
        let mut codes = Vec::with_capacity(count * bins.columns());
        let mut values = Vec::with_capacity(bins.columns());
        let mut keys: Vec<(f64, u16)> = Vec::with_capacity(count);
        for column in 0..bins.columns() {
            let whole = bins.column(column);
            let first = codes.len();
            if bins.is_exact(column) {
                let code = |row: usize| if whole[row] == MISSING { LACKING } else { u16::from(whole[row]) };
                codes.extend(rows.clone().map(code));
                values.push(Vec::new());
                continue;
            }
            let numbers = x.column(column);
            keys.clear();
            keys.extend(rows.clone().enumerate().map(|(place, row)| (numbers[row], place as u16)));
            codes.resize(first + count, LACKING);
            values.push(rank(&mut keys, &mut codes[first..]));
        }
        Self { bins, rows: count, codes, values }
    }
}

/// Writes each number's rank among the distinct ones to its place in `codes`, and returns these.
fn rank(keys: &mut Vec<(f64, u16)>, codes: &mut [u16]) -> Vec<f64> {
    keys.retain(|(value, _)| !value.is_nan());
    keys.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut values: Vec<f64> = Vec::with_capacity(keys.len());
    for &(value, place) in keys.iter() {
        if values.last().is_none_or(|last| *last != value) {
            values.push(value + 0.0);
        }
        codes[usize::from(place)] = values.len() as u16 - 1;
    }
    values
}

impl Columns for Local<'_> {
    type Code = u16;

    fn columns(&self) -> usize {
        self.values.len()
    }

    fn codes(&self, column: usize) -> &[u16] {
        &self.codes[column * self.rows..(column + 1) * self.rows]
    }

    fn count(&self, column: usize) -> usize {
        if self.bins.is_exact(column) { self.bins.count(column) } else { self.values[column].len() }
    }

    fn missing(&self, column: usize) -> bool {
        self.bins.missing(column)
    }

    fn is_category(&self, column: usize) -> bool {
        self.bins.is_category(column)
    }

    fn is_exact(&self, _: usize) -> bool {
        true
    }

    fn range(&self, column: usize, bin: usize) -> (f64, f64) {
        if self.bins.is_exact(column) {
            return self.bins.range(column, bin as u8);
        }
        (self.values[column][bin], self.values[column][bin])
    }

    fn bin(&self, column: usize, value: f64) -> usize {
        if self.bins.is_exact(column) {
            return usize::from(self.bins.bin(column, value));
        }
        self.values[column].partition_point(|held| *held < value)
    }
}

/// One column cut finer around a place: what lies beneath and above it is a bin each.
pub(super) struct Fine {
    codes: Vec<u16>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Fine {
    /// The column of the rows named, finest within the bins `last` and `next`.
    pub(super) fn new(
        x: &Matrix,
        bins: &Bins,
        column: usize,
        (last, next): (u16, u16),
        rows: impl ExactSizeIterator<Item = usize> + Clone,
    ) -> Self {
        let (whole, numbers) = (bins.column(column), x.column(column));
        let within = |code: u8| u16::from(code) == last || u16::from(code) == next;
        let near = rows.clone().filter(|&row| within(whole[row]));
        let mut sorted: Vec<f64> = near.map(|row| numbers[row] + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        // Places for what lies beneath and above are kept.
        let share = sorted.len().div_ceil(LOCAL - 3).max(1);
        let beneath = if last > 0 { bins.range(column, last as u8 - 1).1 } else { f64::MIN };
        let top = usize::from(next) + 1 >= bins.count(column);
        let over = if top { f64::MAX } else { bins.range(column, next as u8 + 1).0 };
        let (mut low, mut high) = (vec![beneath], vec![beneath]);
        let mut held = share;
        for run in sorted.chunk_by(|a, b| a == b) {
            if held >= share {
                low.push(run[0]);
                high.push(run[0]);
                held = 0;
            }
            *high.last_mut().expect("a bin was begun") = run[0];
            held += run.len();
        }
        low.push(over);
        high.push(over);
        let above = high.len() - 1;
        let code = |row: usize| match whole[row] {
            MISSING => LACKING,
            code if within(code) => high[..above].partition_point(|high| *high < numbers[row]) as u16,
            code if u16::from(code) < last => 0,
            _ => above as u16,
        };
        Self { codes: rows.map(code).collect(), low, high }
    }
}

impl Columns for Fine {
    type Code = u16;

    fn columns(&self) -> usize {
        1
    }

    fn codes(&self, _: usize) -> &[u16] {
        &self.codes
    }

    fn count(&self, _: usize) -> usize {
        self.low.len()
    }

    fn missing(&self, _: usize) -> bool {
        true
    }

    fn is_category(&self, _: usize) -> bool {
        false
    }

    fn is_exact(&self, _: usize) -> bool {
        true
    }

    fn range(&self, _: usize, bin: usize) -> (f64, f64) {
        (self.low[bin], self.high[bin])
    }

    fn bin(&self, _: usize, value: f64) -> usize {
        self.high.partition_point(|high| *high < value)
    }
}
