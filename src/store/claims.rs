//! One process at a time makes what a key names. The lock is the operating system's: it is free when its owner dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Key, Store, StoreError};

/// How long to sleep between two tries, at first and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(100)];

/// The right to make what a key names; given back when dropped. Whoever had to wait should look for the
/// other's record before going to work.
#[derive(Debug)]
pub struct Claim {
    _held: Held,
}

impl Claim {
    /// Takes the claim on `key`, waiting for whoever has it. `wait` is called only if there is something to wait for: at once
    /// with a duration of zero, then before each further try with the time waited so far. None if it breaks off.
    pub fn take(
        store: &Store,
        key: &Key,
        mut wait: impl FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<Option<Self>, StoreError> {
        store.prepare()?;
        let path = store.folder("claims").join(key.hex());
        let [mut pause, longest] = PAUSE;
        let mut since = None;
        loop {
            if let Some(held) = Held::attempt(&path)? {
                return Ok(Some(Self { _held: held }));
            }
            let waited = since.map_or(Duration::ZERO, |since: Instant| since.elapsed());
            since.get_or_insert_with(Instant::now);
            if wait(waited).is_break() {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }
}

/// A file that is locked as long as this lives, and removed after.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    _file: File,
}

impl Held {
    /// Locks the file at `path`, made with its folder if it isn't there; none if somebody else has it.
    pub(super) fn attempt(path: &Path) -> Result<Option<Self>, StoreError> {
        loop {
            let file = open(path).map_err(StoreError::io("write", path))?;
            match file.try_lock() {
                // Its last owner may have removed the file between our opening and our locking it.
                Ok(()) if !is_at(&file, path) => {}
                Ok(()) => {
                    return Ok(Some(Self { path: path.to_owned(), _file: file }));
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path)(error)),
            }
        }
    }

    /// Whether somebody holds the file at `path` now.
    pub(super) fn is_held(path: &Path) -> bool {
        // Shared, so that two who look don't take each other for the owner.
        let locked = File::open(path).map(|file| file.try_lock_shared());
        matches!(locked, Ok(Err(TryLockError::WouldBlock)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // While it is still locked, so that nobody's new file is removed. Without file identities it can't be
        // told whether that happened, so there the file stays.
        if cfg!(unix) {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            options.open(path)
        }
        other => other,
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.dev() == there.dev() && ours.ino() == there.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Digest;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn go_on(_: Duration) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn only_one_at_a_time_and_every_one_in_the_end() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let key = Key(Digest::of(b"key"));
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let claim = Claim::take(&store, &key, go_on).expect("taken");
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                        drop(claim);
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 160);
        let left = fs::read_dir(dir.path().join(".gristmill/claims"));
        assert_eq!(left.expect("list").count(), 0);
    }

    #[test]
    fn waiting_is_told_and_can_be_given_up() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let [key, other] = [b"1", b"2"].map(|bytes| Key(Digest::of(bytes)));
        let claim = Claim::take(&store, &key, |_| panic!("nobody has it")).expect("taken");
        let beside = Claim::take(&store, &other, |_| panic!("nobody has it"));
        assert!(beside.expect("taken").is_some());
        let mut told = Vec::new();
        let given_up = Claim::take(&store, &key, |waited| {
            told.push(waited);
            if told.len() < 3 { go_on(waited) } else { ControlFlow::Break(()) }
        });
        assert!(given_up.expect("no error").is_none());
        assert!(told[0].is_zero() && !told[1].is_zero() && told[1] < told[2]);
        drop(claim);
        assert!(Claim::take(&store, &key, go_on).expect("free").is_some());
    }

    #[test]
    fn a_file_left_by_a_dead_owner_is_free() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("claim");
        fs::write(&path, b"").expect("left over");
        assert!(!Held::is_held(&path));
        let held = Held::attempt(&path).expect("no error").expect("free");
        assert!(Held::is_held(&path));
        drop(held);
        assert!(!Held::is_held(&path) && !path.exists());
    }
}
