//! Each row's slope and curvature, packed into one whole number so that a histogram is one addition a row and feature.
//!
//! Sums of whole numbers are the same in any order, and the parent's minus one child's are exactly the other child's.
//! Only cuts are found by them: what a leaf answers comes from the slopes and curvatures themselves.

use rayon::prelude::*;

use super::exp::ROUND;

/// How many rows a thread takes at a time.
pub(super) const ROWS: usize = 4096;

/// Up to so many rows each is counted too: more of them would leave too few bits to the slopes.
const COUNTED: usize = 1 << 14;

/// What sums count as at least, so that they can be divided by.
const LEAST: f64 = 1e-200;

/// The slopes and curvatures of all rows.
#[derive(Default)]
pub(super) struct Gradients {
    /// Each row's slope and curvature.
    pub(super) pairs: Vec<[f32; 2]>,
    /// Each row's slope, curvature and itself as whole numbers, packed by `fields`.
    pub(super) packed: Vec<i64>,
    /// What one of a slope's whole numbers stands for.
    pub(super) slope: f64,
    /// What one of a curvature's whole numbers stands for.
    pub(super) curvature: f64,
    /// Where they lie in a packed number.
    pub(super) fields: Fields,
}

/// Where slopes (uppermost), curvatures and counts of rows (lowest) lie in a packed number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    /// How many bits the sum of curvatures has.
    curvature: u32,
    /// How many bits the count of rows has; 0 if rows aren't counted.
    rows: u32,
    /// Whether every curvature is 1, so that it counts rows.
    even: bool,
}

impl Fields {
    /// For so many rows.
    fn of(rows: usize, even: bool) -> Self {
        if even || rows > COUNTED {
            return Self { curvature: 32, rows: 0, even };
        }
        let count = usize::BITS - rows.leading_zeros();
        // What is left is shared by both, with one bit more for the slopes' sign.
        Self { curvature: (64 - count) / 2, rows: count, even }
    }

    /// What all slopes, and all curvatures, sum up to at most: rounding may add one half a row.
    fn most(self) -> [f64; 2] {
        let bits = [62 - self.curvature - self.rows, self.curvature - 2];
        bits.map(|bits| (1u64 << bits) as f64)
    }

    /// The slopes' part of a sum of packed numbers.
    #[inline(always)]
    pub(super) fn slope(self, packed: i64) -> i32 {
        (packed >> (self.curvature + self.rows)) as i32
    }

    /// The curvatures' part.
    #[inline(always)]
    pub(super) fn curvature(self, packed: i64) -> i32 {
        (packed >> self.rows & ((1 << self.curvature) - 1)) as i32
    }

    /// The rows' part, if they are counted.
    #[inline(always)]
    pub(super) fn rows(self, packed: i64) -> Option<i32> {
        if self.even {
            return Some(self.curvature(packed));
        }
        (self.rows > 0).then_some((packed & ((1 << self.rows) - 1)) as i32)
    }
}

impl Gradients {
    /// Takes pairs from `fill`, which gets the number of its first row and a place for each, and packs them. `even`
    /// says that every curvature is 1.
    pub(super) fn update(&mut self, rows: usize, even: bool, fill: impl Fn(usize, &mut [[f32; 2]]) + Sync) {
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
        self.fields = Fields::of(rows, even);
        let most = self.fields.most();
        self.slope = slopes.max(LEAST) / most[0];
        self.curvature = if even { 1.0 } else { curvatures.max(LEAST) / most[1] };
        let (per_slope, per_curvature) = (1.0 / self.slope, 1.0 / self.curvature);
        let Fields { curvature, rows, .. } = self.fields;
        let (shift, one) = (curvature + rows, i64::from(rows > 0));
        self.packed.par_chunks_mut(ROWS).zip(self.pairs.par_chunks(ROWS)).for_each(|(packed, pairs)| {
            for (packed, &[g, h]) in packed.iter_mut().zip(pairs) {
                let g = (f64::from(g) * per_slope + ROUND).to_bits() as i64;
                let h = (f64::from(h) * per_curvature + ROUND).to_bits() as i64;
                // The lowest bits hold the whole number, as far down as the slope's sign.
                *packed = (g << shift) + ((h & 0xffff_ffff) << rows) + one;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_packed_numbers_are_the_sums_of_their_parts() {
        let of = |row: usize| [(row as f32 * 0.7).sin() * 3.0, 0.1 + (row % 7) as f32];
        for rows in [1, 2, 100, 9000, 16_384, 16_385, 50_000] {
            let mut gradients = Gradients::default();
            gradients.update(rows, false, |first, pairs| {
                pairs.iter_mut().enumerate().for_each(|(nth, pair)| *pair = of(first + nth));
            });
            let sum: i64 = gradients.packed.iter().step_by(2).sum();
            let each = (0..rows).step_by(2).map(of);
            let [g, h] = each.fold([0.0; 2], |[a, b], [g, h]| [a + f64::from(g), b + f64::from(h)]);
            let room = rows as f64 * 1e-3;
            let fields = gradients.fields;
            assert!((f64::from(fields.slope(sum)) * gradients.slope - g).abs() < room, "{rows}: {g}");
            assert!((f64::from(fields.curvature(sum)) * gradients.curvature - h).abs() < room, "{rows}: {h}");
            assert_eq!(fields.rows(sum), (rows <= COUNTED).then_some(rows.div_ceil(2) as i32));
        }
    }

    #[test]
    fn slopes_of_nothing_are_nothing_and_even_curvatures_count() {
        let mut gradients = Gradients::default();
        gradients.update(3, true, |_, pairs| pairs.fill([0.0, 1.0]));
        assert_eq!(gradients.packed, [1; 3]);
        assert_eq!(gradients.fields.rows(3), Some(3));
    }
}
