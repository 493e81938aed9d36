//! The registry itself: registering versions, and looking them up.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction};
use serde_json::Value as Json;

use super::name::{Selector, check_model, split};
use super::{ModelRow, Version, VersionRow, read};
use crate::source::Fault;
use crate::store::db::{Db, Durable, Stop};
use crate::store::{Clock, Digest};

/// The models of one project.
pub struct Registry {
    db: Db,
    clock: Clock,
}

impl Registry {
    /// The registry of the project at `root`. Nothing is made on disk until something is registered.
    pub fn open(root: &Path) -> Result<Self, Fault> {
        Ok(Self { db: Db::new(root, Durable::Now), clock: Clock::default() })
    }

    /// With another clock.
    #[must_use]
    pub fn clocked(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Registers a sealed model, whose object must be kept already: its version, and whether it is new.
    /// A digest that `name` has keeps its version and its first lineage.
    pub fn register(&mut self, name: &str, seal: &Digest, lineage: &Json) -> Result<(Version, bool), Fault> {
        check_model(name)?;
        let now = self.now();
        self.write(|sql| {
            let mut query = sql.prepare_cached("select version from versions where name = ? and digest = ?")?;
            let known = query.query_row((name, seal.to_string()), |row| row.get(0)).optional()?;
            if let Some(version) = known {
                return Ok((version, false));
            }
            let version = read::latest(sql, name)?.map_or(1, |latest| latest + 1);
            sql.execute("insert into models values (?, ?) on conflict do nothing", (name, &now))?;
            sql.execute(
                "insert into versions (name, version, digest, created, lineage) values (?, ?, ?, ?, ?)",
                (name, version, seal.to_string(), &now, lineage.to_string()),
            )?;
            Ok((version, true))
        })
    }

    /// All models, by name.
    pub fn models(&self) -> Result<Vec<ModelRow>, Fault> {
        self.read(read::models)
    }

    /// A model's versions, the newest first. `unknown-model` if there is none of that name.
    pub fn versions(&self, name: &str) -> Result<Vec<VersionRow>, Fault> {
        self.read(|sql| {
            let rows = read::versions(sql, name)?;
            if rows.is_empty() {
                return read::unknown(sql, name, &Selector::Latest).map(Err);
            }
            Ok(Ok(rows))
        })?
    }

    /// The version that a selector (`champion`, `3`, `latest`, or nothing) means; none if there is none.
    pub fn show(&self, name: &str, selector: &str) -> Result<Option<VersionRow>, Fault> {
        self.read(|sql| read::find(sql, name, &Selector::parse(selector)))
    }

    /// The version that `name`, `name@champion`, `name@3` or `name@latest` means. Without a selector the champion, or the
    /// newest if there is no champion. The fault says what there is instead.
    pub fn resolve(&self, text: &str) -> Result<VersionRow, Fault> {
        let (name, selector) = split(text);
        self.read(|sql| require(sql, name, &selector))?
    }

    /// The objects that some version needs, sorted, each once: what must not be cleared away.
    pub fn kept(&self) -> Result<Vec<Digest>, Fault> {
        let rows = self.read(|sql| {
            let names = read::names(sql)?;
            names.iter().map(|name| read::versions(sql, name)).collect::<Result<Vec<_>, _>>()
        })?;
        let mut digests = Vec::new();
        for row in rows.into_iter().flatten() {
            let digest = |named: &Json| named.as_str().and_then(|text| text.parse::<Digest>().ok());
            digests.push(row.digest);
            // The model before a refit is the one that a later one is compared with.
            digests.extend(digest(&row.lineage["refit"]["scored"]));
            // The judgement that led to it is shown with it.
            digests.extend(digest(&row.lineage["judged"]["report"]));
        }
        digests.sort_unstable();
        digests.dedup();
        Ok(digests)
    }

    pub(super) fn now(&self) -> String {
        self.clock.text()
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        Ok(self.db.read(work)?)
    }

    pub(super) fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>) -> Result<T, Fault> {
        self.db.write(work)
    }
}

