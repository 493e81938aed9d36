//! Digests of source files, remembered with size, times and inode: an unchanged gigabyte is not read twice.
//!
//! An entry is trusted only if the file had been left alone for a while when its reading began (git calls younger
//! ones racy): then any later write leaves another time. What is younger is read each time, and soon isn't young any more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use rayon::prelude::*;

use super::atomic::write_quick;
use super::records::read;
use super::stat::Stat;
use super::{Clock, Digest, STATE, StoreError, home, remembered};

/// How often a file is read that changes meanwhile.
const TRIES: usize = 3;
/// From which size on it pays to wait until a file is old enough to be remembered, and not to read it again next time.
const LARGE: u64 = 32 << 20;

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) stat: Stat,
    pub(super) digest: Digest,
}

/// What is remembered, and which of it was looked at.
#[derive(Default)]
struct Files {
    entries: HashMap<String, Entry>,
    /// Names that were found on the disk by this process.
    found: HashMap<String, ()>,
}

/// A file as it was when its digest was taken, or found to hold still.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Of its bytes.
    pub digest: Digest,
    stat: Stat,
    /// Whether any write since shows in what the file system says.
    settled: bool,
}

/// The digests of a project's source files: `.gristmill/sources.bin`. Threads may use it at once.
pub struct Sources {
    root: PathBuf,
    files: RwLock<Files>,
    clock: Clock,
    changed: AtomicBool,
}

