//! The ranges of hyper-parameters: what is wrong with all of them is told at once.

use super::HyperParameter;
use super::amount::Amount;
use crate::source::Fault;

/// A line of a model's table of hyper-parameters.
pub(super) const fn hyper(
    name: &'static str,
    default: &'static str,
    range: &'static str,
    summary: &'static str,
) -> HyperParameter {
    HyperParameter { name, default, range, summary }
}

/// A fault of one hyper-parameter's value.
pub(super) fn out_of_range(key: &str, message: impl Into<String>) -> Fault {
    Fault::new("out-of-range", message).within(key)
}

/// The faults of hyper-parameters so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// The checked model, or its faults.
    pub(super) fn or<M>(self, model: M) -> Result<M, Vec<Fault>> {
        if self.0.is_empty() { Ok(model) } else { Err(self.0) }
    }

    /// One more.
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// A whole number of at least `least`.
    pub(super) fn at_least(&mut self, key: &str, least: usize, value: usize) {
        if value < least {
            self.push(out_of_range(key, format!("`{key}` is at least {least}, and this is {value}")));
        }
    }

    /// A whole number of at least `least`, or a share above 0 and up to 1.
    pub(super) fn amount(&mut self, key: &str, least: u64, amount: Amount) {
        let sound = amount.is_sound() && !matches!(amount, Amount::Count(count) if count < least);
        if !sound {
            let message = format!("`{key}` is at least {least}, or a share above 0 and up to 1");
            self.push(out_of_range(key, message));
        }
    }

    /// A number that `fits` its range, which `range` says: "from 0 to 1".
    pub(super) fn number(&mut self, key: &str, value: f64, fits: bool, range: &str) {
        if !fits {
            self.push(out_of_range(key, format!("`{key}` is {range}, and this is {value}")));
        }
    }

    /// A finite number of at least 0.
    pub(super) fn not_negative(&mut self, key: &str, value: f64) {
        self.number(key, value, value >= 0.0 && value.is_finite(), "at least 0");
    }

    /// A finite number above 0.
    pub(super) fn positive(&mut self, key: &str, value: f64) {
        self.number(key, value, value > 0.0 && value.is_finite(), "above 0");
    }

    /// A number strictly between 0 and 1.
    pub(super) fn between(&mut self, key: &str, value: f64) {
        self.number(key, value, value > 0.0 && value < 1.0, "above 0 and below 1");
    }
}
