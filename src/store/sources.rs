//! Digests of source files, remembered with size, times and inode: an unchanged gigabyte is not read twice.
//!
//! An entry is trusted only if the file had been left alone for 2 s when its reading began (git calls younger
//! ones racy): then any later write leaves another time. What is younger is read each time, and soon isn't young any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::write_quick;
use super::records::read;
use super::stat::Stat;
use super::{Clock, Digest, STATE, StoreError, checked, home};

/// Raised when the file changes its form; another form is read as none.
const FORMAT: u32 = 1;
/// How often a file is read that changes meanwhile.
const TRIES: usize = 3;

#[derive(Default, Serialize, Deserialize)]
struct Cache {
    format: u32,
    files: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Entry {
    stat: Stat,
    digest: Digest,
}

/// The digests of a project's source files: `.gristmill/sources.json`.
pub struct Sources {
    root: PathBuf,
    files: BTreeMap<String, Entry>,
    clock: Clock,
    changed: bool,
}

impl Sources {
    /// What is remembered for the project at `root`; nothing, if the file isn't there or is damaged.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let bytes = read(&path_of(root))?.unwrap_or_default();
        let cache: Cache = checked::unwrap(&bytes).unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            files: if cache.format == FORMAT { cache.files } else { BTreeMap::new() },
            clock: Clock::default(),
            changed: false,
        })
    }

    /// With another clock, which must agree with the file system's.
    #[must_use]
    pub fn clocked(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The digest of a file's bytes; `path` is absolute or relative to the root. Reads the file only if it may have changed.
    /// `Missing` if it isn't there; `Io` if it is written to all the time.
    pub fn digest(&mut self, path: &Path) -> Result<Digest, StoreError> {
        let full = self.root.join(path);
        let name = self.name(&full);
        for _ in 0..TRIES {
            let now = self.clock.now();
            let stat = Stat::of(&full)?;
            if let Some(entry) = name.as_ref().and_then(|name| self.files.get(name))
                && entry.stat == stat
            {
                return Ok(entry.digest);
            }
            let digest = Digest::of_file(&full)?;
            if Stat::of(&full)? == stat {
                self.remember(name, stat, digest, stat.is_settled(now));
                return Ok(digest);
            }
        }
        let error = std::io::Error::other("it is being written to");
        Err(StoreError::io("read", path)(error))
    }

    /// Writes what is new, and forgets files that are gone. Nothing is written if nothing is new.
    pub fn save(&mut self) -> Result<(), StoreError> {
        if !self.changed {
            return Ok(());
        }
        home::prepare(&self.root)?;
        let root = &self.root;
        self.files.retain(|name, _| root.join(name).exists());
        let cache = Cache { format: FORMAT, files: std::mem::take(&mut self.files) };
        let written = write_quick(root, &path_of(root), &checked::wrap(&cache));
        self.files = cache.files;
        written?;
        self.changed = false;
        Ok(())
    }

    /// Only what is settled is remembered, so that every entry there is can be trusted.
    fn remember(&mut self, name: Option<String>, stat: Stat, digest: Digest, settled: bool) {
        let Some(name) = name else { return };
        if settled {
            self.files.insert(name, Entry { stat, digest });
            self.changed = true;
        } else {
            self.changed |= self.files.remove(&name).is_some();
        }
    }

    /// By which a file is remembered: its path from the root with `/`, or the whole path if it is elsewhere. None if it isn't Unicode.
    fn name(&self, full: &Path) -> Option<String> {
        let name = full.strip_prefix(&self.root).unwrap_or(full).to_str()?;
        Some(name.replace(std::path::MAIN_SEPARATOR, "/"))
    }
}

fn path_of(root: &Path) -> PathBuf {
    root.join(STATE).join("sources.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};
    use std::fs;

    /// A clock that far from now.
    fn after(seconds: i64) -> Clock {
        Clock::new(move || Timestamp::now() + SignedDuration::from_secs(seconds))
    }

    fn open(root: &Path, seconds: i64) -> Sources {
        Sources::open(root).expect("opened").clocked(after(seconds))
    }

    /// Makes every remembered digest a wrong one, to see which are taken from memory.
    fn falsify(sources: &mut Sources) {
        for entry in sources.files.values_mut() {
            entry.digest = Digest::of(b"from memory");
        }
        sources.changed = true;
    }

    #[test]
    fn a_settled_file_is_read_once_and_again_when_it_changed() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("data/a.csv");
        fs::create_dir(dir.path().join("data")).expect("folder");
        fs::write(&file, "a").expect("written");
        let mut sources = open(dir.path(), 10);
        assert_eq!(sources.digest(Path::new("data/a.csv")).expect("read"), Digest::of(b"a"));
        falsify(&mut sources);
        sources.save().expect("saved");

        let mut sources = open(dir.path(), 10);
        assert_eq!(sources.files.keys().collect::<Vec<_>>(), ["data/a.csv"]);
        let remembered = Digest::of(b"from memory");
        assert_eq!(sources.digest(Path::new("data/a.csv")).expect("not read"), remembered);
        assert_eq!(sources.digest(&file).expect("not read"), remembered);
        fs::write(&file, "bb").expect("written");
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"bb"));
    }

    #[test]
    fn a_file_written_a_moment_ago_is_not_trusted() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("a.csv");
        fs::write(&file, "1").expect("written");
        let mut sources = open(dir.path(), 0);
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"1"));
        // Same size and maybe the same tick: only reading tells.
        fs::write(&file, "2").expect("written");
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"2"));
        sources.save().expect("nothing to save");
        assert!(!path_of(dir.path()).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_time_was_set_back_is_read_again() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.csv");
        fs::write(&path, "1").expect("written");
        let before = fs::metadata(&path).and_then(|about| about.modified()).expect("time");
        let mut sources = open(dir.path(), 10);
        sources.digest(&path).expect("read");
        std::thread::sleep(std::time::Duration::from_millis(30));
        fs::write(&path, "2").expect("written");
        let file = fs::File::options().write(true).open(&path).expect("opened");
        file.set_modified(before).expect("set");
        assert_eq!(sources.digest(&path).expect("read"), Digest::of(b"2"));
    }

    #[test]
    fn a_damaged_memory_is_none_and_missing_files_leave_it() {
        let dir = tempfile::tempdir().expect("folder");
        for name in ["a", "b"] {
            fs::write(dir.path().join(name), name).expect("written");
        }
        let mut sources = open(dir.path(), 10);
        for name in ["a", "b"] {
            sources.digest(Path::new(name)).expect("read");
        }
        fs::remove_file(dir.path().join("a")).expect("gone");
        sources.save().expect("saved");
        assert_eq!(open(dir.path(), 10).files.len(), 1);
        assert!(matches!(sources.digest(Path::new("a")), Err(StoreError::Missing { .. })));
        let path = path_of(dir.path());
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("torn");
        assert_eq!(open(dir.path(), 10).files.len(), 0);
    }
}
