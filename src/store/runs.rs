//! What is known of a run.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::Digest;

/// Names a run: when it began (UTC, to the millisecond) and four hex digits, so that names sort by time:
/// `20250301-093000250-7f3a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RunId(pub(super) String);

impl RunId {
    /// For a run that begins `now`; `salt` tells apart those that begin at once.
    pub(super) fn new(now: Timestamp, salt: u64) -> Self {
        let unique = format!("{} {} {salt}", now.as_nanosecond(), std::process::id());
        let unique = Digest::of(unique.as_bytes()).hex();
        // `2025-03-01T09:30:00.250Z`
        let digits: String = format!("{now:.3}").chars().filter(char::is_ascii_digit).collect();
        let (date, time) = digits.split_at(digits.len().saturating_sub(9));
        Self(format!("{date}-{time}-{}", &unique[..4]))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on.
    Running,
    /// All went well.
    Done,
    /// A step failed.
    Failed,
    /// A gate failed.
    GateFailed,
    /// It was stopped, or its process died.
    Interrupted,
}

impl Status {
    const ALL: [Self; 5] = [Self::Running, Self::Done, Self::Failed, Self::GateFailed, Self::Interrupted];

    /// As in JSON: `gate_failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::GateFailed => "gate_failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How long it took; none while it runs, or if its process died.
    pub seconds: Option<f64>,
    /// How it stands.
    pub status: Status,
    /// What the run told of itself at its end; an empty map before.
    pub summary: Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_within_a_millisecond() {
        let at = |ms: i64| Timestamp::from_millisecond(1_740_821_400_000 + ms).expect("in range");
        let one = RunId::new(at(250), 0);
        assert!(one.as_str().starts_with("20250301-093000250-"), "{one}");
        assert_eq!(one.as_str().len(), 23);
        assert!(one < RunId::new(at(251), 0));
        assert_ne!(one, RunId::new(at(250), 1));
    }

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).expect("json"), status.as_str());
        }
    }
}
