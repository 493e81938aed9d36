//! The best cut of one feature in one node, from its histogram.

use std::ops::Range;

use super::gradient::Fields;
use super::histogram::{Cells, Feature};
use crate::learn::tree::bins::MISSING;

/// Gains below that share of what the node has already are rounding.
const NOISE: f64 = 1e-10;
/// Categories of fewer rows are not told apart (as scikit-learn's `MIN_CAT_SUPPORT`); they go right.
const SUPPORT: f64 = 10.0;

/// What every cut of a tree keeps to. Slopes and curvatures are counted in whole numbers, as they are packed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Where the parts of packed numbers lie.
    pub(super) fields: Fields,
    /// What is added to a side's curvature.
    pub(super) l2: f64,
    /// How much curvature a side has at least.
    pub(super) least: f64,
    /// How many rows a side has at least.
    pub(super) rows: usize,
    /// What is added to a category's curvature where categories are put in order.
    pub(super) smooth: f64,
    /// How much a cut gains at least.
    pub(super) gain: f64,
    /// Whether any feature is monotone, so that answers have bounds.
    pub(super) bounded: bool,
}

/// A node as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    /// Its sum of packed numbers.
    pub(super) packed: i64,
    /// How many rows it has.
    pub(super) rows: usize,
    /// What its answer is at least and at most.
    pub(super) bounds: [f64; 2],
}

/// A cut and what it is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    /// By how much it lowers twice the loss.
    pub(super) gain: f64,
    /// Which feature, among those that vary.
    pub(super) feature: usize,
    /// The codes that go left, the missing values' among them.
    pub(super) left: Set,
    /// For numbers: the last bin that goes left.
    pub(super) last: u8,
    /// The left side's sum of packed numbers.
    pub(super) packed: i64,
}

/// A set of codes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Set([u64; 4]);

impl Set {
    /// Puts a code in.
    pub(super) fn insert(&mut self, code: u8) {
        self.0[usize::from(code / 64)] |= 1 << (code % 64);
    }

    /// Whether a code is in it.
    #[inline(always)]
    pub(super) fn holds(&self, code: u8) -> bool {
        self.0[usize::from(code / 64)] >> (code % 64) & 1 == 1
    }
}

/// The rows of each code, where curvatures don't tell well enough.
pub(super) type Counts = [u32; 256];

/// One feature of one node.
pub(super) struct Scan<'a> {
    /// The rule.
    pub(super) rule: &'a Rule,
    /// The node.
    pub(super) whole: &'a Whole,
    /// The feature.
    pub(super) feature: &'a Feature,
    /// Its histogram.
    pub(super) cells: &'a Cells,
    /// The rows of each code, if they were counted.
    pub(super) counts: Option<&'a Counts>,
}

/// The sums over the first codes of an order, one after another.
struct Sums {
    packed: [i64; 256],
    slope: [i32; 256],
    curvature: [i32; 256],
    /// Empty if rows aren't counted.
    rows: Vec<i32>,
}

/// The best place in an order of codes.
#[derive(Clone, Copy)]
struct Place {
    score: f64,
    /// How many codes go left.
    taken: usize,
    packed: i64,
}

