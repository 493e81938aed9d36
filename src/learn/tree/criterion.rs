//! What a tree asks of its answers: how rows are summed, and which cut of a column is best.

use super::columns::Columns;
use crate::learn::chance::Chance;

/// A row on its way down a tree, with its answer.
pub(super) trait Item: Copy + Send + Sync {
    /// Which row of the columns it is.
    fn index(self) -> usize;
    /// The same answer under another number.
    fn renamed(self, index: u32) -> Self;
}

/// A node that is to be cut, and what a cut must keep.
pub(super) struct Ask<'a, C: Criterion> {
    /// The node's rows.
    pub(super) rows: &'a [C::Row],
    /// What they sum to.
    pub(super) sums: &'a C::Sums,
    /// How many rows each side keeps at least.
    pub(super) least: usize,
    /// How much weight each side keeps at least.
    pub(super) weight: f64,
    /// 1 where the right side may not say less than the left one, -1 where not more, 0 where all goes.
    pub(super) sign: i8,
    /// Between which numbers both sides stay.
    pub(super) bounds: [f64; 2],
}

/// Where a column is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// After bin `last`; the node's next one is `next`.
    Number { last: u16, next: u16 },
    /// After bin `last`, at that very number.
    Drawn { last: u32, threshold: f64 },
    /// Rows that have a value go left.
    Present,
    /// These bins go left.
    Set([u64; 4]),
}

impl Place {
    /// The last bin that goes left, where bins are cut in their order.
    pub(super) fn last(self) -> Option<usize> {
        match self {
            Self::Number { last, .. } => Some(usize::from(last)),
            Self::Drawn { last, .. } => Some(last as usize),
            Self::Present | Self::Set(_) => None,
        }
    }
}

/// The best cut of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Best {
    /// The score of both sides together.
    pub(super) score: f64,
    pub(super) place: Place,
    /// Whether rows without a value go left; `None` if the node has none of them.
    pub(super) missing_left: Option<bool>,
}

/// What a search finds in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// All rows are in one bin.
    Constant,
    /// The best cut, if any keeps what must be kept.
    Varied(Option<Best>),
}

/// Answers of one kind, and how cuts of them are judged.
pub(super) trait Criterion: Sync {
    /// A row with its answer.
    type Row: Item;
    /// What a node's rows sum to.
    type Sums: Clone + Send + Sync;
    /// Room for searches, kept from one to the next.
    type Space: Default + Send;

    /// How many values a leaf gives.
    fn outputs(&self) -> usize;
    /// A row that counts `weight`, which is above 0.
    fn row(&self, index: usize, weight: f64) -> Self::Row;
    /// Sums of no rows.
    fn nothing(&self) -> Self::Sums;
    /// Sums up rows in order.
    fn sum(&self, rows: &[Self::Row], sums: &mut Self::Sums);
    /// Their weight.
    fn weight(&self, sums: &Self::Sums) -> f64;
    /// Whether all rows have the same answer.
    fn is_pure(&self, rows: &[Self::Row], sums: &Self::Sums) -> bool;
    /// How much weight × impurity a cut of that score takes away, in units of [`Criterion::unit`].
    fn gain(&self, score: f64, sums: &Self::Sums) -> f64;
    /// What a gain of 1 is in the target's own units.
    fn unit(&self) -> f64 {
        1.0
    }
    /// What a leaf says, kept between bounds.
    fn leaf(&self, sums: &Self::Sums, bounds: [f64; 2], into: &mut Vec<f64>);
    /// The number that monotone constraints speak of, as bounds hold it.
    fn mean(&self, sums: &Self::Sums) -> f64;
    /// The best of all cuts of a column.
    fn best<B: Columns>(&self, space: &mut Self::Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found
    where
        Self: Sized;
    /// A cut of a column by chance.
    fn drawn<B: Columns>(
        &self,
        space: &mut Self::Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found
    where
        Self: Sized;
}
