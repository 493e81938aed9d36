//! What files are, and whether they are still what they were.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Change, Changes, Watched};
use crate::store::Digest;

/// How long a file must have been left alone for its times to tell of the next write, whatever the file system's clock.
const TICK: Duration = Duration::from_secs(2);
/// What is read before a run, so that a second write within one tick of the clock is seen after it.
const AHEAD: u64 = 4 << 20;
/// What is read in idle times, so that a touched file is known to be the same. A larger one that is touched starts a run,
/// which finds all made already.
const IDLE: u64 = 256 << 20;
/// How many files are read before one run at most.
const MOST_AHEAD: usize = 1000;

/// What files were at one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    marks: BTreeMap<PathBuf, Mark>,
    /// The last of them that was read in idle times: those before it needn't be asked again.
    read: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Mark {
    stat: Stat,
    /// Whether the next write is sure to change `stat`.
    settled: bool,
    /// Of the content; none if it wasn't read.
    digest: Option<Digest>,
    rules: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    size: u64,
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of anything about the file; programs can't set it back.
    changed: (i64, i64),
    inode: u64,
}

impl Stat {
    #[cfg(unix)]
    fn of(about: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            size: about.len(),
            modified: about.modified().ok(),
            changed: (about.ctime(), about.ctime_nsec()),
            inode: about.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(about: &Metadata) -> Self {
        Self { size: about.len(), modified: about.modified().ok(), changed: (0, 0), inode: 0 }
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let seconds = u64::try_from(self.changed.0).unwrap_or_default();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let last = self.modified.unwrap_or(now).max(changed);
        now.duration_since(last).is_ok_and(|age| age >= TICK)
    }
}

impl Look {
    /// What the files are now. Nothing is read.
    pub(super) fn at(watched: &Watched) -> Self {
        let now = SystemTime::now();
        let mark = |(path, rules): (PathBuf, bool)| {
            let stat = Stat::of(&std::fs::metadata(&path).ok()?);
            Some((path, Mark { stat, settled: stat.is_settled(now), digest: None, rules }))
        };
        Self { marks: watched.files().into_iter().filter_map(mark).collect(), read: None }
    }

    /// How many files.
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }

    /// With the files of `watched`: what was looked at stays, what wasn't is looked at now.
    pub(super) fn extended(mut self, watched: &Watched) -> Self {
        let mut all = Self::at(watched);
        for (path, mark) in &mut all.marks {
            if let Some(mut known) = self.marks.remove(path) {
                known.rules = mark.rules;
                *mark = known;
            }
        }
        all
    }

    /// Whether both saw the same, as far as it can be told without reading.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same = |((path, mark), (other, its)): ((&PathBuf, &Mark), (&PathBuf, &Mark))| {
            path == other && mark.stat == its.stat
        };
        self.marks.len() == other.marks.len() && self.marks.iter().zip(&other.marks).all(same)
    }

    /// What is another file in `now` than it was in this look. Files are read where their times leave it open.
    pub(super) fn changes(&self, now: &mut Self, watched: &Watched) -> Changes {
        let mut found = Changes::default();
        let mut tell = |path: &Path, change, rules: bool| {
            found.files.push((watched.shown(path), change));
            found.rules |= rules;
            found.data |= !rules;
        };
        for (path, mark) in &mut now.marks {
            match self.marks.get(path) {
                None => tell(path, Change::New, mark.rules),
                Some(before) if before.differs(mark, path) => tell(path, Change::Changed, mark.rules),
                Some(_) => {}
            }
        }
        for (path, mark) in &self.marks {
            if !now.marks.contains_key(path) {
                tell(path, Change::Gone, mark.rules);
            }
        }
        found.files.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Reads what may be written to once more without leaving another time.
    pub(super) fn read_ahead(&mut self) {
        let open = |mark: &&mut Mark| !mark.settled && mark.digest.is_none() && mark.stat.size <= AHEAD;
        let files = self.marks.iter_mut().filter(|(_, mark)| open(mark));
        for (path, mark) in files.take(MOST_AHEAD) {
            mark.digest = Digest::of_file(path).ok();
        }
    }

    /// Reads one file that is still what it was, so that touching it is known from changing it. Whether there was one.
    pub(super) fn read_one(&mut self) -> bool {
        let open = |mark: &Mark| mark.digest.is_none() && mark.stat.size <= IDLE;
        let from = self.read.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = self.marks.range_mut::<PathBuf, _>((from, Bound::Unbounded));
        let Some((path, mark)) = left.find(|(_, mark)| open(mark)) else { return false };
        let now = |path: &Path| std::fs::metadata(path).ok().map(|about| Stat::of(&about));
        if now(path) == Some(mark.stat) {
            mark.digest = Digest::of_file(path).ok().filter(|_| now(path) == Some(mark.stat));
        }
        self.read = Some(path.clone());
        true
    }
}

