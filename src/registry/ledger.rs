//! Moving aliases. Every move is a line of the ledger, and no decision is taken twice: so what somebody took back stays so.

use rusqlite::{Connection, Transaction};

use super::models::require;
use super::name::{Selector, check_alias};
use super::{LedgerRow, Move, Registry, Version, read};
use crate::source::Fault;
use crate::store::Digest;
use crate::store::db::Stop;

/// What came of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the alias points elsewhere now.
    pub moved: bool,
}

/// A decision on an alias: of what, on which evidence, by whom and why.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The alias.
    pub alias: &'a str,
    /// The digest of what was weighed.
    pub evidence: &'a Digest,
    /// Who decides.
    pub actor: &'a str,
    /// Why, in words.
    pub why: &'a str,
}

/// What is to be noted of a move.
struct Entry<'a> {
    at: String,
    name: &'a str,
    alias: &'a str,
    what: Move,
    version: Version,
    evidence: Option<String>,
    actor: &'a str,
    why: &'a str,
}

impl Registry {
    /// Points an alias to a version because of `evidence` (the digest of what was weighed), unless that is the decision that
    /// was made last: then the alias stays where it is, whoever moved it since. A pipeline that goes back to what it was
    /// decides anew.
    pub fn decide(
        &mut self,
        name: &str,
        alias: &str,
        version: Version,
        evidence: &Digest,
        actor: &str,
        why: &str,
    ) -> Result<Decision, Fault> {
        let case = Case { name, alias, evidence, actor, why };
        self.settle(&case, version, |_| Ok(()))
    }

    /// As [`Registry::decide`], for a version that was compared with the champion. `champion-moved` if the alias points
    /// to another one now.
    pub fn replace(&mut self, case: &Case, champion: Option<Version>, version: Version) -> Result<Decision, Fault> {
        self.settle(case, version, |sql| unmoved(sql, case, champion))
    }

    /// Notes that a version was compared with the champion, and that the alias stays where it is; once for the same
    /// evidence. `champion-moved` if the alias points to another one now.
    pub fn keep(&mut self, case: &Case, champion: Option<Version>) -> Result<(), Fault> {
        match champion {
            Some(version) => self.settle(case, version, |sql| unmoved(sql, case, champion)).map(|_| ()),
            None => Ok(()),
        }
    }

    fn settle(
        &mut self,
        case: &Case,
        version: Version,
        first: impl FnOnce(&Transaction<'_>) -> Result<(), Stop>,
    ) -> Result<Decision, Fault> {
        let Case { name, alias, actor, why, .. } = *case;
        check_alias(alias)?;
        let at = self.now();
        self.write(|sql| {
            require(sql, name, &Selector::Version(version))??;
            let evidence = case.evidence.to_string();
            let mut query = sql.prepare_cached(
                "select 1 from (select version, evidence from ledger
                 where what = 'decide' and name = ? and alias = ? order by rowid desc limit 1)
                 where version = ? and evidence = ?",
            )?;
            if query.exists((name, alias, version, &evidence))? {
                return Ok(Decision { moved: false });
            }
            first(sql)?;
            let evidence = Some(evidence);
            let entry = Entry { at, name, alias, what: Move::Decide, version, evidence, actor, why };
            Ok(Decision { moved: point(sql, &entry)? })
        })
    }

    /// Points an alias to a version because `actor` says so. Whether that moved it.
    pub fn promote(&mut self, name: &str, version: Version, alias: &str, actor: &str) -> Result<bool, Fault> {
        check_alias(alias)?;
        let at = self.now();
        self.write(|sql| {
            require(sql, name, &Selector::Version(version))??;
            let entry = Entry { at, name, alias, what: Move::Promote, version, evidence: None, actor, why: "" };
            Ok(point(sql, &entry)?)
        })
    }

    /// Takes back the last move of an alias that wasn't taken back yet: the version that it points to now.
    /// `nothing-to-roll-back` if it never pointed elsewhere.
    pub fn rollback(&mut self, name: &str, alias: &str, actor: &str) -> Result<Version, Fault> {
        let at = self.now();
        self.write(|sql| {
            require(sql, name, &Selector::Alias(alias.to_owned()))??;
            let Some(version) = before(&read::ledger(sql, name)?, alias) else {
                return Err(Stop::Fault(nothing_before(name, alias)));
            };
            let entry = Entry { at, name, alias, what: Move::Rollback, version, evidence: None, actor, why: "" };
            point(sql, &entry)?;
            Ok(version)
        })
    }

