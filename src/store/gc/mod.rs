//! Clearing away what nobody needs, beside processes that go on running.
//!
//! What is needed: what the caller names (locks of branches, the registry, the last runs), what the `latest` pointers of
//! pipelines that exist lead to, and what living processes rely on ([`super::uses`]). A record that is needed keeps all
//! its outputs, and the records of the pieces that it was put together from.
//!
//! # How no running process loses what it has seen
//! A process *publishes* a key before it looks the key's record up, and a digest before it takes an object for kept. When it
//! ends, it has written down what must last (a pointer, the lock, its history) before its list goes. Against that:
//!
//! 1. The collector opens the *window*, a file lock that readers look at after a miss.
//! 2. It moves records that nobody seems to need into its own folder (`trash/`), where nobody finds them.
//! 3. It reads the lists of the living, and only then pointers, locks and history once more, and puts back what
//!    turned out to be needed. It closes the window.
//! 4. The same for objects. Needed are the outputs of all records that are there now, those that appeared meanwhile included.
//! 5. It empties the trash.
//!
//! Take a process that looks up a key K. If it published K before the lists were read in step 3, K is put back; should the
//! process look just while K is away, it waits until the window closes and finds K. If it published K after the lists were
//! read, then it looks after the move: it misses K, before and after, and makes it. If the process ended before the lists were
//! read, its pointers are older than step 3's second half, which reads them. Either way it sees one answer.
//!
//! Objects go the same way, with `put` in the place of the look-up: who found an object there had published it before,
//! so it is put back; who didn't find it writes it anew. A record is kept after its objects, and published before both, so at
//! step 4 its outputs are either in the list of its living maker or in the record itself.
//!
//! A collector that is killed leaves its folder with a free lock. Whoever writes next, or misses something while the window's
//! file is there, puts everything back before the folder is removed. One collector works at a time; a second one waits.

mod git;
mod roots;
mod tally;
pub(super) mod trash;
mod window;

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

pub use git::{Branches, branches};
pub use roots::{digests_in, locks_under};
pub use tally::{Swept, Tally};

use super::home::{names, two_levels};
use super::records::Latest;
use super::uses::uses;
use super::{Digest, Key, Store, StoreError};
use crate::source::Fault;
use trash::Trash;

/// What must stay, and how to go about it.
pub struct Wanted<'a> {
    /// What doesn't change while runs go on: keys and digests.
    pub fixed: HashSet<Digest>,
    /// What a run may change until its end; read anew after anything was moved away.
    pub moving: &'a dyn Fn() -> Result<HashSet<Digest>, Fault>,
    /// The pipelines whose newest results stay; those of all if it isn't known which there are.
    pub pipelines: Option<BTreeSet<String>>,
    /// Drop damaged objects whatever their age.
    pub damaged: bool,
    /// Only count.
    pub dry: bool,
}

/// What is needed now.
struct Marks {
    needed: HashSet<Digest>,
    /// Keys whose records are needed to explain others, but not their outputs.
    explained: HashSet<Digest>,
}

impl Marks {
    fn keeps(&self, key: &Digest) -> bool {
        self.needed.contains(key) || self.explained.contains(key)
    }
}

/// Drops what isn't wanted.
pub fn collect(store: &Store, wanted: &Wanted) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    if wanted.dry {
        count(store, wanted, &mut swept)?;
    } else {
        store.prepare()?;
        let _only = window::only_one(store)?;
        let trash = Trash::new(store)?;
        records(store, wanted, &trash, &mut swept)?;
        objects(store, wanted, &trash, &mut swept)?;
        trash.empty()?;
    }
    pointers(store, wanted, &mut swept)?;
    tally::leftovers(store, wanted, &mut swept)?;
    Ok(swept)
}

fn count(store: &Store, wanted: &Wanted, swept: &mut Swept) -> Result<(), Fault> {
    let marks = marks(store, wanted)?;
    let (stay, go): (Vec<Key>, Vec<Key>) = store.keys()?.into_iter().partition(|key| marks.keeps(&key.0));
    stay.iter().for_each(|key| swept.keep("records", tally::size(&store.record_path(key))));
    go.iter().for_each(|key| swept.drop("records", tally::size(&store.record_path(key))));
    let needed = outputs(store, &marks, &stay);
    for digest in store.objects()? {
        let size = tally::size(&store.path(&digest));
        if needed.contains(&digest) { swept.keep("objects", size) } else { swept.drop("objects", size) }
    }
    Ok(())
}

