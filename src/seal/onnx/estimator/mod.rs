//! Estimators as operators: one file a kind.

mod adjusted;
mod bayes;
mod boosted;
mod ensemble;
mod linear;
mod neighbors;
mod neural;
mod svm;
mod trees;

use super::builder::{Builder, Name};
use crate::learn::Estimator;

/// What an estimator reads in the graph.
pub(super) struct Table {
    /// The features side by side, `[rows, features]` of floats.
    pub(super) all: Name,
    /// Each by itself, `[rows, 1]`.
    pub(super) columns: Vec<Name>,
}

/// What an estimator says of each row: `[rows, outputs]` of floats.
///
/// # Errors
/// Why it has no form in ONNX.
pub(super) fn apply(estimator: &Estimator, table: &Table, builder: &mut Builder) -> Result<Name, String> {
    match estimator {
        Estimator::Constant(constant) => Ok(linear::constant(constant, table, builder)),
        Estimator::Line(line) => Ok(linear::line(line, table, builder)),
        Estimator::Logistic(logistic) => Ok(linear::logistic(logistic, table, builder)),
        Estimator::Forest(forest) => Ok(trees::forest(forest, table, builder)),
        Estimator::Bayes(bayes) => Ok(bayes::bayes(bayes, table, builder)),
        Estimator::Boosted(boosted) => Ok(boosted::boosted(boosted, table, builder)),
        Estimator::Machine(machine) => Ok(svm::machine(machine, table, builder)),
        Estimator::Duels(duels) => Ok(svm::duels(duels, table, builder)),
        Estimator::Network(network) => Ok(neural::network(network, table, builder)),
        Estimator::Neighbors(neighbors) => Ok(neighbors::neighbors(neighbors, table, builder)),
        Estimator::Calibrated(calibrated) => {
            let bare = apply(&calibrated.inner, table, builder)?;
            let classes = calibrated.inner.outputs();
            Ok(adjusted::calibrated(&calibrated.calibration, &bare, classes, builder))
        }
        Estimator::Resumable(resumable) => apply(&resumable.inner, table, builder),
        Estimator::Transformed(transformed) => {
            let bare = apply(&transformed.inner, table, builder)?;
            adjusted::back(&transformed.transform, &bare, builder)
        }
        Estimator::Ensemble(ensemble) => ensemble::ensemble(ensemble, table, builder),
        Estimator::Mix(mix) => Ok(ensemble::mix(mix, table, builder)),
        Estimator::Onnx(_) => Err("it was brought as a network; `gristmill get` writes that file".to_owned()),
    }
}
