//! How well each row is predicted by the trees that have not drawn it (Breiman 1996).

use rayon::prelude::*;

use super::Forest;
use crate::data::stats::{BLOCK, sum};
use crate::learn::chance::Chance;
use crate::learn::{Target, Training, argmax};
use crate::source::Fault;

/// The accuracy, or R², of the rows that some tree has not drawn; `None` if there is no such row.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn score(data: &Training, forest: &Forest, draws: usize) -> Result<Option<f64>, Fault> {
    let (rows, outputs) = (data.x.rows(), forest.trees.outputs());
    // Which rows each tree has drawn, a bit a row: the same draws as when it was grown.
    let drawn: Vec<Vec<u64>> = (0..forest.trees.len())
        .into_par_iter()
        .map(|tree| {
            let mut bits = vec![0u64; rows.div_ceil(64)];
            let times = super::draws(rows, draws, &mut Chance::new(data.seed, tree as u64));
            let taken = times.iter().enumerate().filter(|(_, times)| **times > 0);
            taken.for_each(|(row, _)| bits[row / 64] |= 1 << (row % 64));
            bits
        })
        .collect();
    data.go_on()?;
    let mut said = vec![0.0; rows * outputs];
    said.par_chunks_mut(BLOCK * outputs).enumerate().for_each(|(block, said)| {
        let first = block * BLOCK;
        let mut values = vec![0.0; data.x.columns()];
        for (row, said) in said.chunks_mut(outputs).enumerate() {
            let row = first + row;
            data.x.row(row, &mut values);
            let absent = |tree: &usize| drawn[*tree][row / 64] >> (row % 64) & 1 == 0;
            let judges: Vec<usize> = (0..forest.trees.len()).filter(absent).collect();
            judges.iter().for_each(|&tree| forest.trees.add(tree, &values, said, outputs, 0));
            // No judge makes it not a number.
            said.iter_mut().for_each(|value| *value /= judges.len() as f64);
        }
    });
    data.go_on()?;
    let judged: Vec<usize> = (0..rows).filter(|&row| said[row * outputs].is_finite()).collect();
    if judged.is_empty() {
        return Ok(None);
    }
    let total = sum(judged.iter().map(|&row| data.weight(row)));
    let mean = |value: &dyn Fn(usize) -> f64| sum(judged.iter().map(|&row| data.weight(row) * value(row))) / total;
    Ok(match data.y {
        Target::Classes { codes, .. } => {
            let right = |row: usize| argmax(&said[row * outputs..(row + 1) * outputs]) == codes[row];
            Some(mean(&|row| f64::from(u8::from(right(row)))))
        }
        Target::Numbers(numbers) => {
            let center = mean(&|row| numbers[row]);
            let spread = mean(&|row| (numbers[row] - center).powi(2));
            let missed = mean(&|row| (numbers[row] - said[row]).powi(2));
            Some(1.0 - missed / spread).filter(|score| score.is_finite())
        }
    })
}
