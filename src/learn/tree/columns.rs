//! Binned columns as a search reads them: of all rows, or of the few rows of a small part of a tree.

use rayon::prelude::*;

use super::bins::{Bins, MISSING, between};
use super::criterion::Item;
use crate::data::Matrix;

/// How many rows a part of a tree has at most that is looked at by itself.
pub(super) const LOCAL: usize = 1024;

/// How many rows are turned at a time.
pub(super) const TILE: usize = 256;

/// Nodes of less than that part of all rows read codes row by row.
const SPARSE: usize = 16;

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

/// The bins of a column's rows.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a, C> {
    codes: &'a [C],
    /// How far a row's code is from the one before.
    stride: usize,
}

impl<'a, C: Code> Codes<'a, C> {
    /// Of rows that lie `stride` codes apart.
    #[inline(always)]
    pub(super) fn new(codes: &'a [C], stride: usize) -> Self {
        Self { codes, stride }
    }

    /// The bin of a row.
    #[inline(always)]
    pub(super) fn of<R: Item>(&self, row: R) -> C {
        self.codes[row.index() * self.stride]
    }
}

/// Binned columns.
pub(super) trait Columns: Sync {
    /// How a bin is named.
    type Code: Code;
    /// How many columns.
    fn columns(&self) -> usize;
    /// The bins of a column, for one who looks at so many rows.
    fn codes(&self, column: usize, rows: usize) -> Codes<'_, Self::Code>;
    /// Which row of the matrix a row is.
    #[inline]
    fn row(&self, row: usize) -> usize {
        row
    }
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
    /// The number in the middle of a bin.
    fn middle(&self, column: usize, bin: usize) -> f64 {
        let (low, high) = self.range(column, bin);
        low / 2.0 + high / 2.0
    }
    /// The last bin from `first` up to `end`, the latter left out, whose middle is at most a number; else `first`.
    fn under(&self, column: usize, first: usize, end: usize, number: f64) -> usize {
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            (low, high) = if self.middle(column, middle) <= number { (middle + 1, high) } else { (low, middle) };
        }
        low.max(first + 1) - 1
    }

    /// The number midway between two bins.
    fn threshold(&self, column: usize, last: usize, next: usize) -> f64 {
        between(self.range(column, last).1, self.range(column, next).0)
    }

    /// A drawn number, or the nearest that parts the same bins.
    fn settled(&self, column: usize, last: usize, drawn: f64) -> f64 {
        let (below, above) = (self.range(column, last).1, self.range(column, last + 1).0);
        if drawn >= below && drawn < above { drawn } else { between(below, above) }
    }
}

/// All rows' columns.
pub(super) struct Table<'a> {
    pub(super) bins: &'a Bins,
    /// The codes once more, row after row: the few rows of a small node lie in few lines of the cache. None if small
    /// nodes are not read.
    by_rows: Vec<u8>,
    /// The smallest and the largest number of each bin, 256 a column.
    low: Vec<f64>,
    high: Vec<f64>,
}

impl<'a> Table<'a> {
    /// Of binned columns; `small`: nodes of a small part of the rows are read as well.
    pub(super) fn new(bins: &'a Bins, small: bool) -> Self {
        let (rows, columns) = (bins.rows(), bins.columns());
        let mut by_rows = vec![0; if small { rows * columns } else { 0 }];
        by_rows.par_chunks_mut(TILE * columns).enumerate().for_each(|(tile, into)| {
            let first = tile * TILE;
            for column in 0..columns {
                let codes = &bins.column(column)[first..];
                into[column..].iter_mut().step_by(columns).zip(codes).for_each(|(to, code)| *to = *code);
            }
        });
        let numbers = |of: fn((f64, f64)) -> f64| {
            let bin = |column: usize, bin: usize| {
                if bin < bins.count(column) { of(bins.range(column, bin as u8)) } else { f64::MAX }
            };
            (0..columns).flat_map(|column| (0..256).map(move |at| bin(column, at))).collect()
        };
        Self { bins, by_rows, low: numbers(|(low, _)| low), high: numbers(|(_, high)| high) }
    }
}

impl Columns for Table<'_> {
    type Code = u8;

    fn columns(&self) -> usize {
        self.bins.columns()
    }

    #[inline]
    fn codes(&self, column: usize, rows: usize) -> Codes<'_, u8> {
        if rows * SPARSE < self.bins.rows() && !self.by_rows.is_empty() {
            return Codes { codes: &self.by_rows[column..], stride: self.bins.columns() };
        }
        Codes { codes: self.bins.column(column), stride: 1 }
    }

    fn count(&self, column: usize) -> usize {
        self.bins.count(column)
    }

    fn missing(&self, column: usize) -> bool {
        self.bins.missing(column)
    }

    fn is_category(&self, column: usize) -> bool {
        self.bins.is_category(column)
    }

    fn is_exact(&self, column: usize) -> bool {
        self.bins.is_exact(column)
    }

    fn range(&self, column: usize, bin: usize) -> (f64, f64) {
        (self.low[column * 256 + bin], self.high[column * 256 + bin])
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

    fn codes(&self, column: usize, _: usize) -> Codes<'_, u16> {
        Codes { codes: &self.codes[column * self.rows..(column + 1) * self.rows], stride: 1 }
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

    fn codes(&self, _: usize, _: usize) -> Codes<'_, u16> {
        Codes { codes: &self.codes, stride: 1 }
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
        false
    }

    fn range(&self, _: usize, bin: usize) -> (f64, f64) {
        (self.low[bin], self.high[bin])
    }
}
