//! Bringing the world to what a pipeline says: the registry first, then each target.

mod rest;

use std::path::Path;
use std::sync::Mutex;

use serde_json::Value as Json;

use crate::engine::{DeployResult, Effects, Registration};
use crate::registry::Registry;
use crate::source::Fault;

/// Reconciles deployments with the registry of a project.
pub struct Reconciler {
    registry: Mutex<Registry>,
    actor: String,
    commit: Option<String>,
}

impl Reconciler {
    /// For the project at `root`. `actor` is who runs, `commit` what is checked out.
    pub fn new(root: &Path, actor: String, commit: Option<String>) -> Result<Self, Fault> {
        Ok(Self { registry: Mutex::new(Registry::open(root)?), actor, commit })
    }
}

impl Effects for Reconciler {
    fn register(&self, of: &Registration) -> Result<DeployResult, Fault> {
        let mut registry = self.registry.lock().expect("no holder panicked");
        let mut lineage = of.lineage.clone();
        if let (Some(commit), Json::Object(fields)) = (&self.commit, &mut lineage) {
            fields.insert("commit".to_owned(), Json::from(commit.as_str()));
        }
        let (version, new) = registry.register(&of.name, &of.digest, &lineage)?;
        if of.moves_alias {
            registry.decide(&of.name, &of.alias, version, &of.evidence, &self.actor, &of.why)?;
        }
        for target in &of.targets {
            if target["target"] == "rest" {
                rest::reconcile(&mut registry, of, target)?;
            }
        }
        let row = registry.show(&of.name, &version.to_string())?;
        let promoted = row.is_some_and(|row| row.aliases.contains(&of.alias));
        Ok(DeployResult {
            model: of.name.clone(),
            version,
            alias: of.alias.clone(),
            promoted,
            new,
            digest: of.digest.to_string(),
        })
    }
}