fn records(store: &Store, wanted: &Wanted, trash: &Trash, swept: &mut Swept) -> Result<(), Fault> {
    let seen = marks(store, wanted)?;
    let (stay, go): (Vec<Key>, Vec<Key>) = store.keys()?.into_iter().partition(|key| seen.keeps(&key.0));
    stay.iter().for_each(|key| swept.keep("records", tally::size(&store.record_path(key))));
    if go.is_empty() {
        return Ok(());
    }
    let window = window::open(store)?;
    for key in &go {
        trash.take_record(key)?;
    }
    let mut gone = go;
    loop {
        let marks = marks(store, wanted)?;
        let (back, rest): (Vec<Key>, Vec<Key>) = gone.into_iter().partition(|key| marks.keeps(&key.0));
        for key in &back {
            trash.return_record(key)?;
            swept.keep("records", tally::size(&store.record_path(key)));
        }
        gone = rest;
        // What a record is put together from is known once it is back.
        if back.is_empty() {
            break;
        }
    }
    gone.iter().for_each(|key| swept.drop("records", tally::size(&trash.record(key))));
    drop(window);
    Ok(())
}

fn objects(store: &Store, wanted: &Wanted, trash: &Trash, swept: &mut Swept) -> Result<(), Fault> {
    let needed = outputs(store, &marks(store, wanted)?, &store.keys()?);
    let (stay, go): (Vec<Digest>, Vec<Digest>) =
        store.objects()?.into_iter().partition(|digest| needed.contains(digest));
    stay.iter().for_each(|digest| swept.keep("objects", tally::size(&store.path(digest))));
    if go.is_empty() {
        return Ok(());
    }
    let window = window::open(store)?;
    for digest in &go {
        trash.take_object(digest)?;
    }
    let marks = marks(store, wanted)?;
    // After the lists of the living: a maker that has ended kept its record before.
    let needed = outputs(store, &marks, &store.keys()?);
    for digest in &go {
        if needed.contains(digest) {
            trash.return_object(digest)?;
            swept.keep("objects", tally::size(&store.path(digest)));
        } else {
            swept.drop("objects", tally::size(&trash.object(digest)));
        }
    }
    drop(window);
    Ok(())
}

fn marks(store: &Store, wanted: &Wanted) -> Result<Marks, Fault> {
    // The living first: one that ends after this has its pointers read below.
    let mut needed = uses(store.home())?;
    let mut explained = HashSet::new();
    for (_, latest) in latests(store)? {
        let Some(latest) = latest.filter(|latest| exists(wanted, latest)) else { continue };
        // `p/step ran` and `p/step was` are there for `why`, which reads no outputs.
        let of = if latest.name.contains(' ') { &mut explained } else { &mut needed };
        of.insert(latest.key.0);
    }
    needed.extend((wanted.moving)()?);
    needed.extend(&wanted.fixed);
    let mut ahead: Vec<Digest> = needed.iter().copied().collect();
    while let Some(digest) = ahead.pop() {
        let pieces = store.record_now(&Key(digest)).map_or(Vec::new(), |record| record.pieces);
        ahead.extend(pieces.into_iter().map(|piece| piece.0).filter(|piece| needed.insert(*piece)));
    }
    Ok(Marks { needed, explained })
}

/// What is needed, with all that the records with these keys made; a record that only explains keeps nothing.
fn outputs(store: &Store, marks: &Marks, keys: &[Key]) -> HashSet<Digest> {
    let mut needed = marks.needed.clone();
    for key in keys {
        if marks.explained.contains(&key.0) && !marks.needed.contains(&key.0) {
            continue;
        }
        let record = store.record_now(key);
        needed.extend(record.iter().flat_map(|record| record.outputs.values().chain(record.about.values())));
    }
    needed
}

fn exists(wanted: &Wanted, latest: &Latest) -> bool {
    let pipeline = latest.name.split('/').next().unwrap_or_default();
    wanted.pipelines.as_ref().is_none_or(|known| known.contains(pipeline))
}

/// Every pointer's file, with what it says.
pub(super) fn latests(store: &Store) -> Result<Vec<(PathBuf, Option<Latest>)>, StoreError> {
    let folder = store.folder("latest");
    let files = two_levels(&folder)?.into_iter().filter(|(_, name)| name.ends_with(".json"));
    Ok(files
        .map(|(outer, name)| {
            let path = folder.join(outer).join(name);
            let latest = Latest::read(&path);
            (path, latest)
        })
        .collect())
}

/// Drops pointers that lead nowhere: of pipelines that are gone, or to records that are.
fn pointers(store: &Store, wanted: &Wanted, swept: &mut Swept) -> Result<(), Fault> {
    let there: HashSet<Digest> = store.keys()?.into_iter().map(|key| key.0).collect();
    for (path, latest) in latests(store)? {
        let leads = latest.as_ref().is_some_and(|latest| exists(wanted, latest) && there.contains(&latest.key.0));
        let size = tally::size(&path);
        if leads {
            swept.keep("pointers", size);
        } else if wanted.dry || trash::drop_pointer(store, &path, latest.as_ref())? {
            swept.drop("pointers", size);
        }
    }
    Ok(())
}

/// The names in a folder of the store that are files, with their paths.
fn files(folder: &std::path::Path) -> Result<Vec<PathBuf>, StoreError> {
    let paths = names(folder)?.into_iter().map(|name| folder.join(name));
    Ok(paths.filter(|path| path.is_file()).collect())
}

#[cfg(test)]
mod tests;
