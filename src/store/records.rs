//! What a step made, by the step's key: `.gristmill/records/ab/abcd….json`. A damaged record is a miss.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::atomic::write_quick;
use super::home::{by_hex, two_levels};
use super::objects::remove;
use super::{Digest, Key, Part, Store, StoreError, checked};

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Of everything that the result depends on.
    pub key: Key,
    /// What the key was made of, for `why`.
    pub parts: Vec<Part>,
    /// Each output's object.
    pub outputs: BTreeMap<String, Digest>,
    /// The engine's own: metrics, shape, counts of rows. No NaN: JSON has none.
    pub meta: Json,
    /// Objects that explain the result and aren't needed for it: a program's log, the files of a source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub about: BTreeMap<String, Digest>,
    /// Results that it was put together from and that are kept by keys of their own, as the trials of a search: they stay as
    /// long as it does. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Key>,
    /// How long it took to make.
    pub seconds: f64,
    /// When it was made, RFC 3339.
    pub made: String,
}

impl Record {
    /// Whether every output is in the store, its bytes unread.
    pub fn is_whole(&self, store: &Store) -> bool {
        self.outputs.values().all(|digest| store.has(digest))
    }
}

/// The last key of a name, in a file of its own so that no two runs write the same one.
#[derive(Serialize, Deserialize)]
pub(super) struct Latest {
    pub(super) name: String,
    pub(super) key: Key,
}

/// A record as it is read by whom its parts don't concern.
#[derive(Deserialize)]
struct Bare {
    key: Key,
    outputs: BTreeMap<String, Digest>,
    meta: Json,
    #[serde(default)]
    about: BTreeMap<String, Digest>,
    seconds: f64,
    made: String,
}

impl From<Bare> for Record {
    fn from(Bare { key, outputs, meta, about, seconds, made }: Bare) -> Self {
        Self { key, parts: Vec::new(), outputs, meta, about, pieces: Vec::new(), seconds, made }
    }
}

impl Latest {
    /// What a file says; none if it isn't there or is damaged.
    pub(super) fn read(path: &Path) -> Option<Self> {
        checked::unwrap(&read(path).ok()??)
    }
}

impl Store {
    /// What came of the step with this key; none if it wasn't run, or if its record is damaged.
    pub fn record(&self, key: &Key) -> Option<Record> {
        self.record_now(key).or_else(|| if self.collecting() { self.record_now(key) } else { None })
    }

    /// The same without the parts of its key: there are many, and only `why` asks for them.
    pub fn result(&self, key: &Key) -> Option<Record> {
        let now = || {
            let found: Bare = checked::unwrap(&read(&self.record_path(key)).ok()??)?;
            (found.key == *key).then(|| found.into())
        };
        now().or_else(|| if self.collecting() { now() } else { None })
    }

    /// [`Self::record`] as it is at this moment, for the collector itself.
    pub(super) fn record_now(&self, key: &Key) -> Option<Record> {
        self.record_at(&self.record_path(key), key)
    }

    /// The record of this key in a file, wherever it lies.
    pub(super) fn record_at(&self, path: &Path, key: &Key) -> Option<Record> {
        let record: Record = checked::unwrap(&read(path).ok()??)?;
        (record.key == *key).then_some(record)
    }

    /// Keeps a record. Its outputs must be kept before it.
    pub fn keep(&self, record: &Record) -> Result<(), StoreError> {
        self.prepare()?;
        write_quick(self.root(), &self.record_path(&record.key), &checked::wrap(record))
    }

    /// Drops a record; one that isn't there is fine.
    pub fn forget(&self, key: &Key) -> Result<(), StoreError> {
        remove(&self.record_path(key))
    }

