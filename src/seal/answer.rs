//! What a model says of a record, and what is wrong with a record it can't answer.

use serde::{Deserialize, Serialize};

use crate::data::Value;

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The likeliest class, or the number.
    pub prediction: Value,
    /// Each class' probability, in the order of the classes; empty for numbers.
    pub probability: Vec<f64>,
}

/// Why a record can't be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// The field at fault; none if it isn't a single one.
    pub field: Option<String>,
    /// The reason, as it may be told to a client.
    pub reason: String,
}

impl FieldFault {
    pub(super) fn of(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.into() }
    }
}

impl std::fmt::Display for FieldFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) if !self.reason.contains(&format!("`{field}`")) => write!(f, "`{field}` {}", self.reason),
            _ => f.write_str(&self.reason),
        }
    }
}
