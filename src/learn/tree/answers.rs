//! Two classes, and numbers: answers that sum to a pair.

use super::columns::Columns;
use super::criterion::{Ask, Criterion, Found, Item};
use super::pair::{self, Cell, Pair, Space, squares};
use crate::learn::chance::Chance;

/// Two classes, judged by Gini's impurity 2·p·(1-p), or by the entropy.
pub(super) struct Two<'a, const ENTROPY: bool> {
    /// Each row's class.
    pub(super) codes: &'a [u32],
    /// The class that counts as 1.
    pub(super) second: u32,
    /// The class that counts as 0.
    pub(super) first: u32,
    /// How many classes leaves tell apart, those that never occur too.
    pub(super) count: usize,
}

/// A row of two classes: the second one's weight is negative.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    index: u32,
    weight: f32,
}

impl Item for Mark {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl<const ENTROPY: bool> Criterion for Two<'_, ENTROPY> {
    type Row = Mark;
    type Sums = Cell;
    type Space = Space;

    fn outputs(&self) -> usize {
        self.count
    }

    fn row(&self, index: usize, weight: f64) -> Mark {
        let weight = weight as f32;
        Mark { index: index as u32, weight: if self.codes[index] == self.second { -weight } else { weight } }
    }

    fn nothing(&self) -> Cell {
        Cell::default()
    }

    fn sum(&self, rows: &[Mark], sums: &mut Cell) {
        rows.iter().for_each(|&row| sums.add(Self::cell(row)));
    }

    fn weight(&self, sums: &Cell) -> f64 {
        sums.weight
    }

    fn is_pure(&self, _: &[Mark], sums: &Cell) -> bool {
        sums.answer <= 0.0 || sums.answer >= sums.weight
    }

    fn gain(&self, score: f64, sums: &Cell) -> f64 {
        if ENTROPY {
            return score - uneven(*sums);
        }
        2.0 * (score - sums.answer * sums.answer / sums.weight)
    }

    fn leaf(&self, sums: &Cell, [low, high]: [f64; 2], into: &mut Vec<f64>) {
        let share = (sums.answer / sums.weight).clamp(0.0, 1.0).clamp(low, high);
        let start = into.len();
        into.resize(start + self.count, 0.0);
        into[start + self.first as usize] = 1.0 - share;
        into[start + self.second as usize] = share;
    }

    fn mean(&self, sums: &Cell) -> f64 {
        sums.answer / sums.weight
    }

    fn best<B: Columns>(&self, space: &mut Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found {
        pair::best(space, columns, column, ask)
    }

    fn drawn<B: Columns>(
        &self,
        space: &mut Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found {
        pair::drawn(space, columns, column, ask, chance)
    }
}

impl<const ENTROPY: bool> Pair for Two<'_, ENTROPY> {
    #[inline(always)]
    fn cell(row: Mark) -> Cell {
        let weight = f64::from(row.weight);
        Cell { weight: weight.abs(), answer: (-weight).max(0.0), rows: 1 }
    }

    #[inline(always)]
    fn score(left: Cell, right: Cell) -> (f64, f64) {
        if !ENTROPY {
            return squares(left, right);
        }
        (uneven(left) + uneven(right), 1.0)
    }
}

/// Minus weight × entropy.
fn uneven(cell: Cell) -> f64 {
    xlogx(cell.answer) + xlogx(cell.weight - cell.answer) - xlogx(cell.weight)
}

/// x·ln x, 0 at 0.
pub(super) fn xlogx(x: f64) -> f64 {
    if x > 0.0 { x * x.ln() } else { 0.0 }
}

/// Numbers, judged by the mean squared distance from their mean.
pub(super) struct Numbers {
    /// (number - center) / scale, so that squares neither overflow nor cancel.
    numbers: Vec<f64>,
    center: f64,
    scale: f64,
}

/// A row with its number.
#[derive(Clone, Copy)]
pub(super) struct Valued {
    number: f64,
    index: u32,
    weight: f32,
}

impl Item for Valued {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl Numbers {
    /// Of the numbers, around their mean `center`.
    pub(super) fn new(numbers: &[f64], center: f64) -> Self {
        let halves = numbers.iter().map(|number| (number / 2.0 - center / 2.0).abs());
        let largest = halves.fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let scaled = numbers.iter().map(|number| number / scale - center / scale);
        Self { numbers: scaled.collect(), center, scale }
    }

    fn unit(&self) -> f64 {
        self.scale * self.scale
    }
}

impl Criterion for Numbers {
    type Row = Valued;
    type Sums = Cell;
    type Space = Space;

    fn outputs(&self) -> usize {
        1
    }

    fn row(&self, index: usize, weight: f64) -> Valued {
        Valued { number: self.numbers[index], index: index as u32, weight: weight as f32 }
    }

    fn nothing(&self) -> Cell {
        Cell::default()
    }

    fn sum(&self, rows: &[Valued], sums: &mut Cell) {
        rows.iter().for_each(|&row| sums.add(Self::cell(row)));
    }

    fn weight(&self, sums: &Cell) -> f64 {
        sums.weight
    }

    fn is_pure(&self, rows: &[Valued], _: &Cell) -> bool {
        rows.iter().all(|row| row.number == rows[0].number)
    }

    fn gain(&self, score: f64, sums: &Cell) -> f64 {
        (score - sums.answer * sums.answer / sums.weight) * self.unit()
    }

    fn leaf(&self, sums: &Cell, [low, high]: [f64; 2], into: &mut Vec<f64>) {
        into.push(self.center + self.mean(sums).clamp(low, high) * self.scale);
    }

    fn mean(&self, sums: &Cell) -> f64 {
        sums.answer / sums.weight
    }

    fn best<B: Columns>(&self, space: &mut Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found {
        pair::best(space, columns, column, ask)
    }

    fn drawn<B: Columns>(
        &self,
        space: &mut Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found {
        pair::drawn(space, columns, column, ask, chance)
    }
}

impl Pair for Numbers {
    #[inline(always)]
    fn cell(row: Valued) -> Cell {
        let weight = f64::from(row.weight);
        Cell { weight, answer: weight * row.number, rows: 1 }
    }

    #[inline(always)]
    fn score(left: Cell, right: Cell) -> (f64, f64) {
        squares(left, right)
    }
}
