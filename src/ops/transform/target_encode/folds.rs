//! Which fold a train row is encoded with.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::DataFrame;

use super::encoding::Answers;
use crate::data::{positions, row_draws};
use crate::ops::Op;
use crate::source::Fault;

/// Whether there are enough rows of the source for so many folds; copies of a row count once.
pub(super) fn enough(folds: usize, frame: &DataFrame) -> Result<(), Fault> {
    let rows: std::collections::BTreeSet<Option<i64>> = positions(frame)?.iter().collect();
    if rows.len() < folds {
        let fault = Fault::new("too-few-rows", format!("{} train rows are too few for {folds} folds", rows.len()));
        return Err(fault.help("take fewer folds, or leave `folds` out").within("folds"));
    }
    Ok(())
}

/// The fold of each row, drawn by the seed and its position in the source: of each class every fold has as many rows, or one
/// more, and copies of a row are in the same one.
pub(super) fn parted(folds: usize, frame: &DataFrame, answers: &Answers, seed: u64) -> Result<Vec<usize>, Fault> {
    let draws = row_draws(frame, seed, super::TargetEncode::NAME)?;
    let positions: Vec<i64> = positions(frame)?.iter().map(|row| row.unwrap_or(-1)).collect();
    let drawn: BTreeMap<(usize, u64, i64), ()> = positions
        .iter()
        .zip(&draws)
        .zip(&answers.strata)
        .map(|((row, draw), class)| ((*class, *draw, *row), ()))
        .collect();
    let fold_of: HashMap<i64, usize> = drawn.keys().enumerate().map(|(nth, (_, _, row))| (*row, nth % folds)).collect();
    Ok(positions.iter().map(|row| fold_of[row]).collect())
}
