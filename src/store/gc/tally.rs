//! What was dropped and what stays, counted; and what may go without asking anybody.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Wanted, files};
use crate::store::atomic::UNFINISHED;
use crate::store::home::names;
use crate::store::objects::remove;
use crate::store::{Store, StoreError};

/// How long a damaged object is kept for whoever wants to know what happened to the disk, and a log of what failed.
const MOURNED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How old an unfinished file must be that lies beside its destination: nobody's lock tells whether it is still written to.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// So many files with so many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What a collection did, or would do, by kind: `objects`, `records`, `pointers`, `damaged`, `logs`, `unfinished`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// What goes.
    pub dropped: BTreeMap<&'static str, Tally>,
    /// What stays.
    pub kept: BTreeMap<&'static str, Tally>,
}

impl Swept {
    /// All that goes.
    pub fn freed(&self) -> Tally {
        self.dropped.values().fold(Tally::default(), |sum, tally| Tally {
            count: sum.count + tally.count,
            bytes: sum.bytes + tally.bytes,
        })
    }

    pub(super) fn drop(&mut self, kind: &'static str, bytes: u64) {
        self.dropped.entry(kind).or_default().add(bytes);
    }

    pub(super) fn keep(&mut self, kind: &'static str, bytes: u64) {
        self.kept.entry(kind).or_default().add(bytes);
    }
}

/// A file's size; nothing if it isn't there.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

/// Damaged objects that were set aside long ago, and files that a killed process left unfinished on another disk.
pub(super) fn leftovers(store: &Store, wanted: &Wanted, swept: &mut Swept) -> Result<(), StoreError> {
    for path in files(&store.folder("damaged"))? {
        one(&path, "damaged", wanted.damaged || is_older(&path, MOURNED), wanted, swept)?;
    }
    // What programs said in runs that failed; with a result it is kept as an object.
    let logs = store.folder("logs");
    for run in names(&logs)? {
        let run = logs.join(run);
        // An empty folder is left alone: a run that has just begun is about to write to it.
        let files = files(&run)?;
        let old = !files.is_empty() && files.iter().all(|path| is_older(path, MOURNED));
        for path in files {
            one(&path, "logs", old, wanted, swept)?;
        }
        if old && !wanted.dry {
            drop(fs::remove_dir(run));
        }
    }
    for path in unfinished(store)? {
        one(&path, "unfinished", is_older(&path, ABANDONED), wanted, swept)?;
    }
    Ok(())
}

fn one(path: &Path, kind: &'static str, goes: bool, wanted: &Wanted, swept: &mut Swept) -> Result<(), StoreError> {
    let size = size(path);
    if !goes {
        swept.keep(kind, size);
        return Ok(());
    }
    if !wanted.dry {
        remove(path)?;
    }
    swept.drop(kind, size);
    Ok(())
}

fn unfinished(store: &Store) -> Result<Vec<PathBuf>, StoreError> {
    let mut folders = vec![store.home().to_owned()];
    for kind in ["objects", "records", "latest"] {
        let folder = store.folder(kind);
        folders.extend(names(&folder)?.into_iter().map(|name| folder.join(name)).filter(|path| path.is_dir()));
        folders.push(folder);
    }
    let mut found = Vec::new();
    for folder in folders {
        let ours = names(&folder)?.into_iter().filter(|name| name.starts_with(UNFINISHED));
        found.extend(ours.map(|name| folder.join(name)));
    }
    Ok(found)
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|since| since > age))
}