/// The version that a selector means, or the fault that says what there is instead.
pub(super) fn require(
    sql: &Connection,
    name: &str,
    selector: &Selector,
) -> rusqlite::Result<Result<VersionRow, Fault>> {
    match read::find(sql, name, selector)? {
        Some(row) => Ok(Ok(row)),
        None => read::unknown(sql, name, selector).map(Err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn digest(n: u32) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    #[test]
    fn a_digest_has_one_version_under_a_name() {
        let dir = tempfile::tempdir().expect("folder");
        let at = jiff::Timestamp::from_millisecond(1_740_821_400_250).expect("in range");
        let mut registry = Registry::open(dir.path()).expect("opened").clocked(Clock::fixed(at));
        assert_eq!(registry.models().expect("none"), []);
        assert!(!dir.path().join(".gristmill").exists());
        let lineage = json!({"step": "train", "metrics": {"f1": 0.9}});
        assert_eq!(registry.register("m", &digest(1), &lineage).expect("new"), (1, true));
        assert_eq!(registry.register("m", &digest(2), &json!({})).expect("new"), (2, true));
        assert_eq!(registry.register("m", &digest(1), &json!({})).expect("known"), (1, false));
        assert_eq!(registry.register("n", &digest(1), &json!({})).expect("new"), (1, true));
        assert_eq!(registry.register("a/b", &digest(1), &json!({})).expect_err("a path").code, "bad-name");
        let models = registry.models().expect("two");
        let counts: Vec<_> = models.iter().map(|row| (&*row.name, row.versions, row.latest)).collect();
        assert_eq!(counts, [("m", 2, 2), ("n", 1, 1)]);
        let row = registry.show("m", "1").expect("read").expect("there");
        assert_eq!((row.lineage, &*row.created), (lineage, "2025-03-01T09:30:00.250Z"));
        let mut kept = vec![digest(1), digest(2)];
        kept.sort_unstable();
        assert_eq!(registry.kept().expect("two"), kept);
    }

    #[test]
    fn what_cannot_be_found_is_told_with_what_there_is() {
        let dir = tempfile::tempdir().expect("folder");
        let mut registry = Registry::open(dir.path()).expect("opened");
        let told = |registry: &Registry, text: &str| {
            let fault = registry.resolve(text).expect_err("nothing");
            format!("{}: {}", fault.message, fault.help.unwrap_or_default())
        };
        assert!(told(&registry, "penguins").starts_with("there is no model `penguins`: run a pipeline"));
        for n in 1..=3 {
            registry.register("penguins", &digest(n), &json!({})).expect("new");
        }
        assert_eq!(registry.resolve("penguins").expect("the latest").version, 3);
        registry.promote("penguins", 2, "champion", "me").expect("moved");
        for (text, version) in [("penguins", 2), ("penguins@champion", 2), ("penguins@1", 1), ("penguins@latest", 3)] {
            assert_eq!(registry.resolve(text).expect(text).version, version, "{text}");
        }
        assert_eq!(told(&registry, "pengins"), "there is no model `pengins`: did you mean `penguins`?");
        assert_eq!(
            told(&registry, "penguins@champ1on"),
            "the model `penguins` has no alias `champ1on`: did you mean `champion`?"
        );
        assert_eq!(told(&registry, "penguins@9"), "the model `penguins` has no version 9: its versions are 1 to 3");
        assert_eq!(registry.versions("nobody").expect_err("none").code, "unknown-model");
        let versions = registry.versions("penguins").expect("three");
        assert_eq!(versions.iter().map(|row| row.version).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(versions[1].aliases, ["champion"]);
        assert_eq!(registry.show("penguins", "9").expect("read"), None);
    }

    #[test]
    fn many_register_at_once_and_no_number_is_given_twice() {
        let dir = tempfile::tempdir().expect("folder");
        let mut given: Vec<(Version, bool)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|nth: u32| {
                    let root = dir.path();
                    scope.spawn(move || {
                        let mut registry = Registry::open(root).expect("opened");
                        // Each digest is registered by two threads.
                        let mut one =
                            |n: u32| registry.register("m", &digest(nth / 2 * 5 + n), &json!({})).expect("registered");
                        (0..5).map(&mut one).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        given.sort_unstable();
        let expected: Vec<_> = (1..=15).flat_map(|version| [(version, false), (version, true)]).collect();
        assert_eq!(given, expected);
    }
}
