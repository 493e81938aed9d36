//! What a run does to the world.

use serde_json::Value as Json;

use super::outcome::DeployResult;
use super::promote::Weighed;
use super::status::LOOKING;
use crate::source::Fault;
use crate::store::Digest;

/// A model to register.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The registered name.
    pub name: String,
    /// The alias that moves.
    pub alias: String,
    /// The sealed model.
    pub digest: Digest,
    /// What the decision rests on.
    pub evidence: Digest,
    /// Where the model comes from.
    pub lineage: Json,
    /// Where it goes.
    pub targets: Vec<Json>,
    /// Whether the alias may move.
    pub moves_alias: bool,
    /// How it compares with what the alias points to, if that was asked for.
    pub weighed: Option<Weighed>,
    /// Why, in words.
    pub why: String,
}

/// What a run does to the world. Implemented above this room.
pub trait Effects: Sync {
    /// Registers a model, moves its alias, brings its targets to what is said.
    fn register(&self, registration: &Registration) -> Result<DeployResult, Fault>;

    /// What an alias of a registered model points to; none if it points nowhere.
    fn champion(&self, name: &str, alias: &str) -> Result<Option<Champion>, Fault>;
}

/// What an alias points to.
#[derive(Clone, Debug)]
pub struct Champion {
    /// Its version.
    pub version: u32,
    /// The sealed model.
    pub digest: Digest,
    /// Where it comes from.
    pub lineage: Json,
}

/// Nothing is deployed by looking.
pub(super) struct Looking;

impl Effects for Looking {
    fn register(&self, _: &Registration) -> Result<DeployResult, Fault> {
        Err(Fault::new(LOOKING, "nothing is deployed here"))
    }

    fn champion(&self, _: &str, _: &str) -> Result<Option<Champion>, Fault> {
        Err(Fault::new(LOOKING, "nothing is deployed here"))
    }
}
