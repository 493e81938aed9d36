//! Folds for cross-validation: each row is tested once, or time goes forward.

use super::chance::Chance;
use crate::source::Fault;

/// One way to part the rows, both sides ascending (by time, for [`time_folds`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from.
    pub train: Vec<usize>,
    /// Rows to judge on.
    pub test: Vec<usize>,
}

/// `n` folds of `rows` rows in random order. With `strata` (one class a row) each fold has each class' share of
/// rows, as near as whole rows allow.
///
/// # Errors
/// If there are less than 2 folds, fewer rows than folds, or `strata` of another length.
pub fn folds(n: usize, rows: usize, strata: Option<&[u32]>, seed: u64) -> Result<Vec<Fold>, Fault> {
    enough(n, rows, n)?;
    if let Some(strata) = strata.filter(|strata| strata.len() != rows) {
        return Err(Fault::new("rows-differ", format!("{rows} rows, but {} classes", strata.len())));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    Chance::new(seed, 0).shuffle(&mut order);
    if let Some(strata) = strata {
        // Class after class, so that dealing gives each fold its share of each.
        order.sort_by_key(|&row| strata[row]);
    }
    let mut fold_of = vec![0; rows];
    for (nth, row) in order.into_iter().enumerate() {
        fold_of[row] = nth % n;
    }
    let part = |fold: usize| {
        let (test, train) = (0..rows).partition(|&row| fold_of[row] == fold);
        Fold { train, test }
    };
    Ok((0..n).map(part).collect())
}

/// `n` folds in which the rows of a group (one number a row, from 0) stay together. The folds are as near to the same size
/// as whole groups allow; with `strata` (one class a row) so are their shares of each class. Greedy: the groups go, the
/// largest first, each to the fold that needs it most; equals in random order.
///
/// # Errors
/// If there are less than 2 folds, fewer groups than folds, or `strata` of another length.
pub fn group_folds(n: usize, groups: &[u32], strata: Option<&[u32]>, seed: u64) -> Result<Vec<Fold>, Fault> {
    let rows = groups.len();
    if let Some(strata) = strata.filter(|strata| strata.len() != rows) {
        return Err(Fault::new("rows-differ", format!("{rows} rows, but {} classes", strata.len())));
    }
    let width = |numbers: &[u32]| numbers.iter().max().map_or(0, |most| *most as usize + 1);
    let (count, classes) = (width(groups), strata.map_or(1, width));
    enough_of(n, count, n, "groups")?;
    let class = |row: usize| strata.map_or(0, |strata| strata[row] as usize);
    let mut sizes = vec![vec![0usize; classes]; count];
    for row in 0..rows {
        sizes[groups[row] as usize][class(row)] += 1;
    }
    let total: Vec<usize> = (0..classes).map(|class| sizes.iter().map(|size| size[class]).sum()).collect();
    let mut order: Vec<usize> = (0..count).collect();
    Chance::new(seed, 0).shuffle(&mut order);
    order.sort_by_key(|group| std::cmp::Reverse(sizes[*group].iter().sum::<usize>()));
    let mut held = vec![vec![0usize; classes]; n];
    let mut fold_of = vec![0; count];
    for group in order {
        // How much worse the folds' shares get by taking the group: the growth of the sum of squares.
        let cost = |fold: &usize| -> f64 {
            (0..classes)
                .filter(|class| total[*class] > 0)
                .map(|class| {
                    let (held, more) = (held[*fold][class] as f64, sizes[group][class] as f64);
                    more * (2.0 * held + more) / total[class] as f64
                })
                .sum()
        };
        let fold = (0..n).min_by(|a, b| cost(a).total_cmp(&cost(b))).expect("there are folds");
        fold_of[group] = fold;
        held[fold].iter_mut().zip(&sizes[group]).for_each(|(held, more)| *held += more);
    }
    let part = |fold: usize| {
        let (test, train) = (0..rows).partition(|&row| fold_of[groups[row] as usize] == fold);
        Fold { train, test }
    };
    Ok((0..n).map(part).collect())
}

/// `n` folds that learn from the past only: `moments` holds the rows of each moment, from the earliest to the latest. Each
/// fold tests the stretch after what it learns from, and the next one learns from that too. The rows of a moment are never
/// parted: the stretches have the same number of rows as nearly as whole moments allow.
///
/// # Errors
/// If there are less than 2 folds, or too few moments for `n` stretches after the first.
pub fn time_folds(n: usize, moments: &[Vec<usize>]) -> Result<Vec<Fold>, Fault> {
    enough_of(n, moments.len(), n + 1, "moments")?;
    let mut ends = Vec::new();
    for rows in moments {
        ends.push(ends.last().copied().unwrap_or(0) + rows.len());
    }
    let rows = ends.last().copied().unwrap_or(0);
    let stretch = rows / (n + 1);
    // How many moments lie before each cut, the last one being the end.
    let mut cuts: Vec<usize> = Vec::new();
    for cut in 0..n {
        let wanted = rows - (n - cut) * stretch;
        let least = cuts.last().copied().unwrap_or(0) + 1;
        let most = moments.len() - (n - cut);
        let nearest = (least..=most).min_by_key(|before| ends[before - 1].abs_diff(wanted));
        cuts.push(nearest.expect("enough moments are left for each stretch"));
    }
    cuts.push(moments.len());
    let of = |moments: &[Vec<usize>]| moments.concat();
    Ok(cuts.windows(2).map(|cut| Fold { train: of(&moments[..cut[0]]), test: of(&moments[cut[0]..cut[1]]) }).collect())
}

/// The rows to learn from and those held out, to see when a fit should stop; both ascending. Of each class (`class` of a
/// row) the same share is held out, and at least one row learned from.
pub(super) fn hold_out(
    rows: usize,
    class: impl Fn(usize) -> usize,
    share: f64,
    mut chance: Chance,
) -> (Vec<u32>, Vec<u32>) {
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for row in 0..rows {
        let part = class(row);
        if part >= parts.len() {
            parts.resize(part + 1, Vec::new());
        }
        parts[part].push(row as u32);
    }
    let (mut learned, mut held) = (Vec::new(), Vec::new());
    for mut part in parts {
        chance.shuffle(&mut part);
        let out = ((part.len() as f64 * share).round() as usize).min(part.len().saturating_sub(1));
        held.extend_from_slice(&part[..out]);
        learned.extend_from_slice(&part[out..]);
    }
    learned.sort_unstable();
    held.sort_unstable();
    (learned, held)
}

fn enough(n: usize, rows: usize, least: usize) -> Result<(), Fault> {
    enough_of(n, rows, least, "rows")
}

/// Whether there is enough of `what` for the folds.
fn enough_of(n: usize, rows: usize, least: usize, what: &str) -> Result<(), Fault> {
    if n < 2 {
        return Err(Fault::new("bad-folds", format!("cross-validation needs at least 2 folds, not {n}")));
    }
    if rows < least {
        return Err(Fault::new("too-few-rows", format!("{rows} {what} are too few for {n} folds"))
            .help(format!("take fewer folds: {n} need at least {least} {what}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_tested_once_and_classes_are_shared_evenly() {
        let strata: Vec<u32> = (0..103).map(|row| u32::from(row % 10 == 0) + u32::from(row % 3 == 0)).collect();
        for strata in [None, Some(&strata[..])] {
            let found = folds(5, 103, strata, 7).expect("folds");
            let mut tested: Vec<usize> = found.iter().flat_map(|fold| fold.test.clone()).collect();
            tested.sort_unstable();
            assert_eq!(tested, (0..103).collect::<Vec<_>>());
            for fold in &found {
                assert_eq!(fold.train.len() + fold.test.len(), 103);
                assert!(fold.test.len() == 20 || fold.test.len() == 21);
                assert!(fold.train.iter().all(|row| !fold.test.contains(row)));
            }
            for class in 0..3 {
                let Some(strata) = strata else { continue };
                let held = found.iter().map(|fold| fold.test.iter().filter(|&&row| strata[row] == class).count());
                let (least, most) = (held.clone().min(), held.max());
                assert!(most.expect("folds") - least.expect("folds") <= 1);
            }
            assert_eq!(found, folds(5, 103, strata, 7).expect("folds"));
            assert_ne!(found, folds(5, 103, strata, 8).expect("folds"));
        }
    }

    #[test]
    fn groups_stay_whole_and_classes_are_shared_as_evenly_as_they_allow() {
        let groups: Vec<u32> = (0..240).map(|row| row % 40).collect();
        let strata: Vec<u32> = groups.iter().map(|group| u32::from(group % 4 == 0)).collect();
        for strata in [None, Some(&strata[..])] {
            let found = group_folds(5, &groups, strata, 3).expect("folds");
            let mut tested: Vec<usize> = found.iter().flat_map(|fold| fold.test.clone()).collect();
            tested.sort_unstable();
            assert_eq!(tested, (0..240).collect::<Vec<_>>());
            for fold in &found {
                assert_eq!(fold.test.len(), 48);
                let held: Vec<u32> = fold.test.iter().map(|row| groups[*row]).collect();
                assert!(fold.train.iter().all(|row| !held.contains(&groups[*row])));
                let Some(strata) = strata else { continue };
                assert_eq!(fold.test.iter().filter(|row| strata[**row] == 1).count(), 12);
            }
            assert_eq!(found, group_folds(5, &groups, strata, 3).expect("folds"));
            assert_ne!(found, group_folds(5, &groups, strata, 4).expect("folds"));
        }
        // One group with most rows is a fold of its own.
        let groups: Vec<u32> = (0..100).map(|row| if row < 60 { 0 } else { row % 8 }).collect();
        let found = group_folds(3, &groups, None, 0).expect("folds");
        let mut sizes: Vec<usize> = found.iter().map(|fold| fold.test.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [15, 20, 65]);
    }

    #[test]
    fn time_goes_forward() {
        let order = [4, 2, 0, 1, 3, 6, 5].map(|row| vec![row]);
        let found = time_folds(2, &order).expect("folds");
        assert_eq!(found[0], Fold { train: vec![4, 2, 0], test: vec![1, 3] });
        assert_eq!(found[1], Fold { train: vec![4, 2, 0, 1, 3], test: vec![6, 5] });
    }

    #[test]
    fn a_moment_is_never_parted() {
        let days = [vec![0, 1, 2, 3, 4, 5, 6, 7], vec![8], vec![9, 10], vec![11]];
        let found = time_folds(2, &days).expect("folds");
        assert_eq!(found[0], Fold { train: (0..8).collect(), test: vec![8] });
        assert_eq!(found[1], Fold { train: (0..9).collect(), test: vec![9, 10, 11] });
        let many = time_folds(3, &days).expect("folds");
        assert_eq!(many.iter().map(|fold| fold.test.clone()).collect::<Vec<_>>(), days[1..].to_vec());
        let fault = time_folds(4, &days).expect_err("fault");
        assert_eq!(fault.message, "4 moments are too few for 4 folds");
    }

    #[test]
    fn too_few_are_refused() {
        assert_eq!(folds(1, 9, None, 0).expect_err("fault").code, "bad-folds");
        assert_eq!(folds(5, 4, None, 0).expect_err("fault").code, "too-few-rows");
        assert_eq!(
            group_folds(3, &[0, 1, 0, 1, 0], None, 0).expect_err("fault").message,
            "2 groups are too few for 3 folds"
        );
        assert_eq!(time_folds(5, &[vec![0, 1, 2], vec![3]]).expect_err("fault").code, "too-few-rows");
    }
}
