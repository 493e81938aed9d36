//! Bytes named by their digest: `.gristmill/objects/ab/cdef…`. An object is there as a whole or not at all.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::atomic::{Unfinished, sync_folder};
use super::home::{self, by_hex, two_levels};
use super::records::read;
use super::scratch::Scratch;
use super::{Digest, Hasher, STATE, StoreError};

/// Writers of tables write in small pieces.
const BUFFER: usize = 1 << 18;

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its bytes match its name.
    Whole,
    /// They don't.
    Damaged,
    /// It isn't there.
    Missing,
}

/// The objects and records of one project. Cheap to clone; threads and processes may use it at once.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    home: PathBuf,
    scratch: Arc<OnceLock<Arc<Scratch>>>,
}

impl Store {
    /// The store of the project at `root`, which must be a folder. Nothing is made on disk until something is kept.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let about = fs::metadata(root).map_err(StoreError::io("read", root))?;
        if !about.is_dir() {
            return Err(StoreError::io("read", root)(ErrorKind::NotADirectory.into()));
        }
        Ok(Self { root: root.to_owned(), home: root.join(STATE), scratch: Arc::default() })
    }

    /// A store with an own folder for itself, as another process has it.
    #[cfg(test)]
    pub(super) fn alone(root: &Path) -> Result<Self, StoreError> {
        let store = Self::open(root)?;
        let scratch = Arc::new(Scratch::take(&store.home)?);
        store.scratch.set(scratch).expect("a new store has none");
        Ok(store)
    }

    /// A store for the same project that keeps its results in another folder, and so finds none.
    #[must_use]
    pub fn apart(&self, folder: &Path) -> Self {
        Self { home: folder.to_owned(), ..self.clone() }
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder in `.gristmill/`, whether it is there or not.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// `.gristmill/` itself.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// A new folder for what a step works with; gone when this store is dropped, or swept by the next process that
    /// writes if this one dies.
    pub fn scratch(&self) -> Result<PathBuf, StoreError> {
        self.prepare()?;
        self.mine()?.fresh()
    }

    /// Says that this process relies on a record (by its key) or an object: `gc` leaves it alone while this store lives.
    /// To be said before it is looked up.
    pub fn rely_on(&self, digest: &Digest) -> Result<(), StoreError> {
        self.mine()?.rely_on(digest)
    }

    /// This process's own folder, held as long as this store lives.
    pub(super) fn mine(&self) -> Result<&Scratch, StoreError> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        self.prepare()?;
        let fresh = Scratch::of(&self.root)?;
        Ok(self.scratch.get_or_init(|| fresh))
    }

    /// Makes `.gristmill/` with its `.gitignore`, if it isn't there.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        home::prepare(&self.root).map(drop)
    }

    /// Where the object is, if it is there.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        by_hex(&self.folder("objects"), &digest.hex(), false)
    }

    /// Waits until an object's name is on the disk too: for what can't be made again by everybody who holds its digest.
    pub fn settle(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.path(digest);
        let objects = self.folder("objects");
        sync_folder(path.parent().unwrap_or(&objects))?;
        sync_folder(&objects)
    }

    /// Whether the object is there, its bytes unread.
    pub fn has(&self, digest: &Digest) -> bool {
        let there = || self.path(digest).is_file();
        there() || (self.collecting() && there())
    }

    /// The object's size in bytes; none if it isn't there.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        let about = fs::metadata(self.path(digest)).ok()?;
        about.is_file().then_some(about.len())
    }

    /// Keeps bytes; free if they are kept already.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        self.rely_on(&digest)?;
        if self.size(&digest) == Some(bytes.len() as u64) {
            return Ok(digest);
        }
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(|error| writer.error(error))?;
        writer.finish()
    }

    /// For bytes that are made piece by piece. What isn't finished is never an object.
    pub fn writer(&self) -> Result<ObjectWriter, StoreError> {
        self.mine()?;
        let unfinished = Unfinished::new(Some(&self.root), &self.folder("objects").join("new"))?;
        Ok(ObjectWriter {
            temp: BufWriter::with_capacity(BUFFER, unfinished),
            hasher: Hasher::default(),
            count: 0,
            store: self.clone(),
        })
    }

    /// The object's bytes, checked. Bytes that don't match the name are set aside and count as a miss.
    pub fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(digest);
        let mut found = read(&path)?;
        if found.is_none() && self.collecting() {
            found = read(&path)?;
        }
        let Some(bytes) = found else { return Ok(None) };
        if Digest::of(&bytes) == *digest {
            return Ok(Some(bytes));
        }
        self.set_aside(digest);
        Ok(None)
    }

    /// Whether the object is there and its bytes match its name, read in pieces: before handing out its [`path`](Self::path).
    /// A damaged one is set aside.
    pub fn verify(&self, digest: &Digest) -> Result<bool, StoreError> {
        match self.state(digest)? {
            State::Missing if self.collecting() => Ok(self.state(digest)? == State::Whole),
            state => Ok(state == State::Whole),
        }
    }

    /// How an object stands, read in pieces. A damaged one is set aside.
    pub(super) fn state(&self, digest: &Digest) -> Result<State, StoreError> {
        match Digest::of_file(&self.path(digest)) {
            Ok(found) if found == *digest => Ok(State::Whole),
            Ok(_) => {
                self.set_aside(digest);
                Ok(State::Damaged)
            }
            Err(StoreError::Missing { .. }) => Ok(State::Missing),
            Err(error) => Err(error),
        }
    }

    /// Every object, sorted.
    pub fn objects(&self) -> Result<Vec<Digest>, StoreError> {
        let files = two_levels(&self.folder("objects"))?.into_iter();
        Ok(files.filter_map(|(outer, name)| Digest::from_hex(&(outer + &name))).collect())
    }

    /// Drops an object and says how many bytes that freed.
    pub fn remove(&self, digest: &Digest) -> Result<u64, StoreError> {
        let size = self.size(digest).unwrap_or(0);
        remove(&self.path(digest)).map(|()| size)
    }

    /// Moves a damaged object to `.gristmill/damaged/`, for whoever wants to know what happened to the disk.
    fn set_aside(&self, digest: &Digest) {
        let folder = self.folder("damaged");
        let aside = folder.join(digest.hex());
        let moved = fs::create_dir_all(&folder).and_then(|()| fs::rename(self.path(digest), &aside));
        // So that its age is counted from now on.
        let file = fs::File::options().append(true).open(&aside);
        drop(file.and_then(|file| file.set_modified(std::time::SystemTime::now())));
        // On a disk that can't be written it stays where it is; it is a miss all the same.
        drop(moved);
    }
}

