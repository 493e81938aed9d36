//! A process's own folder for what isn't finished: `.gristmill/tmp/TOKEN/`, and the lock `TOKEN.lock` beside it.
//!
//! The lock is the operating system's, so it is free as soon as its process died, be it by SIGKILL. Whoever begins to
//! write takes a token of its own and clears away what dead owners left: their folders, and their claims. Nothing waits for
//! an age, and nothing of a living process is touched, because its lock can't be taken.
//!
//! The order of making is lock, then folder; that of removing is folder, then lock. So a folder without a lock's file
//! has no owner either.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use super::claims::Held;
use super::gc::trash;
use super::home::{self, names};
use super::{Digest, STATE, StoreError};

const LOCK: &str = ".lock";
/// How many tokens are tried when a sweeper looks at a new one just then.
const TRIES: u64 = 64;

/// The folder of this process in one project; gone when the last holder drops it.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// What this process relies on, see [`super::uses`].
    pub(super) uses: Mutex<Option<File>>,
    steps: AtomicU64,
    // Dropped after the folder was removed.
    _held: Held,
}

/// Those that are held, by project.
static HELD: Mutex<BTreeMap<PathBuf, Weak<Scratch>>> = Mutex::new(BTreeMap::new());

impl Scratch {
    /// This process's folder in the project at `root`: the one that is held already, or a new one.
    pub(super) fn of(root: &Path) -> Result<Arc<Self>, StoreError> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = held.get(root).and_then(Weak::upgrade) {
            return Ok(scratch);
        }
        let scratch = Arc::new(Self::take(&root.join(STATE))?);
        held.retain(|_, other| other.strong_count() > 0);
        held.insert(root.to_owned(), Arc::downgrade(&scratch));
        Ok(scratch)
    }

    pub(super) fn take(home: &Path) -> Result<Self, StoreError> {
        let all = home.join("tmp");
        let mut salt = 0;
        let (token, held) = loop {
            let token = token(salt);
            match Held::attempt(&all.join(format!("{token}{LOCK}")))? {
                Some(held) => break (token, held),
                None if salt < TRIES => salt += 1,
                None => {
                    let error = std::io::Error::other("every name is taken");
                    return Err(StoreError::io("write to", &all)(error));
                }
            }
        };
        let folder = all.join(token);
        fs::create_dir(&folder).map_err(StoreError::io("create", &folder))?;
        let scratch = Self { folder, uses: Mutex::new(None), steps: AtomicU64::new(0), _held: held };
        sweep(home);
        Ok(scratch)
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new folder in it.
    pub(super) fn fresh(&self) -> Result<PathBuf, StoreError> {
        let folder = self.folder.join(format!("step-{}", self.steps.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed now is swept by whoever writes next.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A name that no other process has: its number, and eight digits of the time.
fn token(salt: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let process = std::process::id();
    let unique = Digest::of(format!("{process} {now} {salt}").as_bytes());
    format!("{process}-{}", unique.short())
}

/// Clears away what dead processes left. What can't be removed, by another user's rights for instance, stays.
pub(super) fn sweep(home: &Path) {
    let all = home.join("tmp");
    let mut tokens: Vec<String> = names(&all).unwrap_or_default();
    tokens.iter_mut().for_each(|name| {
        if let Some(token) = name.strip_suffix(LOCK) {
            *name = token.to_owned();
        }
    });
    tokens.sort_unstable();
    tokens.dedup();
    for token in tokens {
        if let Ok(Some(dead)) = Held::attempt(&all.join(format!("{token}{LOCK}"))) {
            let folder = all.join(&token);
            // A collector that died may have moved away what others rely on.
            trash::put_back(home, &folder);
            drop(fs::remove_dir_all(&folder));
            drop(dead);
        }
    }
    // After the folders: the claim of a dead collector tells readers that there may be something to put back.
    let claims = home.join("claims");
    for name in names(&claims).unwrap_or_default() {
        drop(Held::attempt(&claims.join(name)));
    }
}

/// The root of the project that a path is in: the nearest folder upward with `.gristmill/`.
pub(super) fn root_above(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let found = path.ancestors().skip(1).find(|folder| folder.join(home::STATE).is_dir());
    found.map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn files(home: &Path) -> Vec<String> {
        let mut found = names(&home.join("tmp")).expect("list");
        found.sort_unstable();
        found
    }

    #[test]
    fn it_is_one_for_a_process_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let home = dir.path().join(STATE);
        let folder = store.scratch().expect("a folder");
        let other = store.clone().scratch().expect("another");
        assert_ne!(folder, other);
        assert_eq!(folder.parent(), other.parent());
        assert_eq!(files(&home).len(), 2, "a folder and its lock");
        fs::write(folder.join("half"), "done").expect("written");
        drop(store);
        assert_eq!(files(&home), Vec::<String>::new());
    }

    #[test]
    fn what_a_dead_process_left_is_swept_at_once_and_a_living_one_is_left_alone() {
        let dir = tempfile::tempdir().expect("folder");
        let home = dir.path().join(STATE);
        for path in ["tmp/1-dead.lock", "tmp/1-dead/step-0/half", "tmp/2-dead/.half", "claims/dead"] {
            let path = home.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        let living = Held::attempt(&home.join("tmp/3-lives.lock")).expect("locked");
        let claim = Held::attempt(&home.join("claims/lives")).expect("locked");
        fs::create_dir(home.join("tmp/3-lives")).expect("made");
        let scratch = Scratch::of(dir.path()).expect("taken");
        let own = scratch.folder().file_name().expect("a name").to_string_lossy().into_owned();
        let mut expected = vec!["3-lives".to_owned(), "3-lives.lock".to_owned(), own.clone(), format!("{own}.lock")];
        expected.sort_unstable();
        assert_eq!(files(&home), expected);
        assert_eq!(names(&home.join("claims")).expect("list"), ["lives"]);
        drop((living, claim));
    }

    #[test]
    fn many_take_theirs_at_once() {
        let dir = tempfile::tempdir().expect("folder");
        let home = dir.path().join(STATE);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let scratch = Scratch::take(&home).expect("taken");
                        fs::write(scratch.folder().join("mine"), "").expect("it is there");
                        let fresh = scratch.fresh().expect("a folder");
                        std::thread::yield_now();
                        assert!(fresh.is_dir(), "nobody swept it");
                    }
                });
            }
        });
        assert_eq!(files(&home), Vec::<String>::new());
    }
}
