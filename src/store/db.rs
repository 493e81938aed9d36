//! `.gristmill/state.db`: the one SQLite file of runs, models and what is counted over time.
//!
//! In WAL mode, so that readers never wait; beside it lie `state.db-wal` and `state.db-shm`, which belong to it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::schema::MIGRATIONS;
use super::{STATE, StoreError, home};
use crate::source::Fault;

/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a write waits until it is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// No: a power cut may take the last writes, all of them or none of each transaction.
    Soon,
    /// Yes: for what nobody can make again.
    Now,
}

/// Why a transaction is given up.
pub enum Stop {
    /// SQLite can't.
    Sql(rusqlite::Error),
    /// It would be wrong.
    Fault(Fault),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The database of one project, opened when it is first asked. Reading where there is none finds nothing and makes nothing.
pub struct Db {
    root: PathBuf,
    durable: Durable,
    connection: OnceCell<Connection>,
}

impl Db {
    /// The database of the project at `root`.
    pub fn new(root: &Path, durable: Durable) -> Self {
        Self { root: root.to_owned(), durable, connection: OnceCell::new() }
    }

    /// Runs queries.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let path = path_of(&self.root);
        if self.connection.get().is_none() && !path.exists() {
            let empty = Connection::open_in_memory()
                .and_then(|mut empty| migrate(&mut empty).map(|_| empty))
                .map_err(StoreError::sql(&path))?;
            return work(&empty).map_err(StoreError::sql(&path));
        }
        work(self.connection()?).map_err(StoreError::sql(&path))
    }

    /// Runs queries and changes as one: all of it or, if `work` stops, none. Nobody else writes meanwhile.
    pub fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>) -> Result<T, Fault> {
        let path = path_of(&self.root);
        self.connection()?;
        let connection = self.connection.get_mut().expect("opened the line before");
        let before = connection.total_changes();
        let wrong = |error| Fault::from(StoreError::sql(&path)(error));
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
        let made = work(&transaction).map_err(|stop| match stop {
            Stop::Sql(error) => wrong(error),
            Stop::Fault(fault) => fault,
        })?;
        transaction.commit().map_err(wrong)?;
        if self.durable == Durable::Now && connection.total_changes() != before {
            // Into the file itself, so that a copy of it alone has what nobody can make again. If a reader is in
            // the way, the log has it, and the next change brings it along.
            drop(connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())));
        }
        Ok(made)
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        if self.connection.get().is_none() {
            let fresh = open(&self.root)?;
            if self.durable == Durable::Now {
                fresh.pragma_update(None, "synchronous", "full").map_err(StoreError::sql(&path_of(&self.root)))?;
            }
            return Ok(self.connection.get_or_init(|| fresh));
        }
        Ok(self.connection.get().expect("looked the line before"))
    }
}

/// The file of the project at `root`.
pub fn path_of(root: &Path) -> PathBuf {
    root.join(STATE).join("state.db")
}

/// A connection to the database of the project at `root`, made if it isn't there and brought to the newest version.
/// Waits up to 10 s for other processes.
pub fn open(root: &Path) -> Result<Connection, StoreError> {
    home::prepare(root)?;
    let path = path_of(root);
    let mut connection = Connection::open(&path).map_err(StoreError::sql(&path))?;
    let found = set_up(&mut connection).map_err(StoreError::sql(&path))?;
    if found > MIGRATIONS.len() {
        return Err(StoreError::Newer {
            path,
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: MIGRATIONS.len() as u32,
        });
    }
    Ok(connection)
}

/// Settings and tables; gives the version found.
fn set_up(connection: &mut Connection) -> rusqlite::Result<usize> {
    connection.busy_timeout(PATIENCE)?;
    use_wal(connection)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Folding the log into the file at every exit would cost each run two waits for the disk.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    migrate(connection)
}

/// Two processes that make the file at once get in each other's way here, and SQLite doesn't wait by itself.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        // On a disk without shared memory it stays what it was, which works too.
        let set = connection.query_row("pragma journal_mode = wal", [], |_| Ok(()));
        match set {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Brings the tables to the newest version. Gives the version found, which may be newer than ours.
fn migrate(connection: &mut Connection) -> rusqlite::Result<usize> {
    let found = version(connection)?;
    if found >= MIGRATIONS.len() {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while we waited.
    let found = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    if found < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    }
    transaction.commit()?;
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(db: &Db) -> i64 {
        let count = db.read(|sql| sql.query_row("select count(*) from runs", [], |row| row.get(0)));
        count.expect("read")
    }

    fn add(db: &mut Db, id: &str, stop: bool) -> Result<(), Fault> {
        db.write(|sql| {
            sql.execute("insert into runs values (?, 'p', 't', null, 'running', '{}')", [id])?;
            if stop { Err(Fault::new("no", "no").into()) } else { Ok(()) }
        })
    }

    #[test]
    fn reading_makes_no_file_and_a_stopped_write_leaves_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let mut db = Db::new(dir.path(), Durable::Now);
        assert_eq!(count(&db), 0);
        assert!(!dir.path().join(STATE).exists());
        add(&mut db, "1", false).expect("written");
        assert_eq!(add(&mut db, "2", true).expect_err("stopped").code, "no");
        assert_eq!(count(&db), 1);
        drop(db);
        assert_eq!(count(&Db::new(dir.path(), Durable::Soon)), 1);
    }

    #[test]
    fn what_must_last_is_in_the_file_itself() {
        let dir = tempfile::tempdir().expect("folder");
        let copy = tempfile::tempdir().expect("folder");
        let mut soon = Db::new(dir.path(), Durable::Soon);
        add(&mut soon, "1", false).expect("written");
        let mut now = Db::new(dir.path(), Durable::Now);
        add(&mut now, "2", false).expect("written");
        std::fs::create_dir(copy.path().join(STATE)).expect("made");
        std::fs::copy(path_of(dir.path()), path_of(copy.path())).expect("copied while in use");
        assert_eq!(count(&Db::new(copy.path(), Durable::Now)), 2);
    }

    #[test]
    fn many_open_a_new_file_at_once() {
        let dir = tempfile::tempdir().expect("folder");
        std::thread::scope(|scope| {
            for nth in 0..8 {
                let root = dir.path();
                scope.spawn(move || {
                    let mut db = Db::new(root, Durable::Soon);
                    for n in 0..5 {
                        add(&mut db, &format!("{nth}-{n}"), false).expect("written");
                    }
                });
            }
        });
        assert_eq!(count(&Db::new(dir.path(), Durable::Soon)), 40);
    }

    #[test]
    fn a_newer_file_and_a_damaged_one_are_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let connection = open(dir.path()).expect("made");
        connection.pragma_update(None, "user_version", 99).expect("set");
        drop(connection);
        let newer = open(dir.path()).expect_err("newer");
        assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
        for end in ["", "-wal", "-shm"] {
            let mut name = path_of(dir.path()).into_os_string();
            name.push(end);
            std::fs::remove_file(name).expect("gone");
        }
        std::fs::write(path_of(dir.path()), "not a database, not at all".repeat(100)).expect("damaged");
        let damaged = open(dir.path()).expect_err("damaged");
        assert_eq!(damaged.code(), "database-error");
    }
}
