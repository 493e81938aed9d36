//! What a watch tells: to people in a line, to machines as one JSON object.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value as Json, json};

use super::Changes;

/// Why a run starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// The watch begins.
    Start,
    /// Files are not what they were.
    Files(Changes),
    /// It is time.
    Schedule(Zoned),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Start => f.write_str("the watch begins"),
            Cause::Files(changes) => changes.fmt(f),
            Cause::Schedule(at) => write!(f, "the schedule: {}", at.strftime("%Y-%m-%d %H:%M %Z")),
        }
    }
}

/// Something that a watch tells.
#[derive(Debug)]
pub enum Event {
    /// It listens.
    Watching {
        /// The pipelines.
        pipelines: Vec<String>,
        /// How many files.
        files: usize,
        /// In how many folders; 0 if it only looks from time to time.
        folders: usize,
        /// How often it looks at everything.
        poll: Duration,
    },
    /// Something to know.
    Note {
        /// What.
        message: String,
    },
    /// Files are not what they were.
    Changed {
        /// The pipeline.
        pipeline: String,
        /// Which files.
        changes: Changes,
        /// How long the run has to wait.
        waits: Option<Duration>,
    },
    /// A run starts.
    RunStarted {
        /// The pipeline.
        pipeline: String,
        /// Why.
        cause: Cause,
    },
    /// A run has ended.
    RunEnded {
        /// The pipeline.
        pipeline: String,
        /// What came of it, in a line.
        summary: String,
        /// What came of it, for machines.
        result: Map<String, Json>,
    },
    /// The pipeline's file, or another that it is made of, is wrong.
    Broken {
        /// The pipeline.
        pipeline: String,
        /// What is wrong, with carets.
        text: String,
        /// The same, for machines.
        diagnostics: Json,
        /// Whether the last one that was right stays in force.
        stays: bool,
    },
    /// It ends.
    Stopped,
}

impl Event {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Watching { .. } => "watching",
            Event::Note { .. } => "note",
            Event::Changed { .. } => "changed",
            Event::RunStarted { .. } => "run_started",
            Event::RunEnded { .. } => "run_ended",
            Event::Broken { .. } => "broken",
            Event::Stopped => "stopped",
        }
    }

    /// One object.
    pub fn to_json(&self, now: Timestamp) -> Json {
        let mut told = head(self.name(), now);
        let rest = match self {
            Event::Watching { pipelines, files, folders, poll } => {
                json!({"pipelines": pipelines, "files": files, "folders": folders, "poll_seconds": poll.as_secs_f64()})
            }
            Event::Note { message } => json!({"message": message}),
            Event::Changed { pipeline, changes, waits } => {
                json!({"pipeline": pipeline, "files": listed(changes), "wait_seconds": waits.map(|wait| wait.as_secs_f64())})
            }
            Event::RunStarted { pipeline, cause } => match cause {
                Cause::Start => json!({"pipeline": pipeline, "cause": "start"}),
                Cause::Files(changes) => json!({"pipeline": pipeline, "cause": "files", "files": listed(changes)}),
                Cause::Schedule(at) => json!({"pipeline": pipeline, "cause": "schedule", "scheduled": at.to_string()}),
            },
            Event::RunEnded { pipeline, result, .. } => {
                let mut rest = Map::from_iter([("pipeline".to_owned(), json!(pipeline))]);
                rest.extend(result.clone());
                Json::Object(rest)
            }
            Event::Broken { pipeline, diagnostics, stays, .. } => {
                json!({"pipeline": pipeline, "diagnostics": diagnostics, "last_good_stays": stays})
            }
            Event::Stopped => json!({}),
        };
        if let Json::Object(rest) = rest {
            told.extend(rest);
        }
        Json::Object(told)
    }

    /// One line, or some.
    pub fn to_text(&self) -> String {
        match self {
            Event::Watching { pipelines, files, folders, poll } => {
                let names = crate::source::list(pipelines.iter().map(String::as_str));
                let how = match folders {
                    0 => format!("looking every {} s", poll.as_secs_f64()),
                    _ => format!("listening to {folders} folders"),
                };
                format!("watching {names}: {files} files, {how}; Ctrl-C ends it")
            }
            Event::Note { message } => message.clone(),
            Event::Changed { pipeline, changes, waits } => match waits {
                Some(wait) => format!("{pipeline}: {changes}; the cooldown lasts {:.0} s more", wait.as_secs_f64()),
                None => format!("{pipeline}: {changes}"),
            },
            Event::RunStarted { pipeline, cause } => format!("{pipeline}: run started: {cause}"),
            Event::RunEnded { pipeline, summary, .. } => format!("{pipeline}: {summary}"),
            Event::Broken { pipeline, text, stays, .. } => {
                let rest = if *stays {
                    "the last one that was right stays in force"
                } else {
                    "nothing is run until it is mended"
                };
                format!("{pipeline} is wrong; {rest}:\n\n{text}\n")
            }
            Event::Stopped => "stopped".to_owned(),
        }
    }
}

/// The keys that every event has.
pub fn head(name: &str, now: Timestamp) -> Map<String, Json> {
    Map::from_iter([("event".to_owned(), json!(name)), ("time".to_owned(), json!(format!("{now:.3}")))])
}

fn listed(changes: &Changes) -> Vec<Json> {
    let one = |(path, change): &(PathBuf, super::Change)| json!({"path": path.to_string_lossy(), "change": change});
    changes.files.iter().map(one).collect()
}
