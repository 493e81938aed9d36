//! Rows as trees carry them: few bytes each, and sums that few operations make.

use std::hint::select_unpredictable;

use super::criterion::Item;
use super::pair::{Cell, Tally};

/// A row of one of two classes.
pub(super) trait ClassRow: Item {
    /// What rows are summed in.
    type Tally: Tally;
    /// A row that counts `weight`, in units of its class.
    fn of(index: u32, second: bool, weight: f64) -> Self;
    /// What it adds.
    fn tally(self) -> Self::Tally;
    /// What rows sum to, where a row of each class weighs so much.
    fn cell(tally: Self::Tally, units: [f64; 2]) -> Cell;
}

/// A row with a number.
pub(super) trait NumberRow: Item {
    /// What rows are summed in.
    type Tally: Tally;
    /// A row that counts `weight`.
    fn of(index: u32, number: f64, weight: f64) -> Self;
    /// Its number.
    fn number(self) -> f64;
    /// What it adds.
    fn tally(self) -> Self::Tally;
    /// What rows sum to.
    fn cell(tally: Self::Tally) -> Cell;
}

/// How many rows, or how much weight in units, one sum of counted classes holds at most.
pub(super) const COUNTED: u64 = (1 << FIELD) - 1;
const FIELD: u32 = 21;

/// A row of two classes that counts so many times: three sums in one word.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    index: u32,
    /// The halves of the word, so that a row is no longer than it must be.
    word: [u32; 2],
}

/// How often rows of both classes count, 21 bits each, and how many rows, above them.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts(u64);

impl Tally for Counts {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.0 += other.0;
    }

    #[inline(always)]
    fn only_if(self, there: bool) -> Self {
        Self(select_unpredictable(there, self.0, 0))
    }

    #[inline(always)]
    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Item for Counted {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl ClassRow for Counted {
    type Tally = Counts;

    fn of(index: u32, second: bool, weight: f64) -> Self {
        let times = weight.round() as u64;
        let word = 1 << (2 * FIELD) | times << if second { FIELD } else { 0 };
        Self { index, word: [word as u32, (word >> 32) as u32] }
    }

    #[inline(always)]
    fn tally(self) -> Counts {
        Counts(u64::from(self.word[0]) | u64::from(self.word[1]) << 32)
    }

    #[inline(always)]
    fn cell(Counts(word): Counts, units: [f64; 2]) -> Cell {
        let field = |shift: u32| (word >> shift & COUNTED) as i64 as f64;
        let answer = field(FIELD) * units[1];
        Cell { weight: field(0) * units[0] + answer, answer, rows: word >> (2 * FIELD) }
    }
}

/// A row of two classes with a weight, that of the second one negative.
#[derive(Clone, Copy)]
pub(super) struct Marked {
    index: u32,
    weight: f32,
}

impl Item for Marked {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl ClassRow for Marked {
    type Tally = Cell;

    fn of(index: u32, second: bool, weight: f64) -> Self {
        let weight = weight as f32;
        Self { index, weight: if second { -weight } else { weight } }
    }

    #[inline(always)]
    fn tally(self) -> Cell {
        let weight = f64::from(self.weight);
        Cell { weight: weight.abs(), answer: (-weight).max(0.0), rows: 1 }
    }

    #[inline(always)]
    fn cell(tally: Cell, _: [f64; 2]) -> Cell {
        tally
    }
}

/// A row with a number that counts so many times.
#[derive(Clone, Copy)]
pub(super) struct Repeated {
    number: f64,
    index: u32,
    times: u32,
}

/// The sum of numbers, how often rows count in the lower half of a word, and how many rows in the upper one.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    answer: f64,
    counts: u64,
}

impl Tally for Sum {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.answer += other.answer;
        self.counts += other.counts;
    }

    #[inline(always)]
    fn only_if(self, there: bool) -> Self {
        Self {
            answer: select_unpredictable(there, self.answer, 0.0),
            counts: select_unpredictable(there, self.counts, 0),
        }
    }

    #[inline(always)]
    fn is_empty(self) -> bool {
        self.counts == 0
    }
}

impl Item for Repeated {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl NumberRow for Repeated {
    type Tally = Sum;

    fn of(index: u32, number: f64, weight: f64) -> Self {
        Self { number, index, times: weight.round() as u32 }
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self.number
    }

    #[inline(always)]
    fn tally(self) -> Sum {
        Sum { answer: self.number * f64::from(self.times), counts: 1 << 32 | u64::from(self.times) }
    }

    #[inline(always)]
    fn cell(Sum { answer, counts }: Sum) -> Cell {
        Cell { weight: f64::from(counts as u32), answer, rows: counts >> 32 }
    }
}

/// A row with a number and a weight.
#[derive(Clone, Copy)]
pub(super) struct Weighed {
    number: f64,
    index: u32,
    weight: f32,
}

impl Item for Weighed {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

impl NumberRow for Weighed {
    type Tally = Cell;

    fn of(index: u32, number: f64, weight: f64) -> Self {
        Self { number, index, weight: weight as f32 }
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self.number
    }

    #[inline(always)]
    fn tally(self) -> Cell {
        let weight = f64::from(self.weight);
        Cell { weight, answer: weight * self.number, rows: 1 }
    }

    #[inline(always)]
    fn cell(tally: Cell) -> Cell {
        tally
    }
}