impl Sources {
    /// What is remembered for the project at `root`; nothing, if the file isn't there or is damaged.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let bytes = read(&path_of(root))?.unwrap_or_default();
        let entries = remembered::decode(&bytes).unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            files: RwLock::new(Files { entries, found: HashMap::new() }),
            clock: Clock::default(),
            changed: AtomicBool::new(false),
        })
    }

    /// With another clock, which must agree with the file system's.
    #[must_use]
    pub fn clocked(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The digest of a file's bytes; `path` is absolute or relative to the root. Reads the file only if it may have changed.
    /// `Missing` if it isn't there; `Changing` if it is written to all the time.
    pub fn digest(&self, path: &Path) -> Result<Digest, StoreError> {
        let path = path
            .to_str()
            .ok_or_else(|| StoreError::io("read", path)(std::io::Error::other("its name isn't Unicode")))?;
        Ok(self.look(&[path.to_owned()])?[0].digest)
    }

    /// The same for many files, all at once.
    pub fn look(&self, paths: &[String]) -> Result<Vec<Seen>, StoreError> {
        let names: Vec<String> = paths.iter().map(|path| self.name(path)).collect();
        let known: Vec<Option<Seen>> = {
            let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
            // Work for a thread is a few hundred files: the system calls are short.
            let known = paths.par_iter().zip(&names).with_min_len(256);
            known.map(|(path, name)| self.known(&files, path, name)).collect::<Result<_, _>>()?
        };
        let unknown: Vec<usize> = (0..paths.len()).filter(|nth| known[*nth].is_none()).collect();
        let fresh: Vec<Seen> = unknown.par_iter().map(|nth| self.fresh(&paths[*nth])).collect::<Result<_, _>>()?;
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let mut seen = known;
        for (nth, fresh) in unknown.into_iter().zip(fresh) {
            self.remember(&mut files, &names[nth], &fresh);
            seen[nth] = Some(fresh);
        }
        files.found.extend(names.into_iter().map(|name| (name, ())));
        Ok(seen.into_iter().map(|seen| seen.expect("what wasn't known was read")).collect())
    }

    /// Whether `bytes`, read since, are those that were seen.
    pub fn are(&self, path: &str, seen: &Seen, bytes: &[u8]) -> Result<bool, StoreError> {
        let same = seen.settled && Stat::of(&self.root.join(path))? == seen.stat;
        Ok(same || Digest::of(bytes) == seen.digest)
    }

    /// Writes what is new, and forgets files that are gone. Nothing is written if nothing is new.
    pub fn save(&self) -> Result<(), StoreError> {
        if !self.changed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let Files { entries, found } = &mut *files;
        let unseen: Vec<&String> = entries.keys().filter(|name| !found.contains_key(*name)).collect();
        let gone: Vec<String> = unseen.into_par_iter().filter(|name| !self.root.join(name).exists()).cloned().collect();
        for name in gone {
            entries.remove(&name);
        }
        let bytes = remembered::encode(entries);
        let written = home::prepare(&self.root).and_then(|_| write_quick(&self.root, &path_of(&self.root), &bytes));
        match written {
            // Whoever only looks doesn't need it.
            Err(StoreError::ReadOnly { .. } | StoreError::Permission { .. }) => {}
            other => other?,
        }
        self.changed.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// What is remembered of a file, if it still holds.
    fn known(&self, files: &Files, path: &str, name: &str) -> Result<Option<Seen>, StoreError> {
        let Some(entry) = files.entries.get(name) else { return Ok(None) };
        let stat = self.stat(path)?;
        Ok((entry.stat == stat).then_some(Seen { digest: entry.digest, stat, settled: true }))
    }

    /// The digest of a file's bytes as they are.
    fn fresh(&self, path: &str) -> Result<Seen, StoreError> {
        let full = self.root.join(path);
        for _ in 0..TRIES {
            let mut now = self.clock.now();
            let stat = self.stat(path)?;
            if stat.size() >= LARGE
                && let Some(rest) = stat.settles_in(now)
            {
                std::thread::sleep(rest);
                now = self.clock.now();
            }
            let digest = Digest::of_file(&full)?;
            if self.stat(path)? == stat {
                return Ok(Seen { digest, stat, settled: stat.is_settled(now) });
            }
        }
        Err(StoreError::Changing { path: path.into() })
    }

    fn stat(&self, path: &str) -> Result<Stat, StoreError> {
        Stat::of(&self.root.join(path))
    }

    /// Only what is settled is remembered, so that every entry there is can be trusted.
    fn remember(&self, files: &mut Files, name: &str, seen: &Seen) {
        if seen.settled {
            files.entries.insert(name.to_owned(), Entry { stat: seen.stat, digest: seen.digest });
            self.changed.store(true, Ordering::Relaxed);
        } else if files.entries.remove(name).is_some() {
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    /// By which a file is remembered: its path from the root with `/`, or the whole path if it is elsewhere.
    fn name(&self, path: &str) -> String {
        let full = Path::new(path);
        let name = full.strip_prefix(&self.root).ok().and_then(Path::to_str).unwrap_or(path);
        name.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

fn path_of(root: &Path) -> PathBuf {
    root.join(STATE).join("sources.bin")
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

    fn names(sources: &Sources) -> Vec<String> {
        let files = sources.files.read().expect("no panic");
        let mut names: Vec<String> = files.entries.keys().cloned().collect();
        names.sort();
        names
    }

    /// Makes every remembered digest a wrong one, to see which are taken from memory.
    fn falsify(sources: &Sources) {
        for entry in sources.files.write().expect("no panic").entries.values_mut() {
            entry.digest = Digest::of(b"from memory");
        }
        sources.changed.store(true, Ordering::Relaxed);
    }

    #[test]
    fn a_settled_file_is_read_once_and_again_when_it_changed() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("data/a.csv");
        fs::create_dir(dir.path().join("data")).expect("folder");
        fs::write(&file, "a").expect("written");
        let sources = open(dir.path(), 10);
        assert_eq!(sources.digest(Path::new("data/a.csv")).expect("read"), Digest::of(b"a"));
        falsify(&sources);
        sources.save().expect("saved");

        let sources = open(dir.path(), 10);
        assert_eq!(names(&sources), ["data/a.csv"]);
        let remembered = Digest::of(b"from memory");
        assert_eq!(sources.digest(Path::new("data/a.csv")).expect("not read"), remembered);
        assert_eq!(sources.digest(&file).expect("not read"), remembered);
        fs::write(&file, "bb").expect("written");
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"bb"));
    }

    #[test]
    fn many_files_are_read_at_once_and_only_the_changed_one_again() {
        let dir = tempfile::tempdir().expect("folder");
        let paths: Vec<String> = (0..1000).map(|nth| format!("f{nth}")).collect();
        paths.iter().for_each(|path| fs::write(dir.path().join(path), path).expect("written"));
        let sources = open(dir.path(), 10);
        let seen = sources.look(&paths).expect("read");
        assert!(seen.iter().zip(&paths).all(|(seen, path)| seen.digest == Digest::of(path.as_bytes())));
        falsify(&sources);
        sources.save().expect("saved");
        let sources = open(dir.path(), 10);
        fs::write(dir.path().join("f7"), "changed").expect("written");
        let read = |seen: &Seen| seen.digest != Digest::of(b"from memory");
        let seen = sources.look(&paths).expect("read");
        assert_eq!(seen.iter().filter(|seen| read(seen)).count(), 1);
        assert_eq!(seen[7].digest, Digest::of(b"changed"));
    }

    #[test]
    fn a_file_written_a_moment_ago_is_not_trusted() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("a.csv");
        fs::write(&file, "1").expect("written");
        let sources = open(dir.path(), 0);
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"1"));
        // Same size and maybe the same tick: only reading tells.
        fs::write(&file, "2").expect("written");
        assert_eq!(sources.digest(&file).expect("read"), Digest::of(b"2"));
        sources.save().expect("nothing to save");
        assert!(!path_of(dir.path()).exists());
    }

    #[test]
    fn after_the_clock_was_set_back_files_are_read_each_time() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("a.csv");
        fs::write(&file, "1").expect("written");
        let sources = open(dir.path(), -3600);
        for text in ["1", "2"] {
            fs::write(&file, text).expect("written");
            assert_eq!(sources.digest(&file).expect("read"), Digest::of(text.as_bytes()));
        }
        assert!(names(&sources).is_empty());
    }

    #[test]
    fn bytes_read_later_are_known_to_be_the_same_or_not() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("a"), "1").expect("written");
        for after in [0, 10] {
            let sources = open(dir.path(), after);
            fs::write(dir.path().join("a"), "1").expect("written");
            let seen = sources.look(&["a".to_owned()]).expect("read")[0];
            assert!(sources.are("a", &seen, b"1").expect("looked"));
            std::thread::sleep(std::time::Duration::from_millis(30));
            fs::write(dir.path().join("a"), "2").expect("written");
            assert!(!sources.are("a", &seen, b"2").expect("looked"), "a clock {after} s ahead");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_time_was_set_back_is_read_again() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.csv");
        fs::write(&path, "1").expect("written");
        let before = fs::metadata(&path).and_then(|about| about.modified()).expect("time");
        let sources = open(dir.path(), 10);
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
        let sources = open(dir.path(), 10);
        for name in ["a", "b"] {
            sources.digest(Path::new(name)).expect("read");
        }
        sources.save().expect("saved");
        fs::remove_file(dir.path().join("a")).expect("gone");
        fs::write(dir.path().join("b"), "changed").expect("written");
        let sources = open(dir.path(), 10);
        sources.digest(Path::new("b")).expect("read");
        sources.save().expect("saved");
        assert_eq!(names(&open(dir.path(), 10)), ["b"]);
        assert!(matches!(sources.digest(Path::new("a")), Err(StoreError::Missing { .. })));
        let path = path_of(dir.path());
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("torn");
        assert!(names(&open(dir.path(), 10)).is_empty());
    }
}
