//! A target that is learned on another scale, and answers that are brought back.

mod quantile;
#[cfg(test)]
mod tests;
mod yeo_johnson;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::{Estimator, Explanation, Scale, Task};
use crate::data::elementary::{exp, exp_m1, ln, ln_1p};
use crate::source::Fault;

pub use quantile::Quantile;
pub use yeo_johnson::YeoJohnson;

/// The scale on which a target is learned, as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// ln(1 + y), of numbers above -1.
    Log1p,
    /// ln(y), of numbers above 0.
    Log,
    /// √y, of numbers of at least 0.
    Sqrt,
    /// The power that brings them nearest to a normal distribution, standardized.
    YeoJohnson,
    /// Their places among those of the train rows, as on a normal distribution.
    Quantile,
}

/// What is said of a scale beside its name.
struct Words {
    name: &'static str,
    meaning: &'static str,
    takes: &'static str,
}

impl Transform {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Transform::Log1p, Transform::Log, Transform::Sqrt, Transform::YeoJohnson, Transform::Quantile];

    fn words(self) -> Words {
        let (name, meaning, takes) = match self {
            Transform::Log1p => ("log1p", "ln(1 + y)", "numbers above -1"),
            Transform::Log => ("log", "ln(y)", "numbers above 0"),
            Transform::Sqrt => ("sqrt", "√y", "numbers of at least 0"),
            Transform::YeoJohnson => {
                ("yeo_johnson", "the power that brings the train rows nearest to a normal distribution", "any numbers")
            }
            Transform::Quantile => {
                ("quantile", "the place among the train rows, as on a normal distribution", "any numbers")
            }
        };
        Words { name, meaning, takes }
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        self.words().name
    }

    /// What it makes of a number, in words.
    pub fn meaning(self) -> &'static str {
        self.words().meaning
    }

    /// Which numbers it takes, in words.
    pub fn takes(self) -> &'static str {
        self.words().takes
    }

    /// The scale that it makes of the target of the train rows.
    ///
    /// # Errors
    /// If their numbers are too large for any power.
    pub fn fit(self, y: &[f64]) -> Result<TargetScale, Fault> {
        let scale = match self {
            Transform::Log1p => Some(TargetScale::Log1p),
            Transform::Log => Some(TargetScale::Log),
            Transform::Sqrt => Some(TargetScale::Sqrt),
            Transform::YeoJohnson => YeoJohnson::fit(y).map(TargetScale::YeoJohnson),
            Transform::Quantile => Quantile::fit(y).map(TargetScale::Quantile),
        };
        scale.ok_or_else(|| {
            let message = format!("no `{}` can be made of the target: its numbers are too large", self.name());
            Fault::new("no-scale", message).help("take another transform, or other units")
        })
    }
}

/// A scale on which a target is learned, with what it has learned itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetScale {
    /// ln(1 + y).
    Log1p,
    /// ln(y).
    Log,
    /// √y.
    Sqrt,
    /// A power.
    YeoJohnson(YeoJohnson),
    /// Places.
    Quantile(Quantile),
}

impl TargetScale {
    /// What is said to get it.
    pub fn transform(&self) -> Transform {
        match self {
            TargetScale::Log1p => Transform::Log1p,
            TargetScale::Log => Transform::Log,
            TargetScale::Sqrt => Transform::Sqrt,
            TargetScale::YeoJohnson(_) => Transform::YeoJohnson,
            TargetScale::Quantile(_) => Transform::Quantile,
        }
    }

    /// The number on the scale; `None` if it has no place there.
    pub fn there(&self, y: f64) -> Option<f64> {
        let z = match self {
            TargetScale::Log1p if y > -1.0 => ln_1p(y),
            TargetScale::Log if y > 0.0 => ln(y),
            TargetScale::Sqrt if y >= 0.0 => y.sqrt(),
            TargetScale::YeoJohnson(power) => power.there(y),
            TargetScale::Quantile(quantile) if !y.is_nan() => quantile.there(y),
            _ => return None,
        };
        z.is_finite().then_some(z)
    }

    /// Back from the scale. What lies below all numbers that have a place there is taken for the lowest of them, what lies
    /// above them for the highest, and what is too large for a number for the largest.
    pub fn back(&self, z: f64) -> f64 {
        let y = match self {
            TargetScale::Log1p => exp_m1(z),
            TargetScale::Log => exp(z),
            TargetScale::Sqrt => z.max(0.0).powi(2),
            TargetScale::YeoJohnson(power) => power.back(z),
            TargetScale::Quantile(quantile) => quantile.back(z),
        };
        y.clamp(-f64::MAX, f64::MAX)
    }

    /// Whether no number may lead astray.
    fn is_sound(&self) -> bool {
        match self {
            TargetScale::Log1p | TargetScale::Log | TargetScale::Sqrt => true,
            TargetScale::YeoJohnson(power) => power.is_sound(),
            TargetScale::Quantile(quantile) => quantile.is_sound(),
        }
    }
}

/// An estimator that answers on a scale of its own, and how its answers are brought back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transformed {
    /// What answers on the scale.
    pub inner: Box<Estimator>,
    /// The scale.
    pub transform: TargetScale,
}

impl Fitted for Transformed {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn columns(&self) -> Option<usize> {
        self.inner.columns()
    }

    fn outputs(&self) -> usize {
        1
    }

    fn importance(&self) -> Option<&[f64]> {
        self.inner.importance()
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.inner.predict_row(row, into);
        into[0] = self.transform.back(into[0]);
    }

    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        self.inner.predict_rows(rows, columns, into);
        into.iter_mut().for_each(|value| *value = self.transform.back(*value));
    }

    /// On the scale on which it was learned.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let inner = self.inner.fitted().explain(row).filter(|inner| inner.scale == Scale::Number)?;
        let scale = match self.transform {
            TargetScale::Log1p => Scale::Log1p,
            TargetScale::Log => Scale::Logarithm,
            TargetScale::Sqrt => Scale::Root,
            TargetScale::YeoJohnson(_) => Scale::YeoJohnson,
            TargetScale::Quantile(_) => Scale::Quantile,
        };
        Some(Explanation { scale, ..inner })
    }

    fn is_sound(&self) -> bool {
        self.transform.is_sound()
            && self.inner.check().is_ok()
            && self.inner.task() == Task::Regression
            && self.inner.outputs() == 1
    }
}
