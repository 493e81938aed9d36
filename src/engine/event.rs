//! What happens during a run. Terminal, JSON and run history are consumers of these.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use crate::source::Fault;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was made.
    Ran,
    /// It was made before.
    Cached,
    /// The world was brought to what the step says.
    Reconciled,
    /// It failed.
    Failed,
    /// Something that it needs failed.
    Skipped,
}

/// How a step ended.
#[derive(Clone, Debug, Serialize)]
pub struct StepEnd {
    /// The step.
    pub step: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it ran, or why it didn't.
    pub reason: String,
    /// Its key, if it got that far.
    pub key: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Its outputs' digests.
    pub outputs: BTreeMap<String, String>,
    /// The hyper-parameters that a search found, and their score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Json>,
    /// A line for people: rows, scores, version.
    #[serde(skip)]
    pub summary: String,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A step has work to do: it isn't kept.
    Started {
        /// The step.
        step: String,
    },
    /// A part of its work is done.
    Progress {
        /// The step.
        step: String,
        /// How much is done.
        done: usize,
        /// Of how much.
        total: usize,
        /// What is counted: "trees", "folds".
        unit: &'static str,
    },
    /// A search has found something better.
    Better {
        /// The step.
        step: String,
        /// What, in words: "f1 0.9312".
        what: String,
    },
    /// A program said something.
    Said {
        /// The step.
        step: String,
        /// One line, without its end and without secrets.
        line: String,
    },
    /// A step failed, and will be tried again.
    Retrying {
        /// The step.
        step: String,
        /// How often it failed.
        attempt: u32,
        /// How often it is tried again at most.
        of: u32,
        /// How long until then.
        wait: Duration,
        /// Why it failed.
        fault: Fault,
    },
    /// Something that somebody should know.
    Warning {
        /// The step.
        step: String,
        /// What.
        fault: Fault,
    },
    /// A step ended.
    Ended(StepEnd),
}

impl Event {
    /// The step that it is about.
    pub fn step(&self) -> Option<&str> {
        match self {
            Event::Started { step }
            | Event::Progress { step, .. }
            | Event::Better { step, .. }
            | Event::Said { step, .. }
            | Event::Retrying { step, .. }
            | Event::Warning { step, .. } => Some(step),
            Event::Ended(end) => Some(&end.step),
        }
    }
}
