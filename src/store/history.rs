//! Which runs there were: rows of `.gristmill/state.db`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Row};
use serde_json::Value as Json;

use super::claims::Held;
use super::db::{Db, Durable};
use super::scratch::Scratch;
use super::{Clock, Run, RunId, STATE, Status, StoreError};
use crate::source::{Fault, list};

/// How many names are tried for a run when others began in the same millisecond.
const TRIES: u64 = 64;

/// The runs of a project. While one goes on, this holds a file lock, by which others see that its process lives.
pub struct History {
    db: Db,
    claims: PathBuf,
    root: PathBuf,
    clock: Clock,
    running: Vec<(RunId, Option<Held>)>,
    /// Held from the beginning of the first run, so that what a run relies on stays until all is noted.
    scratch: Option<Arc<Scratch>>,
}

impl History {
    /// The runs of the project at `root`. Nothing is opened yet.
    pub fn open(root: &Path) -> Self {
        Self {
            db: Db::new(root, Durable::Soon),
            claims: root.join(STATE).join("claims"),
            root: root.to_owned(),
            clock: Clock::default(),
            running: Vec::new(),
            scratch: None,
        }
    }

    /// With another clock.
    #[must_use]
    pub fn clocked(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Notes that a run of `pipeline` begins.
    pub fn begin(&mut self, pipeline: &str) -> Result<RunId, Fault> {
        let started = self.clock.text();
        let now = self.clock.now();
        super::home::prepare(&self.root)?;
        if self.scratch.is_none() {
            // Where there can be none, a run still can be noted.
            self.scratch = Scratch::of(&self.root).ok();
        }
        let (id, held) = self.free_id(now)?;
        self.db.write(|sql| {
            let mut insert = sql.prepare_cached("insert into runs values (?, ?, ?, null, ?, '{}')")?;
            insert.execute((id.as_str(), pipeline, &started, Status::Running.as_str()))?;
            Ok(())
        })?;
        self.running.push((id.clone(), held));
        Ok(id)
    }

    /// Notes how it ended. A run that isn't known is not an error: its row may have been cleared away.
    pub fn end(&mut self, id: &RunId, status: Status, seconds: f64, summary: &Json) -> Result<(), Fault> {
        self.db.write(|sql| {
            let mut update = sql.prepare_cached("update runs set status = ?, seconds = ?, summary = ? where id = ?")?;
            update.execute((status.as_str(), seconds, summary.to_string(), id.as_str()))?;
            Ok(())
        })?;
        self.running.retain(|(running, _)| running != id);
        Ok(())
    }

    /// The newest runs, newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<Run>, Fault> {
        self.select("where ? is not null", "", limit)
    }

    /// The newest runs of one pipeline, newest first.
    pub fn of(&self, pipeline: &str, limit: usize) -> Result<Vec<Run>, Fault> {
        self.select("where pipeline = ?", pipeline, limit)
    }

    /// The run whose id is `id` or begins with it. An error if there are several.
    pub fn get(&self, id: &str) -> Result<Option<Run>, Fault> {
        let mut found = self.select("where substr(id, 1, length(?1)) = ?1", id, 10)?;
        if let Some(at) = found.iter().position(|run| run.id.as_str() == id) {
            return Ok(Some(found.swap_remove(at)));
        }
        if found.len() > 1 {
            let ids = list(found.iter().map(|run| run.id.as_str()));
            let fault = Fault::new("ambiguous-run", format!("more than one run begins with `{id}`"));
            return Err(fault.help(format!("say more of it: {ids}")));
        }
        Ok(found.pop())
    }

