//! Successive halving (Jamieson and Talwalkar 2016): many combinations with little of something, the better ones with more.

use crate::learn::Target;
use crate::learn::chance::Chance;

/// How many times more the next rung has, and how many times fewer trials.
pub const FACTOR: usize = 3;

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// How many trials are on it.
    pub trials: usize,
    /// The share of everything that each of them gets: 1 on the last rung.
    pub share: f64,
}

/// The rungs for so many trials: each has a third of the trials of the one before, and three times the share. There are as
/// many as the trials allow, and as leave the first one a share of at least `least`.
pub fn rungs(trials: usize, least: f64) -> Vec<Rung> {
    let mut count = vec![trials.max(1)];
    let mut share = 1.0;
    while let Some(next) = count.last().map(|last| last / FACTOR).filter(|next| *next >= 1) {
        share /= FACTOR as f64;
        if share < least {
            break;
        }
        count.push(next);
    }
    let last = count.len() - 1;
    let share = |nth: usize| 1.0 / (FACTOR as f64).powi((last - nth) as i32);
    count.iter().enumerate().map(|(nth, trials)| Rung { trials: *trials, share: share(nth) }).collect()
}

/// A share of the rows, ascending: drawn at random, of each class the same share and at least one. A smaller share of the
/// same rows is part of a greater one.
pub fn sample(y: &Target, share: f64, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..y.rows()).collect();
    if share >= 1.0 {
        return order;
    }
    Chance::new(seed, 0).shuffle(&mut order);
    let wanted = |rows: usize| ((rows as f64 * share).ceil() as usize).clamp(1.min(rows), rows);
    let mut found: Vec<usize> = match y {
        Target::Numbers(_) => order[..wanted(order.len())].to_vec(),
        Target::Classes { codes, count } => {
            let mut left = vec![0; *count];
            codes.iter().for_each(|code| left[*code as usize] += 1);
            left.iter_mut().for_each(|rows| *rows = wanted(*rows));
            order.retain(|row| {
                let left = &mut left[codes[*row] as usize];
                *left > 0 && {
                    *left -= 1;
                    true
                }
            });
            order
        }
    };
    found.sort_unstable();
    found
}
