//! What each feature contributes to an answer, by name.

use serde::Serialize;

use crate::data::Value;
use crate::learn::{Explanation, Scale};

/// What each feature contributes to an answer: base + Σ contributions is what the model says, on the scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contributions {
    /// The class that is explained: of two the positive one, of more the one that was answered; none for numbers.
    pub class: Option<Value>,
    /// What the contributions add up to.
    pub scale: Scale,
    /// What the model says of no record in particular.
    pub base: f64,
    /// One value a feature, in the order of the model's features.
    pub values: Vec<f64>,
}

impl Contributions {
    /// Of one output of an explanation.
    pub(super) fn of(explanation: &Explanation, output: usize, class: Option<Value>) -> Self {
        let (base, values) = explanation.of(output);
        Self { class, scale: explanation.scale, base, values: values.to_vec() }
    }
}
