//! Bringing the world to what a pipeline says: the registry first, then each target.

mod onnx;
mod rest;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value as Json;

use crate::engine::{Champion, DeployResult, Effects, Promoted, Registration};
use crate::registry::{Case, Registry};
use crate::source::Fault;
use crate::store::Store;

/// Reconciles deployments with the registry of a project.
pub struct Reconciler {
    root: PathBuf,
    registry: Mutex<Registry>,
    actor: String,
    commit: Option<String>,
}

impl Reconciler {
    /// For the project at `root`. `actor` is who runs, `commit` what is checked out.
    pub fn new(root: &Path, actor: String, commit: Option<String>) -> Result<Self, Fault> {
        Ok(Self { root: root.to_owned(), registry: Mutex::new(Registry::open(root)?), actor, commit })
    }
}

impl Effects for Reconciler {
    fn register(&self, of: &Registration) -> Result<DeployResult, Fault> {
        let mut registry = self.registry.lock().expect("no holder panicked");
        let is_onnx = |target: &&Json| target["target"] == "onnx";
        if of.targets.iter().any(|target| is_onnx(&target)) {
            onnx::check(&Store::open(&self.root)?, &of.digest).map_err(|fault| fault.within("to"))?;
        }
        let mut lineage = of.lineage.clone();
        if let (Some(commit), Json::Object(fields)) = (&self.commit, &mut lineage) {
            fields.insert("commit".to_owned(), Json::from(commit.as_str()));
        }
        let (version, new) = registry.register(&of.name, &of.digest, &lineage)?;
        if of.moves_alias {
            self.decide(&mut registry, of, version)?;
        }
        for target in &of.targets {
            if target["target"] == "rest" {
                rest::reconcile(&mut registry, of, target)?;
            }
        }
        // Like an alias, the file stays where it is in a run with overrides.
        for target in of.targets.iter().filter(is_onnx).filter(|_| of.moves_alias) {
            let model = format!("{}@{}", of.name, of.alias);
            onnx::reconcile(&self.root, &Store::open(&self.root)?, &registry, &model, target)?;
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
            verdict: of.weighed.as_ref().map(|weighed| weighed.verdict),
            told: of.weighed.as_ref().map(|weighed| weighed.words(&of.alias)),
            comparison: of.weighed.clone(),
        })
    }

    fn champion(&self, name: &str, alias: &str) -> Result<Option<Champion>, Fault> {
        let registry = self.registry.lock().expect("no holder panicked");
        let row = registry.show(name, alias)?;
        Ok(row.map(|row| Champion { version: row.version, digest: row.digest, lineage: row.lineage }))
    }
}

impl Reconciler {
    /// Moves the alias, or notes why it stays.
    fn decide(&self, registry: &mut Registry, of: &Registration, version: u32) -> Result<(), Fault> {
        let Some(weighed) = &of.weighed else {
            registry.decide(&of.name, &of.alias, version, &of.evidence, &self.actor, &of.why)?;
            return Ok(());
        };
        // It is the champion already, by whatever decision.
        if weighed.champion == Some(version) {
            return Ok(());
        }
        let why = format!("{}: {}", of.why, weighed.words(&of.alias));
        let case = Case { name: &of.name, alias: &of.alias, evidence: &of.evidence, actor: &self.actor, why: &why };
        match weighed.verdict {
            Promoted::Promoted => registry.replace(&case, weighed.champion, version).map(|_| ()),
            Promoted::KeptChampion | Promoted::CantTell => registry.keep(&case, weighed.champion),
        }
    }
}
