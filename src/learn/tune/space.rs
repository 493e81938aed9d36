//! What each hyper-parameter may be.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::data::elementary::{exp, ln};
use crate::learn::chance::Chance;

/// Significant digits of a float that is drawn: enough for any search, and short enough to read.
const DIGITS: usize = 6;

/// What one hyper-parameter may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// One of these values; there is at least one.
    Choice(Vec<Json>),
    /// A whole number from `low` to `high`, both included.
    Int {
        /// The least.
        low: i64,
        /// The greatest, at least `low`.
        high: i64,
        /// From one value to the next; at least 1.
        step: i64,
        /// Whether each order of magnitude is as likely; then `low` is above 0 and `step` is 1.
        log: bool,
    },
    /// A number from `low` to `high`.
    Float {
        /// The least.
        low: f64,
        /// The greatest, at least `low`.
        high: f64,
        /// From one value to the next, if not all values between are meant; above 0.
        step: Option<f64>,
        /// Whether each order of magnitude is as likely; then `low` is above 0.
        log: bool,
    },
}

impl Dimension {
    /// How many values it has; `None` if there are too many to list.
    pub fn size(&self) -> Option<u64> {
        match self {
            Dimension::Choice(values) => Some(values.len() as u64),
            Dimension::Int { low, high, step, .. } => {
                Some((high.abs_diff(*low) / step.unsigned_abs()).saturating_add(1))
            }
            Dimension::Float { low, high, step: Some(step), .. } => {
                Some((((high - low) / step + 1e-9) as u64).saturating_add(1))
            }
            Dimension::Float { low, high, step: None, .. } => (low == high).then_some(1),
        }
    }

    /// A value by its place, for a dimension that has a size and more values than `place`.
    pub fn nth(&self, place: u64) -> Json {
        match self {
            Dimension::Choice(values) => values[place as usize].clone(),
            Dimension::Int { low, step, .. } => Json::from(low.saturating_add_unsigned(place * step.unsigned_abs())),
            Dimension::Float { low, high, step, .. } => {
                number((low + place as f64 * step.unwrap_or_default()).min(*high))
            }
        }
    }

    /// The values at its ends: all of a choice's, or the least and the greatest.
    pub fn ends(&self) -> Vec<Json> {
        match self {
            Dimension::Choice(values) => values.clone(),
            Dimension::Int { low, high, .. } => vec![Json::from(*low), Json::from(*high)],
            Dimension::Float { low, high, .. } => vec![number(*low), number(*high)],
        }
    }

    /// The value at `share` (0 to 1) of the way through it.
    pub(super) fn at(&self, share: f64) -> Json {
        match self {
            Dimension::Choice(values) => values[place(share, values.len() as u64) as usize].clone(),
            Dimension::Int { low, high, log: true, .. } => {
                let (from, to) = (ln(*low as f64 - 0.5), ln(*high as f64 + 0.5));
                Json::from((exp(from + share * (to - from)).round() as i64).clamp(*low, *high))
            }
            Dimension::Int { .. } | Dimension::Float { step: Some(_), .. } => {
                self.nth(place(share, self.size().unwrap_or(1)))
            }
            Dimension::Float { low, high, log: true, .. } => {
                number(exp(ln(*low) + share * (ln(*high) - ln(*low))).clamp(*low, *high))
            }
            Dimension::Float { low, high, .. } => number((low + share * (high - low)).clamp(*low, *high)),
        }
    }

    /// How far through it a value is, from 0 to 1; `None` for values without an order.
    pub(super) fn share(&self, value: &Json) -> Option<f64> {
        let number = value.as_f64();
        let share = match self {
            Dimension::Choice(_) => return None,
            Dimension::Int { low, high, log: true, .. } => {
                let (from, to) = (ln(*low as f64 - 0.5), ln(*high as f64 + 0.5));
                (ln(number?) - from) / (to - from)
            }
            Dimension::Int { low, step, .. } => {
                ((number? - *low as f64) / *step as f64 + 0.5) / self.size().unwrap_or(1) as f64
            }
            Dimension::Float { low, step: Some(step), .. } => {
                ((number? - low) / step + 0.5) / self.size().unwrap_or(1) as f64
            }
            Dimension::Float { low, high, log: true, .. } if high > low => {
                (ln(number?) - ln(*low)) / (ln(*high) - ln(*low))
            }
            Dimension::Float { low, high, .. } if high > low => (number? - low) / (high - low),
            Dimension::Float { .. } => 0.5,
        };
        Some(share.clamp(0.0, 1.0))
    }
}

/// The place that a share falls on.
fn place(share: f64, size: u64) -> u64 {
    ((share * size as f64) as u64).min(size - 1)
}

/// A float with few digits.
fn number(value: f64) -> Json {
    let short = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    Json::from(short)
}

/// A value for each hyper-parameter of a space, in the space's order.
pub type Combination = Vec<Json>;

/// What each of several hyper-parameters may be, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Space(pub BTreeMap<String, Dimension>);

impl Space {
    /// The names, sorted: the order of combinations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many combinations there are; `None` if a hyper-parameter has too many values to list.
    pub fn size(&self) -> Option<u64> {
        self.0.values().try_fold(1u64, |size, dimension| Some(size.saturating_mul(dimension.size()?)))
    }

    /// A combination by its place: the last hyper-parameter changes first. For a space that has a size.
    pub fn nth(&self, mut place: u64) -> Combination {
        let mut values = Vec::new();
        for dimension in self.0.values().rev() {
            let size = dimension.size().unwrap_or(1);
            values.push(dimension.nth(place % size));
            place /= size;
        }
        values.reverse();
        values
    }

    /// A combination as a map.
    pub fn named(&self, values: &[Json]) -> Map<String, Json> {
        self.0.keys().cloned().zip(values.iter().cloned()).collect()
    }

    /// A combination drawn for trial `nth` at the given attempt. Each hyper-parameter has a stream of chance of its own, so
    /// that another one beside it doesn't change what is drawn for it.
    pub(super) fn draw(&self, seed: u64, nth: usize, attempt: u64) -> Combination {
        let one = |(name, dimension): (&String, &Dimension)| {
            let mut chance = chance(seed, name, nth, attempt);
            dimension.at(unit(&mut chance))
        };
        self.0.iter().map(one).collect()
    }
}

/// The stream of chance of one hyper-parameter in one trial.
pub(super) fn chance(seed: u64, name: &str, nth: usize, attempt: u64) -> Chance {
    Chance::named(seed, name, (nth as u64) << 16 | attempt)
}

/// A number from 0 to below 1, each as likely.
pub(super) fn unit(chance: &mut Chance) -> f64 {
    const STEPS: usize = 1 << 53;
    chance.below(STEPS) as f64 / STEPS as f64
}
