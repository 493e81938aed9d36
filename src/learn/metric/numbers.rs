//! Metrics of numbers.

use super::Scored;
use crate::data::stats::sum;
use crate::learn::{Prediction, Target};
use crate::source::Fault;

pub(super) fn mse(scored: &Scored) -> Result<f64, Fault> {
    let (truth, predicted) = numbers(scored)?;
    let squares = truth.iter().zip(predicted).map(|(truth, predicted)| (truth - predicted).powi(2));
    Ok(sum(squares) / truth.len() as f64)
}

pub(super) fn rmse(scored: &Scored) -> Result<f64, Fault> {
    Ok(mse(scored)?.sqrt())
}

pub(super) fn mae(scored: &Scored) -> Result<f64, Fault> {
    let (truth, predicted) = numbers(scored)?;
    let errors = truth.iter().zip(predicted).map(|(truth, predicted)| (truth - predicted).abs());
    Ok(sum(errors) / truth.len() as f64)
}

/// 1 - Σ(y - ŷ)² / Σ(y - ȳ)². Where the truth is constant: 1 if it is met exactly, else 0, as scikit-learn says.
pub(super) fn r2(scored: &Scored) -> Result<f64, Fault> {
    let (truth, _) = numbers(scored)?;
    if truth.len() < 2 {
        return Err(Fault::new("too-few-rows", "`r2` needs at least 2 rows"));
    }
    let rows = truth.len() as f64;
    let rough = sum(truth.iter().copied()) / rows;
    let mean = rough + sum(truth.iter().map(|value| value - rough)) / rows;
    let spread = sum(truth.iter().map(|value| (value - mean).powi(2))) / rows;
    let missed = mse(scored)?;
    if spread > 0.0 {
        return Ok(1.0 - missed / spread);
    }
    Ok(if missed == 0.0 { 1.0 } else { 0.0 })
}

fn numbers<'a>(scored: &Scored<'a>) -> Result<(&'a [f64], &'a [f64]), Fault> {
    match (scored.truth, scored.prediction) {
        (Target::Numbers(truth), Prediction::Numbers(predicted)) => Ok((truth, predicted)),
        _ => Err(Fault::new("wrong-task", "only numbers have a distance")),
    }
}
