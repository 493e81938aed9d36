//! Why a step runs: the parts of its key that differ from last time, and what they mean in words.

pub(super) mod files;
mod ops;
mod tree;
mod words;

use std::fmt;

use serde::Serialize;

use files::Files;

use super::status::WOULD_RUN;
use crate::source::Fault;
use crate::store::{Change, Key, Part, Record, Store, diff};

/// Said of what is kept.
pub(super) const UNCHANGED: &str = "nothing it depends on changed";
/// Said of what was never made.
pub(super) const NEVER: &str = "it never ran";

/// Why a unit runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reason {
    /// In one line.
    pub text: String,
    /// All of it in words, one a line.
    pub because: Vec<String>,
    /// The parts of the key that differ from last time.
    pub changes: Vec<Change>,
    /// How many trials of a search needn't be made again, if any are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<KeptTrials>,
}

/// How many trials of a search are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeptTrials {
    /// So many; more may be, where what is tried next depends on scores that aren't there yet.
    pub kept: usize,
    /// Of how many.
    pub of: usize,
}

impl fmt::Display for KeptTrials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} trials are kept", self.kept, self.of)
    }
}

impl Reason {
    /// A reason that isn't a part of a key.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { because: vec![text.clone()], text, ..Self::default() }
    }

    /// Takes in what another unit of the same step has to say; nothing is said twice.
    pub(super) fn and(&mut self, other: Self) {
        self.because.extend(other.because);
        self.changes.extend(other.changes);
        self.because = once(std::mem::take(&mut self.because));
        self.changes = once(std::mem::take(&mut self.changes));
        self.text = headline(&self.because);
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Reason {}

/// A key names models by their places; people do by their steps.
pub(super) fn with_names<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .enumerate()
        .fold(text.to_owned(), |text, (nth, name)| text.replace(&format!("`models[{nth}]`"), &format!("`{name}`")))
}

/// Each once, in order.
fn once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// What is compared: the parts of a key, and the files of the sources among them.
#[derive(Default)]
pub(super) struct Side<'a> {
    pub(super) parts: &'a [Part],
    pub(super) files: Files,
}

impl<'a> Side<'a> {
    /// What a record keeps of it.
    pub(super) fn kept(store: &Store, record: &'a Record) -> Self {
        Self { parts: &record.parts, files: files::kept(store, record) }
    }
}

/// Why a unit runs: against the record of its last run.
pub(super) fn of(store: &Store, before: Option<&Key>, key: &Key, now: &Side, force: bool) -> Reason {
    let Some(before) = before else {
        return Reason::plain(NEVER);
    };
    if force {
        return Reason::plain("`--force`");
    }
    match store.record(before) {
        None if before == key => Reason::plain("the record of its last run is gone or damaged"),
        None => Reason::plain("it is another than last time, and the record of its last run is gone"),
        Some(record) if before == key => gone(store, &record),
        Some(record) => compare(&Side::kept(store, &record), now),
    }
}

/// The fault that stands for "this would run", with the reason as its cause.
pub(super) fn would_run(reason: Reason) -> Fault {
    Fault::new(WOULD_RUN, reason.text.clone()).because(reason)
}

/// The reason in such a fault.
pub(super) fn of_fault(fault: Fault) -> Reason {
    let text = fault.message;
    match fault.cause.and_then(|cause| cause.downcast::<Reason>().ok()) {
        Some(reason) => *reason,
        None => Reason::plain(text),
    }
}

/// Which of a record's objects aren't there.
fn gone(store: &Store, record: &Record) -> Reason {
    let missing = record.outputs.iter().filter(|(_, digest)| !store.has(digest));
    let because: Vec<String> =
        missing.map(|(name, digest)| format!("its output `{name}` ({}) is gone or damaged", digest.short())).collect();
    match because.is_empty() {
        true => Reason::plain("its result was gone for a moment"),
        false => Reason { text: headline(&because), because, ..Reason::default() },
    }
}

/// What differs between the parts of two keys.
pub(super) fn compare(before: &Side, after: &Side) -> Reason {
    let changes = diff(before.parts, after.parts);
    let because = once(words::all(before, after, &changes));
    let text = match because.is_empty() {
        true => "this version of gristmill makes keys in another way".to_owned(),
        false => headline(&because),
    };
    Reason { text, because, changes, trials: None }
}

/// All of it in one line.
fn headline(because: &[String]) -> String {
    match because.len() {
        0 => UNCHANGED.to_owned(),
        1..=3 => because.join("; "),
        many => format!("{}; and {} more", because[..2].join("; "), many - 2),
    }
}

#[cfg(test)]
mod tests;
