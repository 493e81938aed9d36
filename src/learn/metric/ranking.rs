//! Metrics of probabilities.

use super::sheet::{Classes, Draw, Sheet};
use crate::data::elementary::ln;
use crate::source::Fault;

/// In how many equal stretches from 0 to 1 probabilities are held against what comes true.
pub(super) const BINS: usize = 10;
/// The mark of a row that has the same probability as the next one.
const TIE: u32 = 1 << 31;
/// The mark of a row of the class.
const MEMBER: u32 = 1 << 30;
/// The row itself.
const ROW: u32 = MEMBER - 1;

/// The rows in the order of one class' probability, the lowest first.
pub(super) struct Ranks(Vec<u32>);

/// Rows of the same probability: how many are of the class, how many are not, and the last of them.
pub(super) struct Tied {
    pub(super) inside: u64,
    pub(super) outside: u64,
    pub(super) last: usize,
}

impl Ranks {
    pub(super) fn of(classes: &Classes, class: usize) -> Self {
        let mut order: Vec<(f64, u32)> =
            (0..classes.codes.len()).map(|row| (classes.chance(row, class), row as u32)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let marked = |place: usize| {
            let (chance, row) = order[place];
            let tie = order.get(place + 1).is_some_and(|next| next.0 == chance);
            let member = classes.codes[row as usize] as usize == class;
            row | if tie { TIE } else { 0 } | if member { MEMBER } else { 0 }
        };
        Self((0..order.len()).map(marked).collect())
    }

    /// Groups of rows of the same probability, from the lowest up or from the highest down.
    pub(super) fn groups(&self, draw: &Draw, down: bool, mut read: impl FnMut(&Tied)) {
        let mut tied = Tied { inside: 0, outside: 0, last: 0 };
        let mut take = |entry: u32, ends: bool| {
            let row = (entry & ROW) as usize;
            let weight = u64::from(draw.weights[row]);
            if entry & MEMBER != 0 {
                tied.inside += weight;
            } else {
                tied.outside += weight;
            }
            if ends {
                tied.last = row;
                if tied.inside + tied.outside > 0 {
                    read(&tied);
                }
                (tied.inside, tied.outside) = (0, 0);
            }
        };
        if !down {
            self.0.iter().for_each(|entry| take(*entry, entry & TIE == 0));
            return;
        }
        for (place, entry) in self.0.iter().enumerate().rev() {
            // The mark stands at the row below.
            take(*entry, place == 0 || self.0[place - 1] & TIE == 0);
        }
    }
}

/// For two classes the positive one's value, else the mean over the classes that occur among the rows.
fn by_class(sheet: &Sheet, draw: &Draw, name: &str, of: fn(&Ranks, &Draw) -> Option<f64>) -> Result<f64, Fault> {
    let classes = sheet.of_classes()?;
    let value = |class: usize| {
        classes.ranked(class, |ranks| of(ranks, draw)).ok_or_else(|| {
            Fault::new("one-class", format!("`{name}` needs rows of more than one class, and these have only one"))
                .help("judge on more rows, or split with `stratify`")
        })
    };
    if classes.count == 2 {
        if classes.positive > 1 {
            return Err(Fault::new("unknown-class", format!("there is no class {}", classes.positive)));
        }
        return value(classes.positive as usize);
    }
    let tally = classes.tally(draw);
    let occurring = (0..classes.count).filter(|class| tally.support(*class) > 0);
    let values = occurring.map(value).collect::<Result<Vec<f64>, Fault>>()?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// The area under the ROC curve: for two classes of the positive one, else the mean of each class against the rest.
/// A class that doesn't occur among these rows is left out of the mean.
pub(super) fn roc_auc(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    by_class(sheet, draw, "roc_auc", area)
}

/// The share of pairs of a row of the class and another row where the first has the higher probability, half of
/// the ties included (Mann and Whitney 1947). Exact up to the last division.
fn area(ranks: &Ranks, draw: &Draw) -> Option<f64> {
    let (mut halves, mut below, mut members) = (0u64, 0u64, 0u64);
    ranks.groups(draw, false, |tied| {
        halves += tied.inside * (2 * below + tied.outside);
        below += tied.outside;
        members += tied.inside;
    });
    let pairs = 2.0 * members as f64 * below as f64;
    (pairs > 0.0).then(|| halves as f64 / pairs)
}

/// The average precision: the precision at each threshold, weighted by the share of positives that it adds. No line is
/// drawn between thresholds, which would flatter. For more than two classes the mean of each class against the rest.
pub(super) fn pr_auc(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    by_class(sheet, draw, "pr_auc", average_precision)
}

fn average_precision(ranks: &Ranks, draw: &Draw) -> Option<f64> {
    let (mut found, mut called, mut total) = (0u64, 0u64, 0.0);
    ranks.groups(draw, true, |tied| {
        found += tied.inside;
        called += tied.inside + tied.outside;
        if tied.inside > 0 {
            total += tied.inside as f64 * (found as f64 / called as f64);
        }
    });
    (found > 0).then(|| total / found as f64)
}

/// The mean of -ln of the true class' probability, which is held away from 0 and 1 by the smallest step of a float
/// at 1, as scikit-learn does.
pub(super) fn log_loss(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let classes = sheet.of_classes()?;
    let losses = classes.losses.get_or_init(|| {
        let chances = classes.codes.iter().enumerate().map(|(row, code)| classes.chance(row, *code as usize));
        chances.map(|chance| -ln(chance.clamp(f64::EPSILON, 1.0 - f64::EPSILON))).collect()
    });
    Ok(draw.mean(|row| losses[row]))
}

/// The mean squared distance of probabilities from what came true (Brier 1950): for two classes that of the positive
/// one, from 0 to 1; else the sum over the classes, from 0 to 2, as scikit-learn says.
pub(super) fn brier(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let classes = sheet.of_classes()?;
    let distances = classes.distances.get_or_init(|| {
        let of = |row: usize, class: usize| {
            let is = f64::from(u8::from(classes.codes[row] as usize == class));
            (classes.chance(row, class) - is).powi(2)
        };
        let rows = 0..classes.codes.len();
        match classes.count {
            2 => rows.map(|row| of(row, classes.positive.min(1) as usize)).collect(),
            count => rows.map(|row| (0..count).map(|class| of(row, class)).sum()).collect(),
        }
    });
    Ok(draw.mean(|row| distances[row]))
}

/// Probabilities held against what came true, in [`BINS`] equal stretches: how many rows, the mean probability times
/// the rows, and how many came true. For two classes the positive one's, else that of the likeliest class.
pub(super) fn bins(classes: &Classes, draw: &Draw) -> [(u64, f64, u64); BINS] {
    let mut bins = [(0, 0.0, 0); BINS];
    for (row, &weight) in draw.weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        let class = match classes.count {
            2 => classes.positive.min(1) as usize,
            count => crate::learn::argmax(&classes.values[row * count..(row + 1) * count]) as usize,
        };
        let chance = classes.chance(row, class);
        let bin = &mut bins[((chance * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += u64::from(weight);
        bin.1 += f64::from(weight) * chance;
        bin.2 += if classes.codes[row] as usize == class { u64::from(weight) } else { 0 };
    }
    bins
}

/// The expected calibration error: how far the mean probability of each bin is from the share that came true, each bin
/// counting by its rows (Naeini 2015).
pub(super) fn ece(sheet: &Sheet, draw: &Draw) -> Result<f64, Fault> {
    let bins = bins(sheet.of_classes()?, draw);
    let gaps = bins.iter().map(|(_, said, came)| (said - *came as f64).abs());
    Ok(gaps.sum::<f64>() / draw.total as f64)
}