impl Scan<'_> {
    /// The best cut, `None` if none is worth it.
    pub(super) fn best(&self, feature: usize) -> Option<Split> {
        let own = self.score_of(self.whole.packed);
        let least = own + self.rule.gain.max(NOISE * own);
        let split = if self.feature.category { self.categories(least) } else { self.numbers(least) }?;
        Some(Split { gain: split.gain - own, feature, ..split })
    }

    /// Numbers: in order, with those missing on one side and then the other.
    fn numbers(&self, least: f64) -> Option<Split> {
        let bins = self.feature.bins;
        let missing = self.cells[usize::from(MISSING)];
        let lacks = self.feature.missing && missing != 0;
        let order = |nth: usize| nth;
        // With those missing on the right, all numbers may go left.
        let right = self.walk(bins, if lacks { bins } else { bins - 1 }, 0, order).filter(|place| place.score > least);
        let left = if lacks { self.walk(bins, bins - 1, 1, order) } else { None };
        let left = left.filter(|left| left.score > right.map_or(least, |right| right.score));
        let place = left.or(right)?;
        let mut set = Set::default();
        (0..place.taken).for_each(|bin| set.insert(bin as u8));
        let larger = self.is_larger(place.packed);
        if left.is_some() || (!lacks && larger) {
            set.insert(MISSING);
        }
        let last = (place.taken - 1) as u8;
        Some(Split { gain: place.score, feature: 0, left: set, last, packed: place.packed })
    }

    /// Whether a side has more than half of the curvature.
    fn is_larger(&self, packed: i64) -> bool {
        let fields = self.rule.fields;
        2 * i64::from(fields.curvature(packed)) > i64::from(fields.curvature(self.whole.packed))
    }

    /// Categories: in the order of the answers they would get (Fisher 1958), those missing as one of them.
    fn categories(&self, least: f64) -> Option<Split> {
        let fields = self.rule.fields;
        let support = SUPPORT.min(self.rule.rows.max(1) as f64);
        let rows = |packed| match fields.rows(packed) {
            Some(rows) => f64::from(rows),
            None => f64::from(fields.curvature(packed)) * self.rows_per_curvature(),
        };
        let known = 0..self.feature.bins as u8;
        let held = |code: &u8| rows(self.cells[usize::from(*code)]) >= support;
        let mut order: Vec<u8> = known.chain([MISSING]).filter(held).collect();
        let key = |code: u8| {
            let cell = self.cells[usize::from(code)];
            f64::from(fields.slope(cell)) / (f64::from(fields.curvature(cell)) + self.rule.smooth)
        };
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
        let sum = order.iter().map(|&code| self.cells[usize::from(code)]).sum::<i64>();
        // Those too few to tell apart are all on the right, so that all others may go left.
        let places = if sum == self.whole.packed { order.len().checked_sub(1)? } else { order.len() };
        let place = self.walk(order.len(), places, 0, |nth| usize::from(order[nth]))?;
        if place.score <= least {
            return None;
        }
        let mut set = Set::default();
        order[..place.taken].iter().for_each(|&code| set.insert(code));
        let larger = self.is_larger(place.packed);
        if self.cells[usize::from(MISSING)] == 0 && larger {
            set.insert(MISSING);
        }
        Some(Split { gain: place.score, feature: 0, left: set, last: 0, packed: place.packed })
    }

    /// The best of the first `places` places behind a code in an order of `codes` codes. `missing` is 1 if those missing
    /// are left of all.
    fn walk(&self, codes: usize, places: usize, missing: usize, order: impl Fn(usize) -> usize) -> Option<Place> {
        let fields = self.rule.fields;
        let mut sums = Sums { packed: [0; 256], slope: [0; 256], curvature: [0; 256], rows: Vec::new() };
        let mut sum = if missing == 1 { self.cells[usize::from(MISSING)] } else { 0 };
        for nth in 0..codes {
            sum += self.cells[order(nth)];
            sums.packed[nth] = sum;
            sums.slope[nth] = fields.slope(sum);
            sums.curvature[nth] = fields.curvature(sum);
        }
        if let Some(counts) = self.counts {
            let first = if missing == 1 { counts[usize::from(MISSING)] as i32 } else { 0 };
            let add = |rows: &mut i32, nth| {
                *rows += counts[order(nth)] as i32;
                Some(*rows)
            };
            sums.rows.extend((0..codes).scan(first, add));
        } else if self.rule.rows > 1 {
            sums.rows.extend(sums.packed[..codes].iter().filter_map(|&sum| fields.rows(sum)));
        }
        let range = self.allowed(&sums, places)?;
        let first = range.start;
        let (score, at) = if self.rule.bounded { self.bounded(&sums, range) } else { self.free(&sums, range) }?;
        Some(Place { score, taken: first + at + 1, packed: sums.packed[first + at] })
    }

    /// The places that leave enough on both sides: they follow each other, since sums only grow.
    fn allowed(&self, sums: &Sums, places: usize) -> Option<Range<usize>> {
        let all = self.rule.fields.curvature(self.whole.packed);
        let mut least = self.rule.least.max(1.0);
        if sums.rows.is_empty() && self.rule.rows > 1 {
            least = least.max((self.rule.rows as f64 - 0.5) / self.rows_per_curvature());
        }
        if least > f64::from(all) {
            return None;
        }
        let both = |sums: &[i32], all: i32, least: i32| {
            sums.partition_point(|&sum| sum < least)..sums.partition_point(|&sum| all - sum >= least)
        };
        let mut range = both(&sums.curvature[..places], all, least.ceil() as i32);
        if !sums.rows.is_empty() {
            let rows = both(&sums.rows[..places], self.whole.rows as i32, self.rule.rows.min(i32::MAX as usize) as i32);
            range = range.start.max(rows.start)..range.end.min(rows.end);
        }
        (range.start < range.end).then_some(range)
    }

    /// The best of the places without bounds.
    fn free(&self, sums: &Sums, range: Range<usize>) -> Option<(f64, usize)> {
        let (g, h) = self.halves(self.whole.packed);
        let l2 = self.rule.l2;
        let mut scores = [0.0f64; 256];
        let sums = sums.slope[range.clone()].iter().zip(&sums.curvature[range.clone()]);
        for (score, (&gl, &hl)) in scores.iter_mut().zip(sums) {
            let (gl, hl) = (f64::from(gl), f64::from(hl));
            let (gr, hr) = (g - gl, h - hl + l2);
            let hl = hl + l2;
            // gl²/hl + gr²/hr with one division.
            *score = (gl * gl * hr + gr * gr * hl) / (hl * hr);
        }
        best(&scores[..range.len()])
    }

    /// The best of the places whose answers keep to the bounds and to the feature's direction.
    fn bounded(&self, sums: &Sums, range: Range<usize>) -> Option<(f64, usize)> {
        let mut scores = [f64::NEG_INFINITY; 256];
        for (score, &sum) in scores.iter_mut().zip(&sums.packed[range.clone()]) {
            let rest = self.whole.packed - sum;
            let rise = self.answer(rest) - self.answer(sum);
            if rise * f64::from(self.feature.monotone) >= 0.0 {
                *score = self.score_of(sum) + self.score_of(rest);
            }
        }
        best(&scores[..range.len()])
    }

    /// A side's slope and curvature.
    fn halves(&self, packed: i64) -> (f64, f64) {
        (f64::from(self.rule.fields.slope(packed)), f64::from(self.rule.fields.curvature(packed)))
    }

    /// What a side would answer, in units of slope per units of curvature.
    pub(super) fn answer(&self, packed: i64) -> f64 {
        let (g, h) = self.halves(packed);
        let h = h + self.rule.l2;
        let free = if h > 0.0 { -g / h } else { 0.0 };
        free.clamp(self.whole.bounds[0], self.whole.bounds[1])
    }

    /// By how much a side's answer lowers twice the loss.
    fn score_of(&self, packed: i64) -> f64 {
        let (g, h) = self.halves(packed);
        let answer = self.answer(packed);
        -(2.0 * g + (h + self.rule.l2) * answer) * answer
    }

    /// How many rows one whole number of curvature stands for here.
    fn rows_per_curvature(&self) -> f64 {
        self.whole.rows as f64 / f64::from(self.rule.fields.curvature(self.whole.packed).max(1))
    }
}

/// The largest score and its first place.
fn best(scores: &[f64]) -> Option<(f64, usize)> {
    let (mut most, mut at) = (f64::NEG_INFINITY, None);
    for (nth, &score) in scores.iter().enumerate() {
        if score > most {
            (most, at) = (score, Some(nth));
        }
    }
    Some((most, at?))
}
