//! The best cut of one feature in one node, from its histogram.

use super::gradient::{curvature, slope};
use super::histogram::{Cells, Feature};
use crate::learn::tree::bins::MISSING;

/// Gains below that share of what the node has already are rounding.
const NOISE: f64 = 1e-10;
/// Categories of fewer rows are not told apart (as scikit-learn's `MIN_CAT_SUPPORT`); they go right.
const SUPPORT: f64 = 10.0;

/// What every cut of a tree keeps to. Slopes and curvatures are counted in whole numbers, as they are packed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
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
        let larger = 2 * i64::from(curvature(place.packed)) > i64::from(curvature(self.whole.packed));
        if left.is_some() || (!lacks && larger) {
            set.insert(MISSING);
        }
        let last = (place.taken - 1) as u8;
        Some(Split { gain: place.score, feature: 0, left: set, last, packed: place.packed })
    }

    /// Categories: in the order of the answers they would get (Fisher 1958), those missing as one of them.
    fn categories(&self, least: f64) -> Option<Split> {
        let rows = self.rows_per_curvature();
        let support = SUPPORT.min(self.rule.rows.max(1) as f64);
        let known = 0..self.feature.bins as u8;
        let held = |code: &u8| f64::from(curvature(self.cells[usize::from(*code)])) * rows >= support;
        let mut order: Vec<u8> = known.chain([MISSING]).filter(held).collect();
        let key = |code: u8| {
            let cell = self.cells[usize::from(code)];
            f64::from(slope(cell)) / (f64::from(curvature(cell)) + self.rule.smooth)
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
        let larger = 2 * i64::from(curvature(place.packed)) > i64::from(curvature(self.whole.packed));
        if self.cells[usize::from(MISSING)] == 0 && larger {
            set.insert(MISSING);
        }
        Some(Split { gain: place.score, feature: 0, left: set, last: 0, packed: place.packed })
    }

    /// The best of the first `places` places behind a code in an order of `codes` codes. `missing` is 1 if those missing
    /// are left of all.
    fn walk(&self, codes: usize, places: usize, missing: usize, order: impl Fn(usize) -> usize) -> Option<Place> {
        let mut sums = [0i64; 256];
        let mut sum = if missing == 1 { self.cells[usize::from(MISSING)] } else { 0 };
        for (nth, slot) in sums[..codes].iter_mut().enumerate() {
            sum += self.cells[order(nth)];
            *slot = sum;
        }
        let range = self.allowed(&sums, places, missing, order)?;
        let first = range.start;
        let sums = &sums[range];
        let (score, at) = if self.rule.bounded { self.bounded(sums) } else { self.free(sums) }?;
        Some(Place { score, taken: first + at + 1, packed: sums[at] })
    }

    /// The places that leave enough on both sides: they follow each other, since sums only grow.
    fn allowed(
        &self,
        sums: &[i64; 256],
        places: usize,
        missing: usize,
        order: impl Fn(usize) -> usize,
    ) -> Option<std::ops::Range<usize>> {
        let all = curvature(self.whole.packed);
        let mut least = self.rule.least.max(1.0);
        if self.counts.is_none() {
            least = least.max((self.rule.rows as f64 - 0.5) / self.rows_per_curvature());
        }
        if least > f64::from(all) {
            return None;
        }
        let least = least.ceil() as i32;
        let mut start = sums[..places].partition_point(|&sum| curvature(sum) < least);
        let mut end = sums[..places].partition_point(|&sum| all - curvature(sum) >= least);
        if let Some(counts) = self.counts {
            let mut rows = if missing == 1 { counts[usize::from(MISSING)] as usize } else { 0 };
            for nth in 0..places {
                rows += counts[order(nth)] as usize;
                if rows < self.rule.rows {
                    start = start.max(nth + 1);
                }
                if self.whole.rows - rows < self.rule.rows {
                    end = end.min(nth);
                }
            }
        }
        (start < end).then_some(start..end)
    }

    /// The best of the places without bounds.
    fn free(&self, sums: &[i64]) -> Option<(f64, usize)> {
        let (g, h) = halves(self.whole.packed);
        let l2 = self.rule.l2;
        let mut scores = [0.0f64; 256];
        for (score, &sum) in scores.iter_mut().zip(sums) {
            let (gl, hl) = halves(sum);
            let (gr, hr) = (g - gl, h - hl + l2);
            let hl = hl + l2;
            // gl²/hl + gr²/hr with one division.
            *score = (gl * gl * hr + gr * gr * hl) / (hl * hr);
        }
        best(&scores[..sums.len()])
    }

    /// The best of the places whose answers keep to the bounds and to the feature's direction.
    fn bounded(&self, sums: &[i64]) -> Option<(f64, usize)> {
        let mut scores = [f64::NEG_INFINITY; 256];
        for (score, &sum) in scores.iter_mut().zip(sums) {
            let rest = self.whole.packed - sum;
            let rise = self.answer(rest) - self.answer(sum);
            if rise * f64::from(self.feature.monotone) >= 0.0 {
                *score = self.score_of(sum) + self.score_of(rest);
            }
        }
        best(&scores[..sums.len()])
    }

    /// What a side would answer, in units of slope per units of curvature.
    pub(super) fn answer(&self, packed: i64) -> f64 {
        let (g, h) = halves(packed);
        let h = h + self.rule.l2;
        let free = if h > 0.0 { -g / h } else { 0.0 };
        free.clamp(self.whole.bounds[0], self.whole.bounds[1])
    }

    /// By how much a side's answer lowers twice the loss.
    fn score_of(&self, packed: i64) -> f64 {
        let (g, h) = halves(packed);
        let answer = self.answer(packed);
        -(2.0 * g + (h + self.rule.l2) * answer) * answer
    }

    /// How many rows one whole number of curvature stands for here.
    fn rows_per_curvature(&self) -> f64 {
        self.whole.rows as f64 / f64::from(curvature(self.whole.packed).max(1))
    }
}

#[inline(always)]
fn halves(packed: i64) -> (f64, f64) {
    (f64::from(slope(packed)), f64::from(curvature(packed)))
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
