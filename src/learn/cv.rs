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

/// `n` folds that learn from the past only: `order` names the rows from the earliest to the latest. Each fold tests
/// the stretch after what it learns from, and the next one learns from that too.
///
/// # Errors
/// If there are less than 2 folds, or too few rows for `n` stretches after the first.
pub fn time_folds(n: usize, order: &[usize]) -> Result<Vec<Fold>, Fault> {
    enough(n, order.len(), n + 1)?;
    let stretch = order.len() / (n + 1);
    let first = order.len() - n * stretch;
    let part = |fold: usize| {
        let now = first + fold * stretch;
        Fold { train: order[..now].to_vec(), test: order[now..now + stretch].to_vec() }
    };
    Ok((0..n).map(part).collect())
}

fn enough(n: usize, rows: usize, least: usize) -> Result<(), Fault> {
    if n < 2 {
        return Err(Fault::new("bad-folds", format!("cross-validation needs at least 2 folds, not {n}")));
    }
    if rows < least {
        return Err(Fault::new("too-few-rows", format!("{rows} rows are too few for {n} folds"))
            .help(format!("take fewer folds: {n} need at least {least} rows")));
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
    fn time_goes_forward() {
        let order = [4, 2, 0, 1, 3, 6, 5];
        let found = time_folds(2, &order).expect("folds");
        assert_eq!(found[0], Fold { train: vec![4, 2, 0], test: vec![1, 3] });
        assert_eq!(found[1], Fold { train: vec![4, 2, 0, 1, 3], test: vec![6, 5] });
    }

    #[test]
    fn too_few_are_refused() {
        assert_eq!(folds(1, 9, None, 0).expect_err("fault").code, "bad-folds");
        assert_eq!(folds(5, 4, None, 0).expect_err("fault").code, "too-few-rows");
        assert_eq!(time_folds(5, &[0, 1, 2]).expect_err("fault").code, "too-few-rows");
    }
}
