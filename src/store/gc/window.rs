//! The locks of the collector: one works at a time, and readers know when something may be away for a moment.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::store::claims::Held;
use crate::store::{Store, StoreError, scratch};

/// How long to sleep between two tries.
const PAUSE: Duration = Duration::from_millis(2);
/// How long a reader waits for a collector that doesn't go on, stopped in a debugger for instance.
const PATIENCE: Duration = Duration::from_secs(60);

/// The right to collect; waits for whoever has it.
pub(super) fn only_one(store: &Store) -> Result<Held, StoreError> {
    take(store.folder("claims").join("gc"))
}

/// Tells readers that something may be away, until dropped.
pub(super) fn open(store: &Store) -> Result<Held, StoreError> {
    take(path(store))
}

fn take(path: PathBuf) -> Result<Held, StoreError> {
    loop {
        if let Some(held) = Held::attempt(&path)? {
            return Ok(held);
        }
        std::thread::sleep(PAUSE);
    }
}

fn path(store: &Store) -> PathBuf {
    store.folder("claims").join("gc-window")
}

impl Store {
    /// Whether what was missed may have been away only for a moment. By then it is back, if it is needed.
    pub(in crate::store) fn collecting(&self) -> bool {
        let path = path(self);
        if !path.exists() {
            return false;
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match Held::attempt(&path) {
                // Its owner is done, or died while something was away.
                Ok(Some(_held)) => {
                    scratch::sweep(self.home());
                    return true;
                }
                Ok(None) => std::thread::sleep(PAUSE),
                Err(_) => return false,
            }
        }
        false
    }
}
