//! Where the collector puts things until it is sure: a folder in its own, beside everything else on the disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Latest;
use crate::store::home::{by_hex, names};
use crate::store::{Digest, Key, Store, StoreError};

const TRASH: &str = "trash";

/// The trash of one collection.
pub(super) struct Trash {
    store: Store,
    folder: PathBuf,
}

impl Trash {
    pub(super) fn new(store: &Store) -> Result<Self, StoreError> {
        let folder = store.mine()?.folder().join(TRASH);
        for kind in ["records", "objects"] {
            let folder = folder.join(kind);
            fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        }
        Ok(Self { store: store.clone(), folder })
    }

    pub(super) fn record(&self, key: &Key) -> PathBuf {
        self.folder.join("records").join(key.hex())
    }

    pub(super) fn object(&self, digest: &Digest) -> PathBuf {
        self.folder.join("objects").join(digest.hex())
    }

    pub(super) fn take_record(&self, key: &Key) -> Result<(), StoreError> {
        rename(&self.store.record_path(key), &self.record(key))
    }

    pub(super) fn take_object(&self, digest: &Digest) -> Result<(), StoreError> {
        rename(&self.store.path(digest), &self.object(digest))
    }

    pub(super) fn return_record(&self, key: &Key) -> Result<(), StoreError> {
        give_back(&self.record(key), &self.store.record_path(key))
    }

    pub(super) fn return_object(&self, digest: &Digest) -> Result<(), StoreError> {
        give_back(&self.object(digest), &self.store.path(digest))
    }

    /// Removes what is in it for good: records first, because without their objects they would be worth nothing.
    pub(super) fn empty(&self) -> Result<(), StoreError> {
        for kind in ["records", "objects"] {
            let folder = self.folder.join(kind);
            fs::remove_dir_all(&folder).map_err(StoreError::io("remove", &folder))?;
        }
        fs::remove_dir(&self.folder).map_err(StoreError::io("remove", &self.folder))
    }
}

/// What a collector that died had moved away into its folder, back to where it was.
pub(in crate::store) fn put_back(home: &Path, folder: &Path) {
    for (kind, whole, ending) in [("records", true, ".json"), ("objects", false, "")] {
        let trash = folder.join(TRASH).join(kind);
        for hex in names(&trash).unwrap_or_default() {
            if Digest::from_hex(&hex).is_some() {
                let mut place = by_hex(&home.join(kind), &hex, whole).into_os_string();
                place.push(ending);
                // What can't be put back is a miss.
                drop(give_back(&trash.join(&hex), Path::new(&place)));
            }
        }
    }
}

/// Removes a pointer's file, unless it says something else by now. Whether it did.
pub(super) fn drop_pointer(store: &Store, path: &Path, judged: Option<&Latest>) -> Result<bool, StoreError> {
    let says = |latest: Latest| (latest.name, latest.key);
    let judged = judged.map(|latest| (latest.name.clone(), latest.key));
    drop_if_bad(store, path, |away| {
        let found = Latest::read(away).map(says);
        found.is_some() && found != judged
    })
}

/// Removes a file that was found to be bad, unless another has taken its place by now that is good. Whether it did.
pub(in crate::store) fn drop_if_bad(
    store: &Store,
    path: &Path,
    good: impl Fn(&Path) -> bool,
) -> Result<bool, StoreError> {
    let away = store.mine()?.fresh()?.join("bad");
    rename(path, &away)?;
    let good = good(&away);
    if good {
        give_back(&away, path)?;
    }
    Ok(!good)
}

/// Moves a file; one that isn't there any more is fine.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(StoreError::io("write", from)),
    }
}

/// Moves a file back, unless there is a newer one in its place.
fn give_back(from: &Path, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Ok(());
    }
    rename(from, to)
}
