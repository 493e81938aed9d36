//! Codes laid out so that a histogram reads few cache lines a row, and the histograms themselves.

use rayon::prelude::*;

use crate::learn::tree::bins::{Bins, MISSING};

/// How many features lie beside each other in a group.
pub(super) const WIDTH: usize = 4;

/// One feature's sums of packed numbers, a cell a code.
pub(super) type Cells = [i64; 256];

/// A feature that varies.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// Its column.
    pub(super) column: usize,
    /// How many bins it has, without the one of missing values.
    pub(super) bins: usize,
    /// Whether rows lack a value.
    pub(super) missing: bool,
    /// Whether its bins are categories.
    pub(super) category: bool,
    /// Whether the answer may only rise (1) or fall (-1) with it; 0: any.
    pub(super) monotone: i8,
}

/// The codes of all features that vary, in groups of [`WIDTH`], row after row.
pub(super) struct Codes {
    /// The features.
    pub(super) features: Vec<Feature>,
    groups: Vec<Vec<[u8; WIDTH]>>,
}

impl Codes {
    /// Takes the columns that vary. `monotone` is empty or has a place a column.
    pub(super) fn new(bins: &Bins, monotone: &[i8]) -> Self {
        let features: Vec<Feature> = (0..bins.columns())
            .map(|column| Feature {
                column,
                bins: bins.count(column),
                missing: bins.missing(column),
                category: bins.is_category(column),
                monotone: monotone.get(column).copied().unwrap_or(0),
            })
            .filter(|feature| feature.bins + usize::from(feature.missing) > 1 && feature.bins > 0)
            .collect();
        let groups = features.par_chunks(WIDTH).map(|group| {
            let mut codes = vec![[0; WIDTH]; bins.rows()];
            for (nth, feature) in group.iter().enumerate() {
                let column = bins.column(feature.column);
                codes.iter_mut().zip(column).for_each(|(codes, code)| codes[nth] = *code);
            }
            codes
        });
        let groups = groups.collect();
        Self { features, groups }
    }

    /// The code of a row.
    pub(super) fn code(&self, feature: usize, row: usize) -> u8 {
        self.groups[feature / WIDTH][row][feature % WIDTH]
    }

    /// A group's codes, row after row.
    pub(super) fn group(&self, group: usize) -> &[[u8; WIDTH]] {
        &self.groups[group]
    }

    /// Fills the cells of one group's features. `packed` goes with `rows`.
    pub(super) fn fill(&self, group: usize, rows: &[u32], packed: &[i64], cells: &mut [Cells]) {
        for (nth, cells) in cells.iter_mut().enumerate() {
            let bins = self.features[group * WIDTH + nth].bins;
            cells[..bins].fill(0);
            cells[usize::from(MISSING)] = 0;
        }
        let codes = &self.groups[group][..];
        match cells {
            [a, b, c, d] => sum([a, b, c, d], codes, rows, packed),
            [a, b, c] => sum([a, b, c], codes, rows, packed),
            [a, b] => sum([a, b], codes, rows, packed),
            [a] => sum([a], codes, rows, packed),
            _ => {}
        }
    }

    /// Takes one child's cells off its parent's, which leaves the other's.
    pub(super) fn subtract(&self, group: usize, from: &mut [Cells], cells: &[Cells]) {
        for (nth, (from, cells)) in from.iter_mut().zip(cells).enumerate() {
            let bins = self.features[group * WIDTH + nth].bins;
            from[..bins].iter_mut().zip(&cells[..bins]).for_each(|(from, cell)| *from -= cell);
            from[usize::from(MISSING)] -= cells[usize::from(MISSING)];
        }
    }
}

/// One pass over the rows of a node for `N` features.
#[inline(never)]
fn sum<const N: usize>(cells: [&mut Cells; N], codes: &[[u8; WIDTH]], rows: &[u32], packed: &[i64]) {
    if rows.len() == codes.len() {
        // All rows, so in their order.
        for (codes, packed) in codes.iter().zip(packed) {
            for nth in 0..N {
                cells[nth][usize::from(codes[nth])] += packed;
            }
        }
        return;
    }
    for (&row, packed) in rows.iter().zip(packed) {
        let codes = codes[row as usize];
        for nth in 0..N {
            cells[nth][usize::from(codes[nth])] += packed;
        }
    }
}
