//! What the file system says of a file: enough to see that it was written to, without reading it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;

/// How much younger than now a file's last change must not be for its times to tell of the next one, in nanoseconds.
/// Two writes within one tick of the file system's clock leave the same times; the coarsest ticks are 2 s (FAT).
const TICK: i128 = 2_000_000_000;
/// The same where times are told finer than in milliseconds: there they come from the kernel's own clock, which ticks
/// at least every 10 ms.
const FINE_TICK: i128 = 100_000_000;

/// Size, times in nanoseconds since 1970, and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        self.age(now) >= self.tick()
    }

    /// How long until it is settled, if that is soon: where times are coarse, or in the future because the clock was set
    /// back, it isn't.
    pub(super) fn settles_in(&self, now: Timestamp) -> Option<Duration> {
        let rest = self.tick() - self.age(now);
        let soon = (1..=FINE_TICK).contains(&rest);
        soon.then(|| Duration::from_nanos(u64::try_from(rest).unwrap_or_default()))
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// All that is known, as numbers.
    pub(super) fn numbers(&self) -> [i64; 4] {
        [self.size.cast_signed(), self.mtime, self.ctime, self.inode.cast_signed()]
    }

    /// From [`Self::numbers`].
    pub(super) fn of_numbers([size, mtime, ctime, inode]: [i64; 4]) -> Self {
        Self { size: size.cast_unsigned(), mtime, ctime, inode: inode.cast_unsigned() }
    }

    fn age(&self, now: Timestamp) -> i128 {
        let changed = if self.ctime == 0 { self.mtime } else { self.ctime };
        now.as_nanosecond() - i128::from(changed)
    }

    fn tick(&self) -> i128 {
        if self.ctime % 1_000_000 == 0 { TICK } else { FINE_TICK }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(ctime: i64) -> Stat {
        Stat { size: 1, mtime: 0, ctime, inode: 1 }
    }

    fn at(nanoseconds: i64) -> Timestamp {
        Timestamp::from_nanosecond(nanoseconds.into()).expect("in range")
    }

    #[test]
    fn fine_times_settle_soon_and_coarse_ones_later() {
        const SECOND: i64 = 1_000_000_000;
        let (fine, coarse) = (changed(SECOND + 7), changed(SECOND));
        for (stat, after, settled) in [
            (fine, 100_000_000, true),
            (fine, 99_000_000, false),
            (coarse, 1_900_000_000, false),
            (coarse, 2_000_000_000, true),
            (fine, -SECOND, false),
            (coarse, -SECOND, false),
        ] {
            let now = at(stat.ctime + after);
            assert_eq!(stat.is_settled(now), settled, "{after}");
        }
        assert_eq!(fine.settles_in(at(fine.ctime + 40_000_000)), Some(Duration::from_millis(60)));
        assert_eq!(coarse.settles_in(at(coarse.ctime)), None);
        assert_eq!(fine.settles_in(at(fine.ctime - SECOND)), None, "the clock was set back");
        assert_eq!(fine.settles_in(at(fine.ctime + SECOND)), None, "it is settled");
    }
}