/// Removes a file; one that isn't there is fine.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(StoreError::io("remove", path)),
    }
}

/// Takes in the bytes of a new object.
pub struct ObjectWriter {
    temp: BufWriter<Unfinished>,
    hasher: Hasher,
    count: u64,
    store: Store,
}

impl ObjectWriter {
    /// Gives the object its name. If it is there already, what was written is dropped.
    pub fn finish(mut self) -> Result<Digest, StoreError> {
        self.temp.flush().map_err(|error| self.error(error))?;
        let digest = self.hasher.finish();
        let path = self.store.path(&digest);
        self.store.rely_on(&digest)?;
        // One of another size is damaged, and is replaced.
        if self.store.size(&digest) == Some(self.count) {
            return Ok(digest);
        }
        let (temp, _) = self.temp.into_parts();
        // Its bytes are on the disk before its name is: a power cut may take the name, and never leaves half an object.
        temp.sync(&path)?;
        temp.persist(&path)?;
        Ok(digest)
    }

    /// How many bytes were written so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What an error of `write` means.
    pub fn error(&self, error: io::Error) -> StoreError {
        StoreError::io("write", &self.store.folder("objects"))(error)
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.temp.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        (dir, store)
    }

    #[test]
    fn looking_makes_nothing_on_disk() {
        let (dir, store) = store();
        let digest = Digest::of(b"x");
        assert!(!store.has(&digest) && !store.verify(&digest).expect("read"));
        assert_eq!(store.get(&digest).expect("read"), None);
        assert_eq!(store.objects().expect("list"), []);
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 0);
        assert!(Store::open(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn bytes_come_back_by_their_digest_however_they_went_in() {
        let (dir, store) = store();
        let bytes = vec![7; 600_000];
        let mut writer = store.writer().expect("writer");
        for piece in bytes.chunks(1000) {
            writer.write_all(piece).expect("written");
        }
        assert_eq!(writer.count(), 600_000);
        let digest = writer.finish().expect("kept");
        assert_eq!(digest, store.put(&bytes).expect("again"));
        assert_eq!(store.get(&digest).expect("read"), Some(bytes));
        assert_eq!(store.size(&digest), Some(600_000));
        assert_eq!(store.objects().expect("list"), [digest]);
        let hex = digest.hex();
        let expected = dir.path().join(".gristmill/objects").join(&hex[..2]).join(&hex[2..]);
        assert!(expected.is_file() && dir.path().join(".gristmill/.gitignore").is_file());
        assert_eq!(store.remove(&digest).expect("gone"), 600_000);
        assert_eq!(store.remove(&digest).expect("gone already"), 0);
    }

    #[test]
    fn a_damaged_object_is_set_aside_and_made_again() {
        let (dir, store) = store();
        let digest = store.put(b"precious").expect("kept");
        // A power cut on a disk that lies about its syncs.
        fs::write(store.path(&digest), b"prec").expect("truncated");
        assert_eq!(store.get(&digest).expect("read"), None);
        assert!(!store.has(&digest));
        let aside = dir.path().join(".gristmill/damaged").join(digest.hex());
        assert_eq!(fs::read(aside).expect("there"), b"prec");
        store.put(b"precious").expect("again");
        fs::write(store.path(&digest), b"").expect("truncated");
        store.put(b"precious").expect("over a truncated one");
        assert!(store.verify(&digest).expect("read"));
        fs::write(store.path(&digest), b"precio?s").expect("flipped");
        assert!(!store.verify(&digest).expect("read"));
        assert!(!store.has(&digest));
    }

    #[test]
    fn what_is_unfinished_is_no_object_and_leaves_nothing() {
        let (dir, store) = store();
        let mut writer = store.writer().expect("writer");
        writer.write_all(b"half").expect("written");
        assert_eq!(store.objects().expect("list"), []);
        drop((writer, store));
        let tmp = dir.path().join(".gristmill/tmp");
        assert_eq!(fs::read_dir(tmp).expect("list").count(), 0);
    }

    #[test]
    fn many_threads_put_the_same_bytes() {
        let (_dir, store) = store();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..8_u8 {
                        store.put(&[n; 100]).expect("kept");
                    }
                });
            }
        });
        assert_eq!(store.objects().expect("list").len(), 8);
    }
}
