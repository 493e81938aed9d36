//! One row step.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::lookup::Lookup;
use super::map::Map;
use super::words::Words;
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
    /// Brings columns of a small table that travels along.
    Lookup(Lookup),
    /// Columns that a record brings itself, because only a whole table could make them: those of another table, of rows
    /// before. A table has them already.
    Ask {
        /// Their names.
        columns: Vec<String>,
        /// Whether they are all that there is of a record: what comes before does nothing to it.
        anew: bool,
    },
    /// Makes columns that are weighted sums of others.
    Map(Map),
    /// Makes columns that count the words of a text.
    Words(Words),
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
        let is_from = |read: &BTreeSet<String>| read.iter().any(|name| from.contains(name) || found.contains(name));
        let made = step.makes().into_iter().filter(|(_, read)| is_from(read)).map(|(name, _)| name.to_owned());
        found.extend(made.collect::<Vec<_>>());
    }
    found
}

/// The steps that a record goes through: those after the last one that lets it begin anew.
pub fn of_record(steps: &[RowStep]) -> &[RowStep] {
    let begins = steps.iter().rposition(|step| matches!(step, RowStep::Ask { anew: true, .. }));
    &steps[begins.unwrap_or(0)..]
}

impl RowStep {
    /// Each column that it makes or replaces, with those that it is made of.
    pub fn makes(&self) -> Vec<(&str, BTreeSet<String>)> {
        match self {
            RowStep::Set { columns } => columns.iter().map(|(name, expr)| (name.as_str(), expr.columns())).collect(),
            RowStep::Lookup(lookup) => {
                let read: BTreeSet<String> = lookup.reads().cloned().collect();
                lookup.brings().iter().map(|looked| (looked.name.as_str(), read.clone())).collect()
            }
            RowStep::Map(map) => {
                let read: BTreeSet<String> = map.inputs().iter().cloned().collect();
                map.outputs().iter().map(|output| (output.name.as_str(), read.clone())).collect()
            }
            RowStep::Words(words) => {
                let read = BTreeSet::from([words.column().clone()]);
                words.outputs().map(|name| (name.as_str(), read.clone())).collect()
            }
            RowStep::Ask { .. } | RowStep::Refuse { .. } | RowStep::Keep { .. } | RowStep::Rename { .. } => Vec::new(),
        }
    }

    /// The same letting every row through; `None` if it does nothing else.
    pub fn unrefusing(&self) -> Option<RowStep> {
        match self {
            RowStep::Refuse { .. } => None,
            RowStep::Lookup(lookup) => Some(RowStep::Lookup(lookup.clone().unrefusing())),
            step => Some(step.clone()),
        }
    }

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

    /// Asks for columns beside those that a record has.
    pub fn ask(columns: Vec<String>) -> Self {
        RowStep::Ask { columns, anew: false }
    }

    /// Lets a record begin here, with these columns.
    pub fn begin(columns: Vec<String>) -> Self {
        RowStep::Ask { columns, anew: true }
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
