//! Which files are not what they were.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It wasn't there.
    New,
    /// Its content is another one.
    Changed,
    /// It isn't there any more.
    Gone,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Gone => "gone",
        })
    }
}

/// Files that are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Which, by name, as paths relative to the project where they are inside.
    pub files: Vec<(PathBuf, Change)>,
    /// Whether one of them is no data: the pipeline's file, a contract, the project's settings.
    pub rules: bool,
    /// Whether one of them is data.
    pub data: bool,
}

/// How many files are named in one line.
const NAMED: usize = 3;

impl Changes {
    /// Whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl fmt::Display for Changes {
    /// `data/a.csv changed, data/b.csv new and 3 more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, change)) in self.files.iter().take(NAMED).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{} {change}", path.display())?;
        }
        match self.files.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
