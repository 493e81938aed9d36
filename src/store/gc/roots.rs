//! Which keys and digests a text names. Locks and run histories are read like that on purpose: a lock with a merge conflict in it,
//! or of a later format, names what it needs all the same.

use std::collections::HashSet;
use std::path::Path;

use crate::source::Fault;
use crate::store::home::names;
use crate::store::records::read;
use crate::store::{Digest, StoreError};

const PREFIX: &str = "sha256:";
const HEX: usize = 64;

/// How the names of locks end.
pub(super) const LOCK: &str = ".lock";

/// Every `sha256:…` in a text.
pub fn digests_in(text: &str) -> impl Iterator<Item = Digest> {
    text.match_indices(PREFIX).filter_map(|(at, _)| {
        let from = at + PREFIX.len();
        Digest::from_hex(text.get(from..from + HEX)?)
    })
}

/// What the locks in a folder and those beneath it name.
pub fn locks_under(folder: &Path) -> Result<HashSet<Digest>, Fault> {
    let mut found = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for name in names(&folder)? {
            let path = folder.join(&name);
            let kind = std::fs::symlink_metadata(&path).map_err(StoreError::io("read", &path))?;
            if kind.is_dir() {
                folders.push(path);
            } else if name.ends_with(LOCK) {
                let bytes = read(&path)?.unwrap_or_default();
                found.extend(digests_in(&String::from_utf8_lossy(&bytes)));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_its_digests_even_if_it_is_torn() {
        let [one, two] = [b"1", b"2"].map(|bytes| Digest::of(bytes));
        let text = format!(
            "<<<<<<< HEAD\n  key: {one}\n=======\n  key: '{two}'\n>>>>>>> b\n  key: {}",
            &one.to_string()[..40]
        );
        assert_eq!(digests_in(&text).collect::<Vec<_>>(), [one, two]);
        assert_eq!(digests_in("sha256:ü sha256:").count(), 0);
    }

    #[test]
    fn locks_are_found_in_folders_of_folders() {
        let dir = tempfile::tempdir().expect("folder");
        let [one, two, no] = [b"1", b"2", b"3"].map(|bytes| Digest::of(bytes));
        std::fs::create_dir(dir.path().join("deep")).expect("made");
        for (name, digest) in [("a.lock", one), ("deep/b.lock", two), ("c.yaml", no)] {
            std::fs::write(dir.path().join(name), format!("key: {digest}\n")).expect("written");
        }
        assert_eq!(locks_under(dir.path()).expect("read"), HashSet::from([one, two]));
        assert!(locks_under(&dir.path().join("nowhere")).expect("none").is_empty());
    }
}
