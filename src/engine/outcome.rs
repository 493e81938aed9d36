//! What steps leave for the steps after them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Judgement;
use super::event::Outcome;
use super::promote::{Promoted, Weighed};
use crate::data::{Part, Shape};
use crate::store::{Digest, Key};

/// A part of a table that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartMeta {
    /// Which.
    pub part: Part,
    /// The object with its rows.
    pub digest: Digest,
    /// How many rows.
    pub rows: usize,
    /// The digest of each column's content, the rows' positions among them.
    pub columns: BTreeMap<String, Digest>,
}

/// A table that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableMeta {
    /// Its columns.
    pub shape: Shape,
    /// Its parts.
    pub parts: Vec<PartMeta>,
    /// How many rows each op dropped, in order; one that repeats rows dropped less than none.
    pub dropped: Vec<(String, i64)>,
    /// How many rows there were before the first op.
    #[serde(default)]
    pub input: Option<usize>,
}

impl TableMeta {
    /// One part.
    pub fn part(&self, part: Part) -> Option<&PartMeta> {
        self.parts.iter().find(|meta| meta.part == part)
    }

    /// The rows to learn from.
    pub fn training(&self) -> &PartMeta {
        self.parts.iter().find(|meta| meta.part.trains()).expect("a table has rows to learn from, be they none")
    }

    /// How many rows in all parts.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|meta| meta.rows).sum()
    }
}

/// One segment of a table step: its key and what it left.
#[derive(Clone, Debug)]
pub struct SegmentDone {
    /// Its key.
    pub key: Key,
    /// The table after it.
    pub table: TableMeta,
    /// The object with what each op learned.
    pub fitted: Digest,
    /// The object with its row steps.
    pub recipe: Digest,
}

/// What a deploy step did.
#[derive(Clone, Debug, Serialize)]
pub struct DeployResult {
    /// The registered name.
    pub model: String,
    /// The version.
    pub version: u32,
    /// The alias.
    pub alias: String,
    /// Whether the alias points to this version.
    pub promoted: bool,
    /// Whether the version is new.
    pub new: bool,
    /// The sealed model's digest.
    pub digest: String,
    /// What came of the comparison with what the alias pointed to; none if none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Promoted>,
    /// The comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Weighed>,
    /// The comparison in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// What a search for hyper-parameters left.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The object with the trials.
    pub digest: Digest,
    /// How long each trial took to make, in seconds.
    pub seconds: Vec<f64>,
    /// The winner's hyper-parameters and score, as they are told.
    pub best: Json,
}

/// What a step left for those after it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A table, after each of its segments.
    Table(Vec<SegmentDone>),
    /// A trained model: its object, its target's classes as they are told, and its out-of-fold predictions.
    Model {
        /// The object with the trained model.
        digest: Digest,
        /// The object with the out-of-fold predictions.
        folds: Option<Digest>,
        /// How long the fit took.
        seconds: f64,
        /// The search for its hyper-parameters.
        tuned: Option<Box<Tuned>>,
    },
    /// A judgement.
    Judged(Box<Judgement>),
    /// A deployment; none if a gate failed.
    Deployed(Option<DeployResult>),
    /// Files that a program left, and the columns of tables among them that have others than the plan was made with.
    Files(BTreeMap<String, Shape>),
}

/// A step that is done.
#[derive(Clone, Debug)]
pub struct StepDone {
    /// What became of it.
    pub outcome: Outcome,
    /// Why it ran.
    pub reason: String,
    /// The key of its last unit.
    pub key: Key,
    /// Its outputs' digests by name.
    pub outputs: BTreeMap<String, Digest>,
    /// Its metrics, for the lock.
    pub metrics: Option<Json>,
    /// For the steps after it.
    pub payload: Payload,
    /// A line for people.
    pub summary: String,
}

impl StepDone {
    /// Columns that the plan didn't know: what comes after must be planned anew.
    pub fn surprises(&self) -> Option<&BTreeMap<String, Shape>> {
        match &self.payload {
            Payload::Files(surprises) if !surprises.is_empty() => Some(surprises),
            _ => None,
        }
    }

    /// The hyper-parameters that a search found, and their score.
    pub fn tuned(&self) -> Option<&Tuned> {
        match &self.payload {
            Payload::Model { tuned, .. } => tuned.as_deref(),
            _ => None,
        }
    }

    /// The table after its last op.
    pub fn table(&self) -> &TableMeta {
        &self.segments().last().expect("a table step has a segment").table
    }

    /// The segments of a table step.
    ///
    /// # Panics
    /// If it is none: the plan has seen to it.
    pub fn segments(&self) -> &[SegmentDone] {
        match &self.payload {
            Payload::Table(segments) => segments,
            _ => unreachable!("the plan lets only tables stand here"),
        }
    }
}
