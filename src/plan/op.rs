//! One op of a step.

use std::collections::BTreeSet;

use super::node::Input;
use crate::ops::{CheckedOp, Rows};
use crate::recipe::{RowStep, offspring};
use crate::source::{Fault, Route};

/// One op of a step.
pub struct OpNode {
    /// The checked op.
    pub op: Box<dyn CheckedOp>,
    /// Which rows it works on, if that was said.
    pub rows: Option<Rows>,
    /// The other tables that its argument names.
    pub others: Vec<(String, Input)>,
    /// Where its argument stands.
    pub route: Route,
    /// The field that the argument stands for, if it is written in its short form.
    pub short: Option<&'static str>,
}

impl OpNode {
    /// The columns that it makes of guarded ones. `steps` is what it does to a row.
    pub fn guarded(&self, steps: &[RowStep], before: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = offspring(steps, before);
        let derived = self.op.derives().into_iter().filter(|(_, from)| !from.is_disjoint(before));
        found.extend(derived.map(|(name, _)| name));
        found
    }

    /// A fault of this op, with its route from the document's root.
    pub fn place(&self, mut fault: Fault) -> Fault {
        if let Some(field) = self.short {
            fault.route = fault.route.without_first(field);
        }
        fault.under(&self.route)
    }
}
