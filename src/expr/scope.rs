//! What an expression may name.

use std::collections::BTreeMap;

use crate::data::{Shape, Value};

/// The columns and parameters an expression is read against.
pub struct Scope<'a> {
    /// The table's columns.
    pub shape: &'a Shape,
    /// The values of `params.x`, typed.
    pub params: &'a BTreeMap<String, Value>,
}
