//! What is known of a table's columns before its rows are read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::source::{Fault, suggest};

/// One known column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// Columns whose names only the data will tell: `island_*`, made by `one_hot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// What their names start with, the underscore included: `island_`.
    pub prefix: String,
    /// Their type.
    pub kind: Kind,
}

/// Known columns in order, open families, and the columns that selectors leave alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The known columns, in the table's order.
    pub fields: Vec<Field>,
    /// The open families.
    pub families: Vec<Family>,
    /// The target, what only the target is made from, and roles: selectors never pick them.
    pub protected: BTreeSet<String>,
    /// Those of them whose offspring is protected too: the target, and columns that are held back.
    pub guarded: BTreeSet<String>,
}

impl Shape {
    /// A shape of known columns.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, Kind)>) -> Self {
        Self {
            fields: fields.into_iter().map(|(name, kind)| Field { name: name.to_owned(), kind }).collect(),
            ..Self::default()
        }
    }

    /// The known columns' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// The type of `name`, when it is a known column.
    pub fn known(&self, name: &str) -> Option<Kind> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.kind)
    }

    /// The type of `name`: of the known column, else of the open family it would belong to.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.known(name)
            .or_else(|| self.families.iter().find(|family| name.starts_with(&family.prefix)).map(|family| family.kind))
    }

    /// The type of `name`, or the fault that says which column was probably meant.
    pub fn expect(&self, name: &str) -> Result<Kind, Fault> {
        self.kind(name).ok_or_else(|| self.unknown(name))
    }

    /// The fault for a column that isn't there.
    pub fn unknown(&self, name: &str) -> Fault {
        Fault::new("unknown-column", format!("there is no column `{name}` here"))
            .maybe_help(suggest(name, self.names()))
    }

    /// Adds a column at the end, or changes the type of the one with that name in its place.
    pub fn set(&mut self, name: &str, kind: Kind) {
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.kind = kind,
            None => self.fields.push(Field { name: name.to_owned(), kind }),
        }
    }

    /// Opens a family of columns.
    pub fn open(&mut self, prefix: &str, kind: Kind) {
        let family = Family { prefix: prefix.to_owned(), kind };
        if !self.families.contains(&family) {
            self.families.push(family);
        }
    }

    /// Protects a column that is made from guarded ones.
    pub fn guard(&mut self, name: &str) {
        self.protected.insert(name.to_owned());
        self.guarded.insert(name.to_owned());
    }

    /// Takes a column away.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|field| field.name != name);
    }
}
