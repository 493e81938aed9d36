//! Metrics of probabilities.

use super::Scored;
use crate::data::stats::sum;
use crate::learn::{Prediction, Target};
use crate::source::Fault;

/// The area under the ROC curve: for two classes of the positive one, else the mean of each class against the rest.
/// A class that doesn't occur among these rows is left out of the mean.
pub(super) fn roc_auc(scored: &Scored) -> Result<f64, Fault> {
    let (codes, count, _) = probabilities(scored)?;
    let first = codes[0];
    if codes.iter().all(|code| *code == first) {
        return Err(Fault::new("one-class", "`roc_auc` needs rows of more than one class, and these have only one")
            .help("judge on more rows, or split with `stratify`"));
    }
    if count == 2 {
        return area(scored, codes, scored.positive);
    }
    let occurring = (0..count as u32).filter(|class| codes.contains(class));
    let areas = occurring.map(|class| area(scored, codes, class)).collect::<Result<Vec<f64>, Fault>>()?;
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

/// The share of pairs of a row of the class and another row where the first has the higher probability, half of
/// the ties included (Mann and Whitney 1947). Exact up to the last division.
fn area(scored: &Scored, codes: &[u32], class: u32) -> Result<f64, Fault> {
    let Some(chances) = scored.prediction.probability(class) else {
        return Err(Fault::new("unknown-class", format!("there is no class {class}")));
    };
    let mut order: Vec<(f64, bool)> = chances.into_iter().zip(codes.iter().map(|code| *code == class)).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut halves, mut below) = (0u128, 0u128);
    let mut members = 0u128;
    for ties in order.chunk_by(|a, b| a.0 == b.0) {
        let inside = ties.iter().filter(|(_, is)| *is).count() as u128;
        let outside = ties.len() as u128 - inside;
        halves += inside * (2 * below + outside);
        below += outside;
        members += inside;
    }
    Ok(halves as f64 / (2 * members * below) as f64)
}

/// The mean of -ln of the true class' probability, which is held away from 0 and 1 by the smallest step of a float
/// at 1, as scikit-learn does.
pub(super) fn log_loss(scored: &Scored) -> Result<f64, Fault> {
    let (codes, count, values) = probabilities(scored)?;
    let losses = codes.iter().zip(values.chunks(count)).map(|(&code, row)| {
        let chance = row[code as usize].clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -chance.ln()
    });
    Ok(sum(losses) / codes.len() as f64)
}

fn probabilities<'a>(scored: &Scored<'a>) -> Result<(&'a [u32], usize, &'a [f64]), Fault> {
    match (scored.truth, scored.prediction) {
        (Target::Classes { codes, count }, Prediction::Probabilities { values, .. }) => Ok((codes, *count, values)),
        _ => Err(Fault::new("wrong-task", "only classes have probabilities")),
    }
}
