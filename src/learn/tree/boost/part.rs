//! Parting a node's rows in two, each side in its order.

use rayon::prelude::*;

use super::scan::Set;

/// How many rows a thread parts at a time.
const STRETCH: usize = 16_384;

/// Puts the rows whose code is in `left` first, keeps the order on both sides, and says how many those are. `scratch` is
/// as long as `rows`.
pub(super) fn part(rows: &mut [u32], scratch: &mut [u32], left: &Set, code: impl Fn(u32) -> u8 + Sync) -> usize {
    let goes: [u8; 256] = std::array::from_fn(|code| u8::from(left.holds(code as u8)));
    let one = |(rows, scratch): (&mut [u32], &mut [u32])| {
        let (mut lefts, mut rights) = (0, 0);
        for at in 0..rows.len() {
            let row = rows[at];
            let goes = usize::from(goes[usize::from(code(row))]);
            // Without a branch: what goes elsewhere is overwritten by the next.
            rows[lefts] = row;
            scratch[rights] = row;
            lefts += goes;
            rights += 1 - goes;
        }
        lefts
    };
    if rows.len() <= 2 * STRETCH {
        let lefts = one((rows, scratch));
        let rights = rows.len() - lefts;
        rows[lefts..].copy_from_slice(&scratch[..rights]);
        return lefts;
    }
    let stretches = rows.par_chunks_mut(STRETCH).zip(scratch.par_chunks_mut(STRETCH));
    let lefts: Vec<usize> = stretches.map(one).collect();
    let (mut to, total) = (0, lefts.iter().sum());
    for (stretch, &count) in lefts.iter().enumerate() {
        let first = stretch * STRETCH;
        rows.copy_within(first..first + count, to);
        to += count;
    }
    for (stretch, &count) in lefts.iter().enumerate() {
        let first = stretch * STRETCH;
        let rights = STRETCH.min(rows.len() - first) - count;
        rows[to..to + rights].copy_from_slice(&scratch[first..first + rights]);
        to += rights;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_keep_their_order_however_many_rows() {
        let mut left = Set::default();
        [1, 4, 200, 255].iter().for_each(|&code| left.insert(code));
        let code = |row: u32| (row % 256) as u8;
        for count in [0, 1, 5, 1000, 32_768, 32_769, 100_001] {
            let mut rows: Vec<u32> = (0..count).map(|row| row * 7).collect();
            let (mut goes, stays): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| left.holds(code(row)));
            let taken = part(&mut rows, &mut vec![0; count as usize], &left, code);
            assert_eq!(taken, goes.len());
            goes.extend(stays);
            assert_eq!(rows, goes);
        }
    }
}