    /// What was done to the aliases of a model, oldest first; nothing for a name that there isn't.
    pub fn ledger(&self, name: &str) -> Result<Vec<LedgerRow>, Fault> {
        self.read(|sql| read::ledger(sql, name))
    }
}

/// Sets the alias and notes it. Whether it pointed elsewhere before.
fn point(sql: &Transaction<'_>, entry: &Entry<'_>) -> rusqlite::Result<bool> {
    let before = current(sql, entry)?;
    let moved = before != Some(entry.version);
    sql.execute(
        "insert into aliases values (?, ?, ?) on conflict do update set version = excluded.version",
        (entry.name, entry.alias, entry.version),
    )?;
    sql.execute(
        "insert into ledger (at, name, alias, what, version, before, moved, evidence, actor, why)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            &entry.at,
            entry.name,
            entry.alias,
            entry.what.as_str(),
            entry.version,
            before,
            moved,
            &entry.evidence,
            entry.actor,
            entry.why,
        ),
    )?;
    Ok(moved)
}

/// The alias still points to what was compared.
fn unmoved(sql: &Transaction<'_>, case: &Case, champion: Option<Version>) -> Result<(), Stop> {
    if read::alias(sql, case.name, case.alias)? == champion {
        return Ok(());
    }
    let message = format!("`{}@{}` was moved while the model was compared with it", case.name, case.alias);
    Err(Stop::Fault(Fault::new("champion-moved", message).help("run again: it is compared with the new one")))
}

fn current(sql: &Connection, entry: &Entry<'_>) -> rusqlite::Result<Option<Version>> {
    read::alias(sql, entry.name, entry.alias)
}

/// What an alias pointed to before its last move that wasn't taken back: moves pile up, and each rollback takes one off.
fn before(ledger: &[LedgerRow], alias: &str) -> Option<Version> {
    let mut pile = Vec::new();
    for row in ledger.iter().filter(|row| row.alias == alias && row.moved) {
        match row.what {
            Move::Decide | Move::Promote => pile.push(row.version),
            Move::Rollback => drop(pile.pop()),
        }
    }
    pile.pop()?;
    pile.pop()
}

