//! A target that is learned on another scale, and answers that are brought back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::{Estimator, Explanation, Scale, Task};
use crate::data::elementary::{exp, exp_m1, ln, ln_1p};

/// The scale on which a target is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// ln(1 + y), of numbers above -1.
    Log1p,
    /// ln(y), of numbers above 0.
    Log,
    /// √y, of numbers of at least 0.
    Sqrt,
}

impl Transform {
    /// Every one.
    pub const ALL: [Self; 3] = [Transform::Log1p, Transform::Log, Transform::Sqrt];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Transform::Log1p => "log1p",
            Transform::Log => "log",
            Transform::Sqrt => "sqrt",
        }
    }

    /// Which numbers it takes, in words.
    pub fn takes(self) -> &'static str {
        match self {
            Transform::Log1p => "numbers above -1",
            Transform::Log => "numbers above 0",
            Transform::Sqrt => "numbers of at least 0",
        }
    }

    /// The number on the scale; `None` if it has no place there.
    pub fn there(self, y: f64) -> Option<f64> {
        match self {
            Transform::Log1p if y > -1.0 => Some(ln_1p(y)),
            Transform::Log if y > 0.0 => Some(ln(y)),
            Transform::Sqrt if y >= 0.0 => Some(y.sqrt()),
            _ => None,
        }
    }

    /// Back from the scale. What lies below all numbers that have a place there is taken for the lowest of them, and what
    /// is too large for a number for the largest.
    pub fn back(self, z: f64) -> f64 {
        let y = match self {
            Transform::Log1p => exp_m1(z),
            Transform::Log => exp(z),
            Transform::Sqrt => z.max(0.0).powi(2),
        };
        y.min(f64::MAX)
    }
}

/// An estimator that answers on a scale of its own, and how its answers are brought back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transformed {
    /// What answers on the scale.
    pub inner: Box<Estimator>,
    /// The scale.
    pub transform: Transform,
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
            Transform::Log1p => Scale::Log1p,
            Transform::Log => Scale::Logarithm,
            Transform::Sqrt => Scale::Root,
        };
        Some(Explanation { scale, ..inner })
    }

    fn is_sound(&self) -> bool {
        self.inner.check().is_ok() && self.inner.task() == Task::Regression && self.inner.outputs() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_there_comes_back() {
        for transform in Transform::ALL {
            for y in [1e-9, 0.5, 1.0, 3.0, 1e6, 1e300] {
                let back = transform.back(transform.there(y).expect("it has a place"));
                assert!((back - y).abs() <= y * 1e-12, "{}: {y} {back}", transform.name());
            }
            assert_eq!(transform.there(-1.0), None, "{}", transform.name());
            assert_eq!(transform.there(f64::NAN), None, "{}", transform.name());
            assert!(transform.back(1e9).is_finite() && transform.back(-1e9) >= -1.0);
        }
        assert_eq!((Transform::Log.there(0.0), Transform::Sqrt.there(0.0)), (None, Some(0.0)));
    }
}
