//! One row step.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::expr::Expr;

/// What is done to every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStep {
    /// Makes or replaces columns, all at once: every expression reads the step's input.
    Set {
        /// Name and value of each.
        columns: Vec<(String, Expr)>,
    },
    /// Drops the row from a table, or refuses the record of a request.
    Refuse {
        /// The condition; null refuses nothing.
        when: Expr,
        /// Why, to be shown with the field.
        reason: String,
        /// The field that is to blame.
        field: Option<String>,
    },
    /// Leaves only these columns, in this order.
    Keep {
        /// Their names.
        columns: Vec<String>,
    },
    /// Changes names, all at once.
    Rename {
        /// Old and new name of each.
        columns: Vec<(String, String)>,
    },
}

/// The columns that these steps compute from any of `from`, directly or through one another.
pub fn offspring(steps: &[RowStep], from: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for step in steps {
        let RowStep::Set { columns } = step else { continue };
        let reads = |expr: &Expr| expr.columns().iter().any(|name| from.contains(name) || found.contains(name));
        let made: Vec<String> = columns.iter().filter(|(_, expr)| reads(expr)).map(|(name, _)| name.clone()).collect();
        found.extend(made);
    }
    found
}

impl RowStep {
    /// Refuses rows.
    pub fn refuse(when: Expr, reason: impl Into<String>, field: Option<&str>) -> Self {
        RowStep::Refuse { when, reason: reason.into(), field: field.map(str::to_owned) }
    }

    /// Makes or replaces columns.
    pub fn set(columns: Vec<(String, Expr)>) -> Self {
        RowStep::Set { columns }
    }

    /// Leaves only these columns.
    pub fn keep(columns: Vec<String>) -> Self {
        RowStep::Keep { columns }
    }

    /// Changes names: `(old, new)`.
    pub fn rename(columns: Vec<(String, String)>) -> Self {
        RowStep::Rename { columns }
    }
}

/// The fault for a column that a step names and its input lacks.
pub(super) fn missing<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> crate::source::Fault {
    crate::source::Fault::new("unknown-column", format!("there is no column `{name}` here"))
        .maybe_help(crate::source::suggest(name, known))
}
