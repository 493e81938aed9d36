//! What the file system says of a file: enough to see that it was written to, without reading it.

use std::fs::{self, Metadata};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// How much younger than now a file's last change must not be for its times to tell of the next one, in nanoseconds.
/// Two writes within one tick of the file system's clock leave the same times; the coarsest ticks are 2 s (FAT).
const TICK: i128 = 2_000_000_000;

/// Size, times in nanoseconds since 1970, and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stat {
    size: u64,
    mtime: i64,
    /// Set by the system at every write and rename; programs can't set it back. 0 where there is none.
    ctime: i64,
    /// 0 where there is none.
    inode: u64,
}

impl Stat {
    /// Of a file, or of what a link leads to.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let about = fs::metadata(path).map_err(StoreError::io("read", path))?;
        Ok(Self::from(&about))
    }

    /// Whether a write from `now` on is sure to change it: then a digest of bytes read from `now` on holds as long as it stays.
    pub(super) fn is_settled(&self, now: Timestamp) -> bool {
        let changed = if self.ctime == 0 { self.mtime } else { self.ctime };
        now.as_nanosecond() - i128::from(changed) >= TICK
    }

    #[cfg(unix)]
    fn from(about: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: about.size(),
            mtime: nanoseconds(about.mtime(), about.mtime_nsec()),
            ctime: nanoseconds(about.ctime(), about.ctime_nsec()),
            inode: about.ino(),
        }
    }

    #[cfg(not(unix))]
    fn from(about: &Metadata) -> Self {
        let since = about.modified().ok();
        let since = since.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            size: about.len(),
            // A file without a time is never settled, and so always read.
            mtime: since.map_or(i64::MAX, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
            ctime: 0,
            inode: 0,
        }
    }
}
