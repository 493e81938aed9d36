//! Numbers as whole numbers of 32 bits in the same order: what cuts of few rows by chance are drawn from.

use rayon::prelude::*;

use super::bins::{Bins, MISSING};
use super::columns::{Code, Codes, Columns, TILE};
use super::criterion::Item;
use crate::data::Matrix;

/// How many rows a part of a tree has at most that is grown from keys.
pub(super) const NEAR: usize = 4096;

/// How far columns lie apart beyond their rows: they don't all want the same lines of the cache.
const GAP: usize = 16;

/// The keys of all rows, row after row. A number's key is the float of 32 bits nearest to it, a category's is its bin.
pub(super) struct Keys<'a> {
    bins: &'a Bins,
    keys: Vec<u32>,
    columns: Vec<Column>,
}

/// What is known of a column.
#[derive(Clone, Copy)]
struct Column {
    category: bool,
    /// Whether a row lacks a value.
    missing: bool,
    /// Whether the keys tell all values apart.
    exact: bool,
}

/// The keys of a few rows, which are numbered anew from 0.
pub(super) struct Few<'a> {
    whole: &'a Keys<'a>,
    room: Room,
    /// How far a column is from the one before.
    step: usize,
}

/// Room for a few rows, kept from one part of a tree to the next.
#[derive(Default)]
pub(super) struct Room {
    /// Their keys, column after column.
    keys: Vec<u32>,
    /// Which row of the matrix each of them is.
    rows: Vec<u32>,
}

impl Code for u32 {
    const MISSING: u32 = u32::MAX;
    const COUNT: usize = 1 << 32;

    fn place(self) -> usize {
        self as usize
    }

    fn of(place: usize) -> Self {
        place as u32
    }
}

/// The key of a number.
#[inline(always)]
fn key(value: f64) -> u32 {
    if value.is_nan() {
        return u32::MISSING;
    }
    // Minus zero becomes zero, and what is too large the largest.
    let bits = ((value as f32).clamp(f32::MIN, f32::MAX) + 0.0).to_bits();
    bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
}

/// The float of a key.
#[inline(always)]
fn unkey(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key ^ 1 << 31 } else { !key })
}

/// The largest number of a key that isn't the largest one.
fn top(key: u32) -> f64 {
    let float = unkey(key);
    let middle = f64::from(float) / 2.0 + f64::from(float.next_up()) / 2.0;
    // What lies midway is rounded to the even one of both.
    if float.to_bits() & 1 == 0 { middle } else { middle.next_down() }
}

impl<'a> Keys<'a> {
    /// Of a matrix whose categories are binned.
    pub(super) fn new(x: &Matrix, bins: &'a Bins) -> Self {
        let (rows, count) = (x.rows(), x.columns());
        let of = |column| Column {
            category: bins.is_category(column),
            missing: bins.missing(column),
            exact: bins.is_category(column) || x.column(column).iter().all(|&v| v.is_nan() || v == f64::from(v as f32)),
        };
        let columns: Vec<Column> = (0..count).into_par_iter().map(of).collect();
        let mut keys = vec![0; rows * count];
        keys.par_chunks_mut(TILE * count).enumerate().for_each(|(tile, into)| {
            let first = tile * TILE;
            for (column, what) in columns.iter().enumerate() {
                let places = into[column..].iter_mut().step_by(count);
                if what.category {
                    let code = |code: u8| if code == MISSING { u32::MISSING } else { u32::from(code) };
                    places.zip(&bins.column(column)[first..]).for_each(|(to, from)| *to = code(*from));
                } else {
                    places.zip(&x.column(column)[first..]).for_each(|(to, from)| *to = key(*from));
                }
            }
        });
        Self { bins, keys, columns }
    }

    /// Of a few rows alone.
    pub(super) fn of<R: Item>(&'a self, rows: &[R], mut room: Room) -> Few<'a> {
        let (count, step) = (self.columns.len(), rows.len() + GAP);
        room.keys.resize(count * step, 0);
        room.rows.clear();
        room.rows.extend(rows.iter().map(|row| row.index() as u32));
        for (place, row) in rows.iter().enumerate() {
            let from = &self.keys[row.index() * count..(row.index() + 1) * count];
            room.keys[place..].iter_mut().step_by(step).zip(from).for_each(|(to, from)| *to = *from);
        }
        Few { whole: self, room, step }
    }
}

impl Few<'_> {
    /// The room that they took.
    pub(super) fn into_room(self) -> Room {
        self.room
    }
}

impl Columns for Few<'_> {
    type Code = u32;

    fn columns(&self) -> usize {
        self.whole.columns.len()
    }

    #[inline]
    fn codes(&self, column: usize, _: usize) -> Codes<'_, u32> {
        Codes::new(&self.room.keys[column * self.step..(column + 1) * self.step], 1)
    }

    fn row(&self, row: usize) -> usize {
        self.room.rows[row] as usize
    }

    /// As many as there are categories, or floats.
    fn count(&self, column: usize) -> usize {
        if self.is_category(column) { self.whole.bins.count(column) } else { u32::MISSING.place() }
    }

    fn missing(&self, column: usize) -> bool {
        self.whole.columns[column].missing
    }

    fn is_category(&self, column: usize) -> bool {
        self.whole.columns[column].category
    }

    fn is_exact(&self, column: usize) -> bool {
        self.whole.columns[column].exact
    }

    fn range(&self, _: usize, bin: usize) -> (f64, f64) {
        let float = f64::from(unkey(bin as u32));
        (float, float)
    }

    #[inline]
    fn under(&self, _: usize, first: usize, end: usize, number: f64) -> usize {
        // The nearest float may lie above the number.
        let near = key(number);
        let beneath = near - u32::from(f64::from(unkey(near)) > number);
        beneath.place().clamp(first, end - 1)
    }

    fn settled(&self, _: usize, last: usize, _: f64) -> f64 {
        top(last as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_numbers_and_know_their_last_one() {
        let near = |value: f64| {
            let float = f64::from(value as f32);
            let next = f64::from((value as f32).next_up());
            [value, float, next, float / 2.0 + next / 2.0]
        };
        let places =
            [-1e300, -3.3e38, -17.0, -1.1, -1e-44, -1e-50, 0.0, 1e-50, 1e-45, 0.1, 1.0, 3.5, 1e9, 3.3e38, 1e300];
        let mut numbers: Vec<f64> = places.into_iter().flat_map(near).filter(|number| number.is_finite()).collect();
        numbers = numbers.into_iter().flat_map(|number| [number.next_down(), number, number.next_up()]).collect();
        numbers.sort_by(f64::total_cmp);
        assert!(numbers.windows(2).all(|pair| key(pair[0]) <= key(pair[1])));
        for &last in numbers.iter().filter(|&&number| key(number) < key(f64::MAX)) {
            let top = top(key(last));
            assert!(numbers.iter().all(|&number| (key(number) <= key(last)) == (number <= top)), "{last} {top}");
        }
        assert_eq!((key(-0.0), key(f64::NAN)), (key(0.0), u32::MISSING));
    }
}
