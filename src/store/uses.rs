//! What living processes rely on, so that `gc` lets it be: `.gristmill/tmp/TOKEN/uses`, a key or a digest a line.
//!
//! A process writes a key there *before* it looks the key's record up, and a digest *before* it takes an object of that
//! name for kept. Nothing is synced: the file is worth nothing once its process is dead. Why that is enough is told in
//! [`super::gc`].

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::PoisonError;

use super::home::names;
use super::scratch::Scratch;
use super::{Digest, StoreError};

/// The file's name in a process's own folder.
const USES: &str = "uses";

impl Scratch {
    /// Says that this process relies on what this names from now on, until it ends.
    pub(super) fn rely_on(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = || self.folder().join(USES);
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.is_none() {
            let made = File::options().create(true).append(true).open(path());
            *uses = Some(made.map_err(StoreError::io("write", &path()))?);
        }
        let file = uses.as_mut().expect("it was opened before");
        // One call, so that the line is there when it returns.
        let line = digest.hex() + "\n";
        file.write_all(line.as_bytes()).map_err(StoreError::io("write", &path()))
    }
}

/// Everything that some process relies on. A line that isn't finished is of one that hasn't looked yet.
pub(super) fn uses(home: &Path) -> Result<HashSet<Digest>, StoreError> {
    let all = home.join("tmp");
    let mut found = HashSet::new();
    for token in names(&all)? {
        // Folders only; one that is gone meanwhile belonged to a process that has ended.
        let Ok(text) = std::fs::read_to_string(all.join(token).join(USES)) else { continue };
        found.extend(text.lines().filter_map(Digest::from_hex));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{STATE, Store};

    #[test]
    fn what_a_process_relies_on_is_seen_until_it_ends() {
        let dir = tempfile::tempdir().expect("folder");
        let home = dir.path().join(STATE);
        assert_eq!(uses(&home).expect("none"), HashSet::new());
        let store = Store::open(dir.path()).expect("a store");
        let key = Digest::of(b"key");
        store.rely_on(&key).expect("said");
        let kept = store.put(b"object").expect("kept");
        assert_eq!(uses(&home).expect("read"), HashSet::from([key, kept]));
        drop(store);
        assert_eq!(uses(&home).expect("none"), HashSet::new());
    }
}
