//! What follows a fit: probabilities calibrated and a threshold chosen, on rows that the model hasn't learned from.
//!
//! Both read the same rows: the threshold is chosen among the calibrated probabilities of the rows that the calibration
//! was fitted on, as in scikit-learn. A rising curve of few degrees leaves little to be flattered by.

use super::held::{FoldAnswers, OutOfFold};
use crate::learn::{Calibrated, Calibration, Estimator, HeldOut, best_threshold};
use crate::plan::{Threshold, Train};
use crate::seal::Trained;
use crate::source::Fault;

/// A model with what follows it. `held` is asked for the bare model's answers to held-out rows, if they are needed.
pub(super) fn finish(
    train: &Train,
    mut trained: Trained,
    held: impl FnOnce(&Trained) -> Result<OutOfFold, Fault>,
) -> Result<Trained, Fault> {
    let decision = train.decision;
    if !decision.follows() {
        return Ok(trained);
    }
    if decision.threshold.is_some() && trained.classes.len() != 2 {
        let message = format!("a threshold is for two classes, and `{}` has {}", trained.target, trained.classes.len());
        return Err(Fault::new("wrong-task", message).help("leave `threshold` out").within("threshold"));
    }
    let mut held =
        if decision.needs_held_out() { Some(known(held(&trained)?.joined(), trained.classes.len())) } else { None };
    if let (Some(how), Some(held)) = (decision.calibrate, &mut held) {
        calibrate(how, &mut trained, held).map_err(|fault| fault.within("calibrate"))?;
    }
    trained.threshold = match (decision.threshold, &held) {
        (Some(Threshold::At(at)), _) => Some(at),
        (Some(Threshold::Best(goal)), Some(held)) => {
            let place = trained.positive.unwrap_or(1);
            let positive: Vec<bool> = held.codes.iter().map(|code| *code == place).collect();
            let chances: Vec<f64> = held.values.iter().skip(place as usize).step_by(2).copied().collect();
            let best = best_threshold(goal, &positive, &chances, held.weights());
            Some(best.map_err(|fault| fault.within("threshold"))?)
        }
        _ => None,
    };
    Ok(trained)
}

/// The rows of classes that the model knows: of another one nothing can be learned.
pub(super) fn known(held: FoldAnswers, classes: usize) -> FoldAnswers {
    let rows: Vec<usize> = (0..held.codes.len()).filter(|row| (held.codes[*row] as usize) < classes).collect();
    if rows.len() == held.codes.len() {
        return held;
    }
    FoldAnswers {
        codes: rows.iter().map(|row| held.codes[*row]).collect(),
        values: rows.iter().flat_map(|row| held.values[row * classes..(row + 1) * classes].iter().copied()).collect(),
        weights: held.weights().map(|weights| rows.iter().map(|row| weights[*row]).collect()).unwrap_or_default(),
        ..held
    }
}

/// Calibrates the model, and its answers with it.
fn calibrate(how: crate::learn::Calibrate, trained: &mut Trained, held: &mut FoldAnswers) -> Result<(), Fault> {
    let classes = trained.classes.len();
    let rows = HeldOut { codes: &held.codes, classes, values: &held.values, weights: held.weights() };
    let calibration = Calibration::fit(how, &trained.estimator, &rows)?;
    held.values.chunks_mut(classes).for_each(|row| calibration.apply(row));
    let inner = Box::new(trained.estimator.clone());
    trained.estimator = Estimator::Calibrated(Calibrated { inner, calibration });
    Ok(())
}