    /// What the last `each` runs of every pipeline told at their end, as text: which keys and digests they name.
    pub fn told(&self, each: usize) -> Result<Vec<String>, Fault> {
        let each = i64::try_from(each).unwrap_or(i64::MAX);
        Ok(self.db.read(|sql| {
            let mut query = sql.prepare_cached(
                "select summary from (select summary, row_number() over
                 (partition by pipeline order by started desc, rowid desc) as nth from runs where summary <> '{}')
                 where nth <= ?",
            )?;
            query.query_map([each], |row| row.get(0))?.collect()
        })?)
    }

    fn select(&self, filter: &str, argument: &str, limit: usize) -> Result<Vec<Run>, Fault> {
        let query = format!(
            "select id, pipeline, started, seconds, status, summary from runs {filter}
             order by started desc, rowid desc limit {}",
            i64::try_from(limit).unwrap_or(i64::MAX)
        );
        let mut runs = self.db.read(|sql| rows(sql, &query, argument))?;
        for run in &mut runs {
            if run.status == Status::Running && !Held::is_held(&self.claim_path(&run.id)) {
                run.status = Status::Interrupted;
            }
        }
        Ok(runs)
    }

    /// An id that no other run has, with the lock on its file; no lock if the file system has none.
    fn free_id(&self, now: jiff::Timestamp) -> Result<(RunId, Option<Held>), Fault> {
        for salt in 0..TRIES {
            let id = RunId::new(now, salt);
            let held = match Held::attempt(&self.claim_path(&id)) {
                Ok(Some(held)) => Some(held),
                Ok(None) => continue,
                Err(StoreError::NoLocks { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            // Looked up only now that nobody else can take it any more.
            let taken = self.db.read(|sql| {
                let mut query = sql.prepare_cached("select 1 from runs where id = ?")?;
                query.exists([id.as_str()])
            })?;
            if !taken {
                return Ok((id, held));
            }
        }
        Err(Fault::new("too-many-runs", "too many runs begin at the same time").help("start fewer at once"))
    }

    fn claim_path(&self, id: &RunId) -> PathBuf {
        self.claims.join(format!("run-{id}"))
    }
}

fn rows(sql: &Connection, query: &str, argument: &str) -> rusqlite::Result<Vec<Run>> {
    let mut query = sql.prepare_cached(query)?;
    query.query_map([argument], run)?.collect()
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let status: String = row.get("status")?;
    let summary: String = row.get("summary")?;
    Ok(Run {
        id: RunId(row.get("id")?),
        pipeline: row.get("pipeline")?,
        started: row.get("started")?,
        seconds: row.get("seconds")?,
        // A word or a summary of a later gristmill is no reason to hide the run.
        status: status.parse().unwrap_or(Status::Done),
        summary: serde_json::from_str(&summary).unwrap_or(Json::String(summary)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn frozen(root: &Path) -> History {
        let at = jiff::Timestamp::from_millisecond(1_740_821_400_250).expect("in range");
        History::open(root).clocked(Clock::fixed(at))
    }

    #[test]
    fn runs_are_noted_and_found_by_the_beginning_of_their_id() {
        let dir = tempfile::tempdir().expect("folder");
        let mut history = frozen(dir.path());
        assert_eq!(history.list(10).expect("none"), []);
        assert!(!dir.path().join(STATE).exists());
        let one = history.begin("one").expect("noted");
        let two = history.begin("two").expect("noted");
        assert_ne!(one, two);
        history.end(&one, Status::GateFailed, 1.5, &json!({"rows": 3})).expect("noted");
        let runs = history.list(10).expect("list");
        assert_eq!([&runs[0].id, &runs[1].id], [&two, &one]);
        assert_eq!((runs[0].status, runs[0].seconds), (Status::Running, None));
        assert_eq!((runs[1].status, runs[1].seconds), (Status::GateFailed, Some(1.5)));
        assert_eq!(runs[1].summary, json!({"rows": 3}));
        assert_eq!(history.list(1).expect("list").len(), 1);
        assert_eq!(history.of("one", 9).expect("list")[0].id, one);
        assert_eq!(history.get(one.as_str()).expect("one").map(|run| run.id), Some(one));
        assert_eq!(history.get("1999").expect("none"), None);
        assert_eq!(history.get("2025").expect_err("two").code, "ambiguous-run");
    }

    #[test]
    fn the_last_runs_of_each_pipeline_tell_what_they_need() {
        let dir = tempfile::tempdir().expect("folder");
        let mut history = History::open(dir.path());
        assert_eq!(history.told(9).expect("none"), Vec::<String>::new());
        for (nth, pipeline) in ["a", "b", "a", "a"].into_iter().enumerate() {
            let id = history.begin(pipeline).expect("noted");
            history.end(&id, Status::Done, 0.0, &json!({"nth": nth})).expect("noted");
        }
        history.begin("a").expect("noted");
        let told = |each| {
            let mut told = history.told(each).expect("read");
            told.sort();
            told
        };
        assert_eq!(told(2), [r#"{"nth":1}"#, r#"{"nth":2}"#, r#"{"nth":3}"#]);
        assert_eq!(told(0), Vec::<String>::new());
    }

    #[test]
    fn a_run_whose_process_died_was_interrupted() {
        let dir = tempfile::tempdir().expect("folder");
        let mut dying = frozen(dir.path());
        let id = dying.begin("p").expect("noted");
        let seen = |history: &History| history.get(id.as_str()).expect("read").expect("there").status;
        let other = frozen(dir.path());
        assert_eq!(seen(&other), Status::Running);
        drop(dying);
        assert_eq!(seen(&other), Status::Interrupted);
    }

    #[test]
    fn many_processes_note_their_runs_at_once() {
        let dir = tempfile::tempdir().expect("folder");
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let mut history = frozen(dir.path());
                    for _ in 0..3 {
                        let id = history.begin("p").expect("noted");
                        history.end(&id, Status::Done, 0.0, &json!({})).expect("noted");
                    }
                });
            }
        });
        assert_eq!(frozen(dir.path()).list(99).expect("list").len(), 18);
    }
}
