//! What each feature contributes to an answer, by name.

use serde::Serialize;

use crate::data::Value;
use crate::learn::{Explanation, How, Of, Scale};

/// What each feature contributes to an answer: base + Σ contributions is what the model says, on the scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contributions {
    /// The class that is explained: of two the positive one, of more the one that was answered; none for numbers.
    pub class: Option<Value>,
    /// What the sum is measured in.
    pub scale: Scale,
    /// What the sum is: the answer, or what it was before calibration.
    pub of: Of,
    /// Whether it is exact or sampled.
    pub method: How,
    /// What the model says of no record in particular.
    pub base: f64,
    /// One value a feature, in the order of the model's features.
    pub values: Vec<f64>,
}

impl Contributions {
    /// Of one output of an explanation.
    pub(super) fn of(explanation: &Explanation, output: usize, class: Option<Value>) -> Self {
        let (base, values) = explanation.output(output);
        let Explanation { scale, of, method, .. } = *explanation;
        Self { class, scale, of, method, base, values: values.to_vec() }
    }

    /// What the sum is and how its parts were found, in words.
    pub fn words(&self) -> String {
        let what = match self.scale {
            Scale::Number => "the number",
            Scale::Logarithm => "the number's logarithm",
            Scale::Log1p => "the logarithm of 1 + the number",
            Scale::Root => "the number's root",
            Scale::YeoJohnson => "the number's power",
            Scale::Quantile => "the number's quantile",
            Scale::Probability => "the class' probability",
            Scale::LogOdds => "the class' log-odds",
        };
        let before = if self.of == Of::ScoreBeforeCalibration { " before calibration" } else { "" };
        let how = if self.method == How::Sampled { ", sampled from mixtures with train rows" } else { "" };
        format!("{what}{before}{how}")
    }
}
