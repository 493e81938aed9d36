//! What the registry tells: models, versions, moves of aliases, what is to be served.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::store::Digest;

/// The number of a version, from one, without gaps.
pub type Version = u32;

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelRow {
    /// Its name.
    pub name: String,
    /// How many versions it has.
    pub versions: usize,
    /// The newest.
    pub latest: Version,
    /// What each alias points to.
    pub aliases: BTreeMap<String, Version>,
    /// When its first version was registered, RFC 3339.
    pub created: String,
}

/// One version of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionRow {
    /// The model's name.
    pub name: String,
    /// Its number.
    pub version: Version,
    /// The sealed model.
    pub digest: Digest,
    /// When it was registered, RFC 3339.
    pub created: String,
    /// Where it comes from: pipeline, step, run, commit, metrics, digests of the data.
    pub lineage: Json,
    /// The aliases that point to it, sorted.
    pub aliases: Vec<String>,
}

/// Why an alias was to point elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// A pipeline decided on evidence.
    Decide,
    /// Somebody said so.
    Promote,
    /// Somebody took the last move back.
    Rollback,
}

impl Move {
    pub(super) const ALL: [Self; 3] = [Self::Decide, Self::Promote, Self::Rollback];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerRow {
    /// When, RFC 3339.
    pub at: String,
    /// The model's name.
    pub name: String,
    /// The alias.
    pub alias: String,
    /// What was done.
    #[serde(rename = "move")]
    pub what: Move,
    /// What the alias points to since.
    pub version: Version,
    /// What it pointed to before; none if it was new.
    pub before: Option<Version>,
    /// Whether that changed anything.
    pub moved: bool,
    /// What a decision rests on.
    pub evidence: Option<Digest>,
    /// Who.
    pub actor: String,
    /// Why, in words; may be empty.
    pub why: String,
}

/// A model that is to be served.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Served {
    /// The model's name.
    pub name: String,
    /// The alias whose version is served.
    pub alias: String,
    /// How: port, protocols, ….
    pub settings: Json,
    /// Since when it is served like this, RFC 3339.
    pub at: String,
}