    /// The keys of all records, sorted; damaged ones too.
    pub fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let files = two_levels(&self.folder("records"))?.into_iter();
        Ok(files.filter_map(|(_, name)| Digest::from_hex(name.strip_suffix(".json")?).map(Key)).collect())
    }

    /// The key that `name` (`pipeline/step/unit`) had when it was last set.
    pub fn latest(&self, name: &str) -> Option<Key> {
        let latest = Latest::read(&self.latest_path(name))?;
        (latest.name == name).then_some(latest.key)
    }

    /// Remembers the key that `name` has now. Writes only if it is another.
    pub fn set_latest(&self, name: &str, key: &Key) -> Result<(), StoreError> {
        if self.latest(name).as_ref() == Some(key) {
            return Ok(());
        }
        self.prepare()?;
        let latest = Latest { name: name.to_owned(), key: *key };
        write_quick(self.root(), &self.latest_path(name), &checked::wrap(&latest))
    }

    pub(super) fn record_path(&self, key: &Key) -> PathBuf {
        by_hex(&self.folder("records"), &key.hex(), true).with_extension("json")
    }

    fn latest_path(&self, name: &str) -> PathBuf {
        let hex = Digest::of(name.as_bytes()).hex();
        by_hex(&self.folder("latest"), &hex, true).with_extension("json")
    }
}

/// A file's bytes; none if it isn't there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(StoreError::io("read", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(store: &Store) -> Record {
        Record {
            key: Key(Digest::of(b"key")),
            parts: vec![Part { path: "with.n".into(), value: json!(3) }],
            outputs: [("train".to_owned(), store.put(b"rows").expect("kept"))].into(),
            about: BTreeMap::new(),
            meta: json!({"rows": 3, "f1": 0.1}),
            pieces: Vec::new(),
            seconds: 0.25,
            made: "2025-03-01T09:30:00.000Z".into(),
        }
    }

    #[test]
    fn a_record_comes_back_and_knows_whether_its_outputs_are_there() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let record = record(&store);
        assert_eq!(store.record(&record.key), None);
        store.keep(&record).expect("kept");
        assert_eq!(store.record(&record.key).as_ref(), Some(&record));
        assert_eq!(store.result(&record.key), Some(Record { parts: Vec::new(), ..record.clone() }));
        assert_eq!(store.keys().expect("list"), [record.key]);
        assert!(record.is_whole(&store));
        store.remove(&record.outputs["train"]).expect("gone");
        assert!(!record.is_whole(&store));
        store.forget(&record.key).expect("gone");
        assert_eq!(store.record(&record.key), None);
    }

    #[test]
    fn a_torn_or_misplaced_record_is_a_miss_and_is_written_over() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let record = record(&store);
        store.keep(&record).expect("kept");
        let path = store.record_path(&record.key);
        let whole = fs::read(&path).expect("read");
        for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).expect("cut");
            assert_eq!(store.record(&record.key), None, "cut at {cut}");
        }
        store.keep(&record).expect("kept");
        assert!(store.record(&record.key).is_some());
        let other = Key(Digest::of(b"another"));
        let elsewhere = store.record_path(&other);
        fs::create_dir_all(elsewhere.parent().expect("folder")).expect("made");
        fs::write(elsewhere, whole).expect("copied");
        assert_eq!(store.record(&other), None);
    }

    #[test]
    fn the_latest_key_of_a_name_is_written_only_when_it_is_another() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let [one, two] = [b"1", b"2"].map(|bytes| Key(Digest::of(bytes)));
        assert_eq!(store.latest("p/clean/0"), None);
        store.set_latest("p/clean/0", &one).expect("set");
        let path = store.latest_path("p/clean/0");
        let then = std::time::UNIX_EPOCH;
        let file = fs::File::options().write(true).open(&path).expect("opened");
        file.set_modified(then).expect("set");
        store.set_latest("p/clean/0", &one).expect("the same");
        let modified = || fs::metadata(&path).and_then(|about| about.modified());
        assert_eq!(modified().expect("time"), then);
        store.set_latest("p/clean/0", &two).expect("set");
        assert_eq!(store.latest("p/clean/0"), Some(two));
        assert_eq!(store.latest("p/clean/1"), None);
    }
}
