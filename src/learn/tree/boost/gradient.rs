//! Each row's slope and curvature, packed into one whole number so that a histogram is one addition a row and feature.
//!
//! Sums of whole numbers are the same in any order, and the parent's minus one child's are exactly the other child's.
//! Only cuts are found by them: what a leaf answers comes from the slopes and curvatures themselves.

use rayon::prelude::*;

use super::exp::ROUND;

/// How many rows a thread takes at a time.
pub(super) const ROWS: usize = 4096;

/// What all slopes, and all curvatures, sum up to at most: so each half of a packed number holds any sum.
const MOST: f64 = (1u64 << 30) as f64;

/// What sums count as at least, so that they can be divided by.
const LEAST: f64 = 1e-200;

/// The slopes and curvatures of all rows.
#[derive(Default)]
pub(super) struct Gradients {
    /// Each row's slope and curvature.
    pub(super) pairs: Vec<[f32; 2]>,
    /// Each row's slope in the upper half and its curvature in the lower, as whole numbers of units.
    pub(super) packed: Vec<i64>,
    /// What one of a slope's whole numbers stands for.
    pub(super) slope: f64,
    /// What one of a curvature's whole numbers stands for.
    pub(super) curvature: f64,
    /// Whether every curvature is 1, so that it counts rows.
    pub(super) counts: bool,
}

/// The slopes' half of a sum of packed numbers.
#[inline(always)]
pub(super) fn slope(packed: i64) -> i32 {
    (packed >> 32) as i32
}

/// The curvatures' half.
#[inline(always)]
pub(super) fn curvature(packed: i64) -> i32 {
    packed as i32
}

impl Gradients {
    /// Takes pairs from `fill`, which gets the number of its first row and a place for each, and packs them. `counts`
    /// says that every curvature is 1.
    pub(super) fn update(&mut self, rows: usize, counts: bool, fill: impl Fn(usize, &mut [[f32; 2]]) + Sync) {
        self.pairs.resize(rows, [0.0; 2]);
        self.packed.resize(rows, 0);
        let sums: Vec<[f64; 2]> = self
            .pairs
            .par_chunks_mut(ROWS)
            .enumerate()
            .map(|(chunk, pairs)| {
                fill(chunk * ROWS, pairs);
                let add = |[a, b]: [f64; 2], [g, h]: &[f32; 2]| [a + f64::from(g.abs()), b + f64::from(*h)];
                pairs.iter().fold([0.0; 2], add)
            })
            .collect();
        let [slopes, curvatures] = sums.iter().fold([0.0; 2], |[a, b], [g, h]| [a + g, b + h]);
        self.counts = counts;
        self.slope = slopes.max(LEAST) / MOST;
        self.curvature = if counts { 1.0 } else { curvatures.max(LEAST) / MOST };
        let (per_slope, per_curvature) = (1.0 / self.slope, 1.0 / self.curvature);
        self.packed.par_chunks_mut(ROWS).zip(self.pairs.par_chunks(ROWS)).for_each(|(packed, pairs)| {
            for (packed, &[g, h]) in packed.iter_mut().zip(pairs) {
                let g = (f64::from(g) * per_slope + ROUND).to_bits() as i64;
                let h = (f64::from(h) * per_curvature + ROUND).to_bits() as i64;
                *packed = (g << 32) + (h & 0xffff_ffff);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_packed_numbers_are_the_sums_of_both_halves() {
        let of = |row: usize| [(row as f32 * 0.7).sin() * 3.0, 0.1 + (row % 7) as f32];
        let mut gradients = Gradients::default();
        gradients.update(9000, false, |first, pairs| {
            pairs.iter_mut().enumerate().for_each(|(nth, pair)| *pair = of(first + nth));
        });
        let sum: i64 = gradients.packed.iter().step_by(2).sum();
        let [g, h] = (0..9000).step_by(2).map(of).fold([0.0; 2], |[a, b], [g, h]| [a + f64::from(g), b + f64::from(h)]);
        assert!((f64::from(slope(sum)) * gradients.slope - g).abs() < 1e-2, "{g}");
        assert!((f64::from(curvature(sum)) * gradients.curvature - h).abs() < 1e-2, "{h}");
    }

    #[test]
    fn slopes_of_nothing_are_nothing() {
        let mut gradients = Gradients::default();
        gradients.update(3, true, |_, pairs| pairs.fill([0.0, 1.0]));
        assert_eq!(gradients.packed, [1; 3]);
    }
}
