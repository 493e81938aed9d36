//! Probabilities that mean what they say: fitted on rows that the model hasn't learned from.
//!
//! As scikit-learn's `CalibratedClassifierCV(ensemble=False)`: for two classes the positive one's probability is mapped,
//! for more each class against the rest, and the results are divided by their sum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::explain::{Explanation, Of};
use super::linear::sigmoid;
use super::{Estimator, Task};
use crate::data::elementary::ln;
use crate::source::Fault;

mod isotonic;
mod platt;

use isotonic::Steps;
use platt::Sigmoid;

/// How probabilities are mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Calibrate {
    /// By any rising function: the pool-adjacent-violators algorithm.
    Isotonic,
    /// By a logistic curve: Platt's, with his smoothed targets.
    Sigmoid,
}

impl Calibrate {
    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Calibrate::Isotonic => "isotonic",
            Calibrate::Sigmoid => "sigmoid",
        }
    }
}

/// What a curve reads of a class' probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scale {
    /// Itself.
    Probability,
    /// Its log-odds: of models that are log-odds themselves.
    LogOdds,
}

/// A rising function to a probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Curve {
    Steps(Steps),
    Sigmoid(Sigmoid),
}

impl Curve {
    fn at(&self, x: f64) -> f64 {
        match self {
            Curve::Steps(steps) => steps.at(x),
            Curve::Sigmoid(curve) => sigmoid(-(curve.slope * x + curve.offset)),
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Curve::Steps(steps) => steps.is_sound(),
            Curve::Sigmoid(curve) => curve.slope.is_finite() && curve.offset.is_finite(),
        }
    }
}

/// How a model's probabilities become calibrated ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    scale: Scale,
    /// One for the second of two classes, else one for each class.
    curves: Vec<Curve>,
}

/// Answers to held-out rows.
#[derive(Clone, Copy)]
pub struct HeldOut<'a> {
    /// The true classes.
    pub codes: &'a [u32],
    /// How many classes.
    pub classes: usize,
    /// Row after row, `classes` probabilities each.
    pub values: &'a [f64],
    /// How much each row counts; `None`: all the same.
    pub weights: Option<&'a [f64]>,
}

/// A rising function to a probability, to be read by whoever writes it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CurveView<'a> {
    /// Points between which it goes straight, and beyond which it stays as it is.
    Steps {
        /// Where they are, ascending.
        x: &'a [f64],
        /// The probabilities there.
        y: &'a [f64],
    },
    /// 1 / (1 + e^(slope · x + offset)).
    Sigmoid {
        /// What x is multiplied by.
        slope: f64,
        /// What is added.
        offset: f64,
    },
}

impl Calibration {
    /// Whether curves read log-odds rather than probabilities.
    pub fn reads_log_odds(&self) -> bool {
        self.scale == Scale::LogOdds
    }

    /// The curves: one for the second of two classes, else one for each class.
    pub fn curves(&self) -> impl Iterator<Item = CurveView<'_>> {
        self.curves.iter().map(|curve| match curve {
            Curve::Steps(steps) => steps.view(),
            Curve::Sigmoid(curve) => CurveView::Sigmoid { slope: curve.slope, offset: curve.offset },
        })
    }

    /// Fits a calibration of `estimator` on its answers to rows that it hasn't learned from.
    ///
    /// # Errors
    /// If there are no such rows.
    pub fn fit(how: Calibrate, estimator: &Estimator, held: &HeldOut) -> Result<Self, Fault> {
        let weight = |row: usize| held.weights.map_or(1.0, |weights| weights[row]);
        let rows: Vec<usize> = (0..held.codes.len()).filter(|row| weight(*row) > 0.0).collect();
        if rows.is_empty() {
            return Err(Fault::new("no-rows", "there are no held-out rows to calibrate on"));
        }
        let scale = if estimator.is_log_odds() { Scale::LogOdds } else { Scale::Probability };
        let classes = if held.classes == 2 { 1..2 } else { 0..held.classes };
        let curve = |class: usize| {
            let of = |row: usize| read(scale, &held.values[row * held.classes..(row + 1) * held.classes], class);
            let points: Vec<Point> = rows
                .iter()
                .map(|&row| Point { x: of(row), is: held.codes[row] as usize == class, weight: weight(row) })
                .collect();
            match how {
                Calibrate::Isotonic => Curve::Steps(Steps::fit(points)),
                Calibrate::Sigmoid => Curve::Sigmoid(Sigmoid::fit(&points)),
            }
        };
        Ok(Self { scale, curves: classes.map(curve).collect() })
    }

    /// Calibrates one row's probabilities in place.
    pub fn apply(&self, values: &mut [f64]) {
        if let ([curve], [first, second]) = (self.curves.as_slice(), &mut *values) {
            let chance = curve.at(read(self.scale, &[*first, *second], 1));
            (*first, *second) = (1.0 - chance, chance);
            return;
        }
        let before = values.to_vec();
        for (class, (value, curve)) in values.iter_mut().zip(&self.curves).enumerate() {
            *value = curve.at(read(self.scale, &before, class));
        }
        let total: f64 = values.iter().sum();
        let even = 1.0 / values.len() as f64;
        values.iter_mut().for_each(|value| *value = if total > 0.0 { *value / total } else { even });
    }
}

/// One held-out row, as a curve is fitted to it.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    is: bool,
    weight: f64,
}

/// What a curve reads of a row's probabilities.
fn read(scale: Scale, values: &[f64], class: usize) -> f64 {
    match scale {
        Scale::Probability => values[class],
        Scale::LogOdds => {
            let rest: f64 =
                values.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, value)| value).sum();
            // Beyond the smallest number there is no telling how far.
            ln(values[class].max(f64::MIN_POSITIVE)) - ln(rest.max(f64::MIN_POSITIVE))
        }
    }
}

/// An estimator with its probabilities calibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// What answers.
    pub inner: Box<Estimator>,
    /// What its probabilities become.
    pub calibration: Calibration,
}

impl Fitted for Calibrated {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn columns(&self) -> Option<usize> {
        self.inner.columns()
    }

    fn outputs(&self) -> usize {
        self.inner.outputs()
    }

    fn importance(&self) -> Option<&[f64]> {
        self.inner.importance()
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.inner.predict_row(row, into);
        self.calibration.apply(into);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        self.inner.predict_rows(rows, columns, into);
        into.chunks_mut(self.outputs()).for_each(|values| self.calibration.apply(values));
    }

    /// Of the score that the curve reads: curves rise, but aren't sums.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        Some(Explanation { of: Of::ScoreBeforeCalibration, ..self.inner.fitted().explain(row)? })
    }

    fn is_sound(&self) -> bool {
        let outputs = self.inner.outputs();
        self.inner.check().is_ok()
            && self.inner.task() == Task::Classification
            && self.calibration.curves.len() == if outputs == 2 { 1 } else { outputs }
            && self.calibration.curves.iter().all(Curve::is_sound)
    }
}

#[cfg(test)]
mod tests;