fn nothing_before(name: &str, alias: &str) -> Fault {
    Fault::new("nothing-to-roll-back", format!("`{name}@{alias}` has no version before this one"))
        .help("`gristmill models promote` points it to any version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn registry(root: &Path, versions: u32) -> Registry {
        let mut registry = Registry::open(root).expect("opened");
        for n in 1..=versions {
            registry.register("m", &Digest::of(&[n as u8]), &json!({})).expect("new");
        }
        registry
    }

    fn decide(registry: &mut Registry, version: Version, evidence: &[u8]) -> bool {
        let decided = registry.decide("m", "champion", version, &Digest::of(evidence), "run 1", "f1 0.9");
        decided.expect("decided").moved
    }

    fn champion(registry: &Registry) -> Version {
        registry.resolve("m@champion").expect("a champion").version
    }

    #[test]
    fn a_rollback_survives_the_same_decision_and_yields_to_a_new_one() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 2);
        assert!(decide(&mut mill, 1, b"monday"));
        assert!(decide(&mut mill, 2, b"tuesday"));
        assert!(!decide(&mut mill, 2, b"tuesday"));
        assert_eq!(mill.rollback("m", "champion", "ann").expect("back"), 1);
        drop(mill);
        let mut mill = Registry::open(dir.path()).expect("opened");
        assert!(!decide(&mut mill, 2, b"tuesday"));
        assert_eq!(champion(&mill), 1);
        assert!(decide(&mut mill, 2, b"wednesday"));
        assert_eq!(champion(&mill), 2);
        let ledger = mill.ledger("m").expect("read");
        let told: Vec<_> = ledger.iter().map(|row| (row.what.as_str(), row.version, row.before, &*row.actor)).collect();
        assert_eq!(
            told,
            [
                ("decide", 1, None, "run 1"),
                ("decide", 2, Some(1), "run 1"),
                ("rollback", 1, Some(2), "ann"),
                ("decide", 2, Some(1), "run 1"),
            ]
        );
        assert_eq!(ledger[1].evidence, Some(Digest::of(b"tuesday")));
    }

    #[test]
    fn a_pipeline_that_goes_back_takes_the_alias_back() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 2);
        for (version, evidence) in [(1, b"a"), (2, b"b"), (1, b"a"), (2, b"b")] {
            assert!(decide(&mut mill, version, evidence));
            assert_eq!(champion(&mill), version);
        }
    }

    #[test]
    fn rollbacks_go_back_one_move_each() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 3);
        for version in [1, 2, 3] {
            assert!(mill.promote("m", version, "champion", "ann").expect("moved"));
        }
        assert!(!mill.promote("m", 3, "champion", "ann").expect("there already"));
        mill.promote("m", 1, "canary", "ann").expect("another alias");
        let mut back = || mill.rollback("m", "champion", "ann");
        assert_eq!(back().expect("back"), 2);
        assert_eq!(back().expect("back"), 1);
        assert_eq!(back().expect_err("the first").code, "nothing-to-roll-back");
        mill.promote("m", 3, "champion", "ann").expect("moved");
        assert_eq!(mill.rollback("m", "champion", "ann").expect("back"), 1);
    }

    #[test]
    fn a_decision_that_changes_nothing_is_noted_and_does_not_count_as_a_move() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 2);
        decide(&mut mill, 1, b"a");
        decide(&mut mill, 2, b"b");
        assert!(!decide(&mut mill, 2, b"c"));
        assert_eq!(mill.ledger("m").expect("read").len(), 3);
        assert_eq!(mill.rollback("m", "champion", "ann").expect("back"), 1);
        assert!(!decide(&mut mill, 2, b"c"), "it was weighed before it was taken back");
    }

    #[test]
    fn a_champion_that_is_kept_is_noted_once_and_nobody_is_overtaken() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 3);
        let (first, second) = (Digest::of(b"first"), Digest::of(b"second"));
        let case = |evidence| Case { name: "m", alias: "champion", evidence, actor: "run 1", why: "f1 0.9" };
        assert!(mill.replace(&case(&first), None, 1).expect("the first").moved);
        for _ in 0..2 {
            mill.keep(&case(&second), Some(1)).expect("noted");
        }
        assert_eq!(champion(&mill), 1);
        let told: Vec<_> = mill.ledger("m").expect("read").iter().map(|row| (row.version, row.moved)).collect();
        assert_eq!(told, [(1, true), (1, false)]);
        let overtaken = mill.replace(&case(&first), Some(2), 3).expect_err("the champion is 1");
        assert_eq!(overtaken.code, "champion-moved");
        assert!(mill.replace(&case(&first), Some(1), 2).expect("better").moved);
        assert_eq!(mill.rollback("m", "champion", "ann").expect("back"), 1);
        assert!(!mill.replace(&case(&first), Some(1), 2).expect("decided before").moved, "a rollback stays");
    }

    #[test]
    fn what_is_not_there_is_not_pointed_to() {
        let dir = tempfile::tempdir().expect("folder");
        let mut mill = registry(dir.path(), 1);
        let code = |fault: Fault| fault.code;
        assert_eq!(mill.promote("m", 2, "champion", "ann").map_err(code), Err("unknown-version"));
        assert_eq!(mill.promote("n", 1, "champion", "ann").map_err(code), Err("unknown-model"));
        assert_eq!(mill.promote("m", 1, "latest", "ann").map_err(code), Err("bad-name"));
        assert_eq!(mill.rollback("m", "champion", "ann").map_err(code), Err("unknown-version"));
        assert_eq!(mill.ledger("m").expect("read"), []);
    }

    #[test]
    fn one_of_many_at_once_takes_a_decision() {
        let dir = tempfile::tempdir().expect("folder");
        drop(registry(dir.path(), 1));
        let moved: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| decide(&mut Registry::open(dir.path()).expect("opened"), 1, b"same")))
                .collect();
            threads.into_iter().map(|thread| usize::from(thread.join().expect("no panic"))).sum()
        });
        assert_eq!(moved, 1);
    }
}
