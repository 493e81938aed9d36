//! Looking at everything that is kept: whether it still is what its name says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::gc::trash;
use super::objects::State;
use super::{Digest, Key, Store, StoreError};

/// What came of looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// How many objects are whole, and their bytes.
    pub objects: usize,
    /// Their bytes together.
    pub bytes: u64,
    /// Objects that were not what their names say; they were set aside.
    pub damaged: Vec<Digest>,
    /// How many records could be read.
    pub records: usize,
    /// Records that couldn't; they were dropped.
    pub unreadable: Vec<Key>,
}

impl Store {
    /// Reads every object and every record, on all processors. `tell` hears how many objects are done.
    pub fn examine(&self, tell: &(dyn Fn(u64) + Sync)) -> Result<Examined, StoreError> {
        let objects = self.objects()?;
        let done = AtomicU64::new(0);
        let states = objects.par_iter().map(|digest| {
            let size = self.size(digest).unwrap_or_default();
            let state = self.state(digest)?;
            tell(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok((*digest, state, size))
        });
        let states = states.collect::<Result<Vec<_>, StoreError>>()?;
        let mut found = Examined::default();
        for (digest, state, size) in states {
            match state {
                State::Whole => {
                    found.objects += 1;
                    found.bytes += size;
                }
                State::Damaged => found.damaged.push(digest),
                // Dropped meanwhile by a collector.
                State::Missing => {}
            }
        }
        for key in self.keys()? {
            if self.record_now(&key).is_some() {
                found.records += 1;
            } else if self.drop_unreadable(&key)? {
                found.unreadable.push(key);
            }
        }
        Ok(found)
    }

    /// Drops a record that can't be read, unless a good one has taken its place by now. Whether it did.
    fn drop_unreadable(&self, key: &Key) -> Result<bool, StoreError> {
        let path = self.record_path(key);
        if !path.exists() {
            return Ok(false);
        }
        let good = |path: &Path| self.record_at(path, key).is_some();
        trash::drop_if_bad(self, &path, good)
    }

    /// The names of pipelines' units (`pipeline/step/unit`), with their newest keys.
    pub fn pointers(&self) -> Result<BTreeMap<String, Key>, StoreError> {
        let latests = super::gc::latests(self)?.into_iter();
        Ok(latests.filter_map(|(_, latest)| latest.map(|latest| (latest.name, latest.key))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Record;
    use serde_json::json;

    #[test]
    fn damage_is_found_and_put_away() {
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path()).expect("a store");
        let digests: Vec<Digest> = (0..20_u8).map(|nth| store.put(&[nth; 100]).expect("kept")).collect();
        let keys = [b"a", b"b"].map(|name| Key(Digest::of(name)));
        for key in keys {
            let record = Record {
                key,
                parts: Vec::new(),
                outputs: BTreeMap::new(),
                meta: json!({}),
                pieces: Vec::new(),
                seconds: 0.0,
                made: String::new(),
                about: BTreeMap::new(),
            };
            store.keep(&record).expect("kept");
        }
        store.set_latest("p/a", &keys[0]).expect("set");
        let told = AtomicU64::new(0);
        let tell = |done| {
            told.fetch_max(done, Ordering::Relaxed);
        };
        let fine = store.examine(&tell).expect("read");
        assert_eq!((fine.objects, fine.bytes, fine.records), (20, 2000, 2));
        assert!(fine.damaged.is_empty() && fine.unreadable.is_empty());
        assert_eq!(told.into_inner(), 20);
        std::fs::write(store.path(&digests[3]), [9; 100]).expect("flipped");
        std::fs::write(store.record_path(&keys[0]), "torn").expect("torn");
        let found = store.examine(&|_| {}).expect("read");
        assert_eq!((found.objects, found.records), (19, 1));
        assert_eq!((found.damaged, found.unreadable), (vec![digests[3]], vec![keys[0]]));
        assert!(!store.has(&digests[3]) && store.keys().expect("list") == [keys[1]]);
        assert_eq!(store.pointers().expect("read"), BTreeMap::from([("p/a".to_owned(), keys[0])]));
    }
}
