//! Which models are served, and under which names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::registry::{CHAMPION, Registry, VersionRow};
use crate::seal::{Predictor, Sealed};
use crate::source::Fault;
use crate::store::Store;

/// One model that is served.
pub struct Model {
    /// Its name in the registry.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The alias it was asked for by, if it was.
    pub alias: Option<String>,
    /// The sealed model's digest.
    pub digest: String,
    /// It at work.
    pub predictor: Predictor,
}

/// The models by the names they have in addresses: the first of a name has the bare name, further ones `name@alias` or
/// `name@version`.
pub struct Models(BTreeMap<String, Arc<Model>>);

impl Models {
    /// Gives each its name.
    ///
    /// # Errors
    /// If there are none, or if one is there twice.
    pub fn new(models: Vec<Model>) -> Result<Self, Fault> {
        if models.is_empty() {
            return Err(nothing());
        }
        Self::some(models.into_iter().map(Arc::new))
    }

    /// Gives each its name; there may be none yet.
    ///
    /// # Errors
    /// If one is there twice.
    pub(super) fn some(models: impl IntoIterator<Item = Arc<Model>>) -> Result<Self, Fault> {
        let mut named = BTreeMap::new();
        for model in models {
            let key = free_name(&named, &model)?;
            named.insert(key, model);
        }
        Ok(Self(named))
    }

    /// No model yet.
    pub(super) fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.0.get(name).map(|model| &**model)
    }

    /// The only one; none if there are several.
    pub fn default(&self) -> Option<(&str, &Model)> {
        let mut models = self.iter();
        models.next().filter(|_| self.0.len() == 1)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Model)> {
        self.0.iter().map(|(name, model)| (name.as_str(), &**model))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Loads models of the project at `root`: those `wanted` (`name`, `name@3`, `name@champion`), or all that pipelines
/// deployed `to: rest` if none is wanted.
///
/// # Errors
/// If there is nothing to serve, if a model isn't there, or if it can't be read.
pub fn load(root: &Path, wanted: &[String]) -> Result<Vec<Model>, Fault> {
    let registry = Registry::open(root)?;
    let store = Store::open(root)?;
    let recorded;
    let wanted = if wanted.is_empty() {
        recorded = deployed(&registry)?;
        &recorded
    } else {
        wanted
    };
    wanted.iter().map(|text| load_one(&registry, &store, text)).collect()
}

/// What pipelines deployed `to: rest`. A name's champion comes before its other aliases: it gets the bare name.
fn deployed(registry: &Registry) -> Result<Vec<String>, Fault> {
    let served = recorded(registry)?;
    if served.is_empty() {
        return Err(nothing());
    }
    Ok(served)
}

/// The same, which may be nothing.
pub(super) fn recorded(registry: &Registry) -> Result<Vec<String>, Fault> {
    let mut served = registry.served()?;
    served.sort_by(|a, b| (&a.name, a.alias != CHAMPION, &a.alias).cmp(&(&b.name, b.alias != CHAMPION, &b.alias)));
    Ok(served.into_iter().map(|one| format!("{}@{}", one.name, one.alias)).collect())
}

fn load_one(registry: &Registry, store: &Store, text: &str) -> Result<Model, Fault> {
    open(store, &registry.resolve(text)?, text)
}

/// The version that `text` stands for, at work: its recorded samples are replayed, and must give the same answers.
pub(super) fn open(store: &Store, row: &VersionRow, text: &str) -> Result<Model, Fault> {
    let alias = alias_of(row, text);
    let bytes = store.get(&row.digest)?.ok_or_else(|| {
        Fault::new(
            "missing-object",
            format!("version {} of `{}` is registered, but its file isn't there or is damaged", row.version, row.name),
        )
        .help("run its pipeline again: it makes the same model again")
    })?;
    let predictor = Sealed::open(&bytes).map_err(|mut fault| {
        fault.message = format!("version {} of `{}` can't be served: {}", row.version, row.name, fault.message);
        fault
    })?;
    Ok(Model { name: row.name.clone(), version: row.version, alias, digest: row.digest.to_string(), predictor })
}

/// The alias that `text` named, or the one that is meant when it named none.
fn alias_of(row: &VersionRow, text: &str) -> Option<String> {
    let said =
        text.split_once('@').map_or(CHAMPION, |(_, selector)| if selector.is_empty() { CHAMPION } else { selector });
    row.aliases.iter().find(|alias| *alias == said).cloned()
}

fn free_name(taken: &BTreeMap<String, Arc<Model>>, model: &Model) -> Result<String, Fault> {
    let Model { name, version, alias, .. } = model;
    let twice = taken.values().any(|other| other.name == *name && other.version == *version && other.alias == *alias);
    let mut names = vec![name.clone()];
    names.extend(alias.iter().map(|alias| format!("{name}@{alias}")));
    names.push(format!("{name}@{version}"));
    names.into_iter().find(|name| !twice && !taken.contains_key(name)).ok_or_else(|| {
        Fault::new("served-twice", format!("version {version} of the model `{name}` is named more than once"))
            .help("name it once")
    })
}

fn nothing() -> Fault {
    Fault::new("nothing-to-serve", "there is no model to serve")
        .help("run a pipeline that deploys `to: rest`, or name a model")
}
