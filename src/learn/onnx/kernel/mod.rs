//! The operators, by name: one file a family.

mod activation;
mod arithmetic;
mod classic;
mod label;
mod matrix;
mod reduce;
mod shape;
mod trees;

use super::spec::{Op, Spec};

pub(in crate::learn::onnx) use arithmetic::cast;

/// The set of operators for classic machine learning.
pub(super) const ML: &str = "ai.onnx.ml";

/// Makes an operator ready; `None` if it isn't known here.
pub(super) fn op(spec: &Spec) -> Option<Result<Op, String>> {
    let name = spec.node.op_type.as_str();
    match spec.node.domain.as_str() {
        "" | "ai.onnx" => arithmetic::op(name, spec)
            .or_else(|| activation::op(name, spec))
            .or_else(|| matrix::op(name, spec))
            .or_else(|| reduce::op(name, spec))
            .or_else(|| shape::op(name, spec)),
        ML => trees::op(name, spec).or_else(|| classic::op(name, spec)).or_else(|| label::op(name, spec)),
        _ => None,
    }
}

/// The classes that an operator names, if it is a classifier.
pub(super) fn classes(spec: &Spec) -> Option<Vec<String>> {
    let is = spec.node.domain == ML && spec.node.op_type.ends_with("Classifier");
    let labels = is.then(|| classic::labels(spec).ok()).flatten()?;
    Some(labels.names())
}
