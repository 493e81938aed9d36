//! Two classes, and numbers: answers that sum to a pair.

use std::marker::PhantomData;

use super::columns::Columns;
use super::criterion::{Ask, Criterion, Found, Item};
use super::pair::{self, Cell, Pair, Space, Tally, squares};
use super::rows::{ClassRow, NumberRow};
use crate::data::elementary::ln;
use crate::learn::chance::Chance;

/// Two classes, judged by Gini's impurity 2·p·(1-p), or by the entropy.
pub(super) struct Two<'a, R> {
    /// Each row's class.
    pub(super) codes: &'a [u32],
    /// The class that counts as 0, and the one that counts as 1.
    pub(super) pair: [u32; 2],
    /// How many classes leaves tell apart, those that never occur too.
    pub(super) count: usize,
    /// Entropy instead of Gini.
    pub(super) entropy: bool,
    /// What a row of each class weighs, where rows are counted.
    pub(super) units: [f64; 2],
    pub(super) rows: PhantomData<R>,
}

impl<R: ClassRow> Criterion for Two<'_, R> {
    type Row = R;
    type Sums = Cell;
    type Space = Space<R::Tally>;

    fn outputs(&self) -> usize {
        self.count
    }

    fn row(&self, index: usize, weight: f64) -> R {
        let second = self.codes[index] == self.pair[1];
        R::of(index as u32, second, weight / self.units[usize::from(second)])
    }

    fn nothing(&self) -> Cell {
        Cell::default()
    }

    fn sum(&self, rows: &[R], sums: &mut Cell) {
        sums.add(self.cell(total(rows, R::tally)));
    }

    fn weight(&self, sums: &Cell) -> f64 {
        sums.weight
    }

    fn is_pure(&self, _: &[R], sums: &Cell) -> bool {
        sums.answer <= 0.0 || sums.answer >= sums.weight
    }

    fn gain(&self, score: f64, sums: &Cell) -> f64 {
        if self.entropy {
            return score - uneven(*sums);
        }
        2.0 * (score - sums.answer * sums.answer / sums.weight)
    }

    fn leaf(&self, sums: &Cell, [low, high]: [f64; 2], into: &mut Vec<f64>) {
        let share = (sums.answer / sums.weight).clamp(0.0, 1.0).clamp(low, high);
        let start = into.len();
        into.resize(start + self.count, 0.0);
        into[start + self.pair[0] as usize] = 1.0 - share;
        into[start + self.pair[1] as usize] = share;
    }

    fn mean(&self, sums: &Cell) -> f64 {
        sums.answer / sums.weight
    }

    fn best<B: Columns>(&self, space: &mut Self::Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found {
        pair::best(self, space, columns, column, ask)
    }

    fn drawn<B: Columns>(
        &self,
        space: &mut Self::Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found {
        pair::drawn(self, space, columns, column, ask, chance)
    }
}

impl<R: ClassRow> Pair for Two<'_, R> {
    type Tally = R::Tally;

    #[inline(always)]
    fn tally(row: R) -> R::Tally {
        row.tally()
    }

    #[inline(always)]
    fn cell(&self, tally: R::Tally) -> Cell {
        R::cell(tally, self.units)
    }

    #[inline(always)]
    fn score(&self, left: Cell, right: Cell) -> (f64, f64) {
        if self.entropy {
            return (uneven(left) + uneven(right), 1.0);
        }
        squares(left, right)
    }
}

/// The sum over rows.
fn total<R: Item, T: Tally>(rows: &[R], tally: impl Fn(R) -> T) -> T {
    let mut sum = T::default();
    rows.iter().for_each(|&row| sum.add(tally(row)));
    sum
}

/// Minus weight × entropy.
fn uneven(cell: Cell) -> f64 {
    xlogx(cell.answer) + xlogx(cell.weight - cell.answer) - xlogx(cell.weight)
}

/// x·ln x, 0 at 0.
pub(super) fn xlogx(x: f64) -> f64 {
    if x > 0.0 { x * ln(x) } else { 0.0 }
}

/// Numbers, judged by the mean squared distance from their mean.
pub(super) struct Numbers<R> {
    /// (number - center) / scale, so that squares neither overflow nor cancel.
    numbers: Vec<f64>,
    center: f64,
    scale: f64,
    rows: PhantomData<R>,
}

impl<R> Numbers<R> {
    /// Of the numbers, around their mean `center`.
    pub(super) fn new(numbers: &[f64], center: f64) -> Self {
        let halves = numbers.iter().map(|number| (number / 2.0 - center / 2.0).abs());
        let largest = halves.fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let scaled = numbers.iter().map(|number| number / scale - center / scale);
        Self { numbers: scaled.collect(), center, scale, rows: PhantomData }
    }
}

impl<R: NumberRow> Criterion for Numbers<R> {
    type Row = R;
    type Sums = Cell;
    type Space = Space<R::Tally>;

    fn outputs(&self) -> usize {
        1
    }

    fn row(&self, index: usize, weight: f64) -> R {
        R::of(index as u32, self.numbers[index], weight)
    }

    fn nothing(&self) -> Cell {
        Cell::default()
    }

    fn sum(&self, rows: &[R], sums: &mut Cell) {
        sums.add(self.cell(total(rows, R::tally)));
    }

    fn weight(&self, sums: &Cell) -> f64 {
        sums.weight
    }

    fn is_pure(&self, rows: &[R], _: &Cell) -> bool {
        rows.iter().all(|row| row.number() == rows[0].number())
    }

    fn gain(&self, score: f64, sums: &Cell) -> f64 {
        score - sums.answer * sums.answer / sums.weight
    }

    fn unit(&self) -> f64 {
        self.scale * self.scale
    }

    fn leaf(&self, sums: &Cell, [low, high]: [f64; 2], into: &mut Vec<f64>) {
        into.push(self.center + self.mean(sums).clamp(low, high) * self.scale);
    }

    fn mean(&self, sums: &Cell) -> f64 {
        sums.answer / sums.weight
    }

    fn best<B: Columns>(&self, space: &mut Self::Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found {
        pair::best(self, space, columns, column, ask)
    }

    fn drawn<B: Columns>(
        &self,
        space: &mut Self::Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found {
        pair::drawn(self, space, columns, column, ask, chance)
    }
}

impl<R: NumberRow> Pair for Numbers<R> {
    type Tally = R::Tally;

    #[inline(always)]
    fn tally(row: R) -> R::Tally {
        row.tally()
    }

    #[inline(always)]
    fn cell(&self, tally: R::Tally) -> Cell {
        R::cell(tally)
    }

    #[inline(always)]
    fn score(&self, left: Cell, right: Cell) -> (f64, f64) {
        squares(left, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::tree::rows::Weighed;

    #[test]
    fn numbers_of_any_size_have_a_mean() {
        for size in [1e-300, 1.0, 1e300] {
            let numbers = Numbers::<Weighed>::new(&[size, 3.0 * size], 2.0 * size);
            let mut sums = Cell::default();
            numbers.sum(&[numbers.row(1, 2.0)], &mut sums);
            let mut leaf = Vec::new();
            numbers.leaf(&sums, [f64::NEG_INFINITY, f64::INFINITY], &mut leaf);
            assert!((leaf[0] / size - 3.0).abs() < 1e-12);
        }
    }
}
