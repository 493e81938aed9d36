//! Many rows through one tree: they are parted node by node, so that each node is read once and no row waits for one.

use super::trees::{Look, Trees};
use crate::data::Matrix;

/// Rows of a matrix that go down trees together.
pub(super) struct Sieve<'a> {
    columns: Vec<&'a [f64]>,
    /// The rows, counted from the first of them; those of a node lie beside each other.
    order: Vec<u32>,
    /// Nodes to come, each with its rows.
    tasks: Vec<(u32, u32, u32)>,
}

impl<'a> Sieve<'a> {
    /// Of the rows from `first` on.
    pub(super) fn new(x: &'a Matrix, first: usize, rows: usize) -> Self {
        let columns = (0..x.columns()).map(|column| &x.column(column)[first..first + rows]).collect();
        Self { columns, order: (0..rows as u32).collect(), tasks: Vec::new() }
    }

    /// Adds what a tree says of each row: `into` takes `width` values a row, of which the leaf's are added from `place`
    /// on.
    pub(super) fn add(&mut self, trees: &Trees, tree: usize, into: &mut [f64], width: usize, place: usize) {
        self.order.iter_mut().zip(0..).for_each(|(row, nth)| *row = nth);
        self.tasks.push((trees.root(tree), 0, self.order.len() as u32));
        while let Some((node, first, end)) = self.tasks.pop() {
            let rows = &mut self.order[first as usize..end as usize];
            let (look, feature, threshold, child) = trees.look(node);
            if look == Look::Leaf {
                let values = trees.answer(child);
                for &row in rows.iter() {
                    let start = row as usize * width + place;
                    into[start..start + values.len()].iter_mut().zip(values).for_each(|(to, value)| *to += value);
                }
                continue;
            }
            let column = self.columns[feature];
            let left = match look {
                Look::MissingRight => part(rows, |row| column[row as usize] <= threshold),
                Look::MissingLeft => {
                    part(rows, |row| column[row as usize] <= threshold || column[row as usize].is_nan())
                }
                _ => part(rows, |row| trees.goes_left(node, column[row as usize])),
            };
            let middle = first + left as u32;
            if middle < end {
                self.tasks.push((child + 1, middle, end));
            }
            if first < middle {
                self.tasks.push((child, first, middle));
            }
        }
    }
}

/// Puts the rows that go left first, without a branch on where a row goes, and says how many they are.
#[inline(always)]
fn part(rows: &mut [u32], left: impl Fn(u32) -> bool) -> usize {
    let mut kept = 0;
    for place in 0..rows.len() {
        let row = rows[place];
        let goes = left(row);
        rows[place] = rows[kept];
        rows[kept] = row;
        kept += usize::from(goes);
    }
    kept
}
