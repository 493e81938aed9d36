//! What of the kept results is needed, and by whom: locks, the registry, the last runs.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::engine::Project;
use crate::registry::Registry;
use crate::source::Fault;
use crate::store::{Digest, History, digests_in, locks_under};

/// What runs may change until their end: the locks in the working tree, the registry, and the last runs of each pipeline.
pub(super) fn moving(root: &Path, keep_runs: usize) -> Result<HashSet<Digest>, Fault> {
    let mut needed = locks_under(&root.join("pipelines"))?;
    needed.extend(Registry::open(root)?.kept()?);
    for told in History::open(root).told(keep_runs)? {
        needed.extend(digests_in(&told));
    }
    Ok(needed)
}

/// The names of all pipelines, as their files say them and as they are called; none if one of them can't be read.
pub(super) fn pipelines(root: &Path) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let mut names = BTreeSet::new();
    for file in Project::names(root) {
        let path = Project::pipeline(root, &file).ok()?;
        let text = std::fs::read_to_string(path).ok()?;
        names.insert(serde_yaml::from_str::<Named>(&text).ok()?.name);
        names.insert(file);
    }
    Some(names)
}
