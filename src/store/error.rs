//! What goes wrong between gristmill and the disk: which path, and what to do about it.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::source::Fault;

/// An error of the store. All but `Missing`, `Changing` and `Lock` are the environment's fault (exit code 5).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the quota is full.
    #[error("the disk has no room for `{}`", path.display())]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
    },
    /// The user may not.
    #[error("no permission to {doing} `{}`", path.display())]
    Permission {
        /// `read`, `write`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
    },
    /// The file system is mounted read-only.
    #[error("`{}` is on a read-only file system", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file that should be there isn't.
    #[error("there is no file `{}`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file that is written to while it is read.
    #[error("`{}` changes while it is read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// The file system has no locks.
    #[error("the file system can't lock `{}`", path.display())]
    NoLocks {
        /// The file that was to be locked.
        path: PathBuf,
    },
    /// Any other error of the file system.
    #[error("can't {doing} `{}`", path.display())]
    Io {
        /// `read`, `write`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error beneath.
        source: io::Error,
    },
    /// Another process holds the database for too long.
    #[error("another process keeps `{}` locked", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The database can't be read: its file is damaged, or a statement failed.
    #[error("the database `{}` can't be used", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The error beneath.
        source: Box<rusqlite::Error>,
    },
    /// A newer gristmill wrote it.
    #[error("`{}` was written by a newer gristmill (format {found}, known are formats up to {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format that this binary knows.
        known: u32,
    },
    /// A lock file that can't be read.
    #[error("`{}`, line {line}: {message}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The line, from one.
        line: usize,
        /// What is wrong there.
        message: String,
    },
}

impl StoreError {
    /// For `map_err`: what an I/O error means that came while `doing` something with `path`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            ErrorKind::PermissionDenied => Self::Permission { doing, path },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::NotFound => Self::Missing { path },
            ErrorKind::Unsupported if doing == "lock" => Self::NoLocks { path },
            _ => Self::Io { doing, path, source },
        }
    }

    /// For `map_err`: what an error of SQLite means for the database at `path`.
    pub fn sql(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            // Files that it maps into memory fail otherwise than those that it writes.
            Some(ErrorCode::SystemIoFailure) if is_full(&path) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::Permission { doing: "open", path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Database { path, source: Box::new(source) },
        }
    }

    /// The stable name of the kind of error, as in `Fault::code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DiskFull { .. } => "disk-full",
            Self::Permission { .. } => "no-permission",
            Self::ReadOnly { .. } => "read-only",
            Self::Missing { .. } => "missing-file",
            Self::Changing { .. } => "source-changed",
            Self::NoLocks { .. } => "no-file-locks",
            Self::Io { .. } => "disk-error",
            Self::Busy { .. } => "database-busy",
            Self::Database { .. } => "database-error",
            Self::Newer { .. } => "newer-format",
            Self::Lock { .. } => "broken-lock",
        }
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::DiskFull { .. } => {
                "make room (`gristmill gc` drops what no lock or model needs) and run again; what is done is kept"
            }
            Self::Permission { .. } => "give yourself the right to it, or run as its owner",
            Self::ReadOnly { .. } => "mount it writable, or work on a copy of the project",
            Self::Missing { .. } => "look for a misspelled name, or for a file that isn't in git",
            Self::Changing { .. } => {
                "run again when it is written; better, write it under another name and rename it: then nobody sees half of it"
            }
            Self::NoLocks { .. } => "put the project on a local disk: two runs at once need file locks",
            Self::Io { source, .. } if is_in_the_way(source) => {
                "a file stands where a folder should be, or a folder where a file should be: move it away, then run again"
            }
            Self::Io { .. } => "look after the disk or the network drive, then run again; what is done is kept",
            Self::Busy { .. } => "wait for the other run to end, then run again",
            Self::Database { .. } => {
                "put back a copy of the file; without one, move it away: runs and the model registry start anew, cached results stay"
            }
            Self::Newer { .. } => "upgrade gristmill",
            Self::Lock { .. } => {
                "take one side of the merge, or delete the file and run the pipeline: it is made again from the cache"
            }
        }
    }
}

/// Whether something else stands where a file or a folder should be.
fn is_in_the_way(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, IsADirectory, NotADirectory};
    matches!(error.kind(), AlreadyExists | IsADirectory | NotADirectory)
}

/// Whether there is no room beside a file.
fn is_full(path: &Path) -> bool {
    let probe = || {
        let mut probe = tempfile::tempfile_in(path.parent().unwrap_or(path))?;
        probe.write_all(&[1; 1 << 16])?;
        probe.sync_all()
    };
    probe().is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Whether a fault with this code is the environment's (exit code 5), not the pipeline's.
pub fn is_environment(code: &str) -> bool {
    matches!(
        code,
        "disk-full"
            | "no-permission"
            | "read-only"
            | "no-file-locks"
            | "disk-error"
            | "database-busy"
            | "database-error"
            | "newer-format"
            | "address-in-use"
            | "bad-address"
            | "no-threads"
            | "no-signals"
    )
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let fault = Fault::new(error.code(), error.to_string()).help(error.help());
        match error {
            StoreError::Io { source, .. } => fault.because(source),
            StoreError::Database { source, .. } => fault.because(source),
            _ => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_which_path_and_what_to_do() {
        let full = StoreError::io("write", Path::new("a/b"))(ErrorKind::StorageFull.into());
        let fault = Fault::from(full);
        assert_eq!(fault.to_string(), "the disk has no room for `a/b`");
        assert!(fault.help.expect("advice").starts_with("make room"));
        assert!(is_environment(fault.code));
    }

    #[test]
    fn other_errors_keep_their_cause() {
        let error = StoreError::io("read", Path::new("x"))(io::Error::other("bad sector"));
        assert_eq!(Fault::from(error).to_string(), "can't read `x`: bad sector");
    }

    #[test]
    fn a_missing_file_or_a_broken_lock_is_not_the_environment() {
        let missing = StoreError::io("read", Path::new("x"))(ErrorKind::NotFound.into());
        assert!(!is_environment(missing.code()));
        let lock = StoreError::Lock { path: "p.lock".into(), line: 3, message: "no".into() };
        assert_eq!(lock.to_string(), "`p.lock`, line 3: no");
        assert!(!is_environment(lock.code()));
    }
}