impl Mark {
    /// Whether `now` is another content. What is learned about `now` is kept in it.
    fn differs(&self, now: &mut Self, path: &Path) -> bool {
        if self.stat.size != now.stat.size {
            return true;
        }
        if self.stat == now.stat && self.settled {
            now.digest = self.digest;
            return false;
        }
        let Some(before) = self.digest else {
            return self.stat != now.stat;
        };
        now.digest = Digest::of_file(path).ok();
        now.digest != Some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Case {
        _dir: tempfile::TempDir,
        root: PathBuf,
        watched: Watched,
        base: Look,
    }

    impl Case {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("folder");
            let root = dir.path().canonicalize().expect("a path");
            fs::write(root.join("a.csv"), "one").expect("written");
            fs::write(root.join("p.yaml"), "name: p").expect("written");
            let watched = Watched::new(&root).data(["*.csv"]).rules(["p.yaml"]);
            let mut base = Look::at(&watched);
            base.read_ahead();
            Self { _dir: dir, root, watched, base }
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.root.join(name), text).expect("written");
        }

        /// What has changed since the last look.
        fn look(&mut self) -> String {
            let mut now = Look::at(&self.watched);
            let changes = self.base.changes(&mut now, &self.watched);
            now.read_ahead();
            self.base = now;
            changes.to_string()
        }
    }

    #[test]
    fn new_changed_and_gone_files_are_told_once() {
        let mut case = Case::new();
        assert_eq!(case.look(), "");
        case.write("a.csv", "two!");
        case.write("b.csv", "x");
        assert_eq!(case.look(), "a.csv changed, b.csv new");
        assert_eq!(case.look(), "");
        fs::remove_file(case.root.join("a.csv")).expect("gone");
        assert_eq!(case.look(), "a.csv gone");
        assert_eq!(case.look(), "");
    }

    #[test]
    fn a_touched_file_is_the_same_and_one_of_equal_size_is_not() {
        let mut case = Case::new();
        case.write("a.csv", "one");
        assert_eq!(case.look(), "", "the same bytes in another file");
        fs::rename(case.root.join("a.csv"), case.root.join("t")).expect("renamed");
        fs::copy(case.root.join("t"), case.root.join("a.csv")).expect("copied");
        assert_eq!(case.look(), "", "another file with the same bytes");
        // Within one tick of the clock, most likely.
        case.write("a.csv", "uno");
        assert_eq!(case.look(), "a.csv changed");
    }

    #[test]
    fn rules_are_told_from_data() {
        let case = Case::new();
        case.write("p.yaml", "name: q");
        let mut now = Look::at(&case.watched);
        let changes = case.base.changes(&mut now, &case.watched);
        assert!(changes.rules && !changes.data, "{changes:?}");
    }

    #[test]
    fn idle_reading_ends_and_knows_a_settled_file_that_is_touched() {
        let mut case = Case::new();
        let old = SystemTime::now() - Duration::from_secs(60);
        fs::File::options()
            .write(true)
            .open(case.root.join("a.csv"))
            .and_then(|file| file.set_modified(old))
            .expect("set");
        case.base = Look::at(&case.watched);
        let mut read = 0;
        while case.base.read_one() {
            read += 1;
        }
        assert_eq!(read, 2);
        case.write("a.csv", "one");
        assert_eq!(case.look(), "");
    }
}
