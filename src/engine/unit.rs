//! The one way in which a result is looked up, made and kept.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use serde_json::Value as Json;

use super::locked;
use super::reason::{self, Side, files};
use super::run::Cx;
use crate::source::Fault;
use crate::store::{Claim, Clock, Describe, Digest, Key, Manifest, Record, key_alone, key_of};

/// What a unit makes: objects by name, and what is told of them.
pub(super) struct Made {
    pub(super) outputs: BTreeMap<String, Digest>,
    pub(super) meta: Json,
    /// Objects that explain the result.
    pub(super) about: BTreeMap<String, Digest>,
}

impl Made {
    pub(super) fn new(outputs: BTreeMap<String, Digest>, meta: Json) -> Self {
        Self { outputs, meta, about: BTreeMap::new() }
    }
}

/// A unit that is done.
pub(super) struct Done {
    pub(super) key: Key,
    pub(super) record: Record,
    /// Why it ran; none if it was made before.
    pub(super) ran: Option<String>,
}

impl Done {
    /// An output's digest.
    pub(super) fn output(&self, name: &str) -> Result<Digest, Fault> {
        let found = self.record.outputs.get(name).copied();
        found.ok_or_else(|| {
            Fault::new("broken-record", format!("the record of this step has no `{name}`")).help("run with `--force`")
        })
    }
}

/// The parts of a key, as a list.
#[derive(Clone, Default)]
pub(super) struct Parts(pub(super) Vec<(String, Json)>);

impl Parts {
    pub(super) fn new(verb: &str) -> Self {
        Self(vec![("verb".to_owned(), Json::from(verb))])
    }

    pub(super) fn add(&mut self, path: impl Into<String>, value: impl Into<Json>) {
        self.0.push((path.into(), value.into()));
    }
}

impl Describe for Parts {
    fn describe(&self, manifest: &mut dyn Manifest) {
        for (path, value) in &self.0 {
            manifest.part(path, value);
        }
    }
}

/// The name under which the last key of a step's unit is remembered.
pub fn label(pipeline: &str, step: &str, unit: &str) -> String {
    if unit.is_empty() { format!("{pipeline}/{step}") } else { format!("{pipeline}/{step}/{unit}") }
}

/// Where the key of the last unit that was made under a label is remembered.
pub fn ran(label: &str) -> String {
    format!("{label} ran")
}

/// Where the key that it took the place of is remembered.
pub fn was(label: &str) -> String {
    format!("{label} was")
}

/// The result of what `parts` describe: from the store, or made and kept.
pub(super) fn unit(
    cx: &Cx,
    label: &str,
    parts: &Parts,
    make: impl FnOnce() -> Result<Made, Fault>,
) -> Result<Done, Fault> {
    let key = key_alone(parts);
    cx.used(label, key);
    if let Some(lock) = cx.locked {
        locked::check(cx, lock, label, &key, parts)?;
    }
    if !cx.dry {
        // Before it is looked up: from here on `gc` leaves it alone.
        cx.store.rely_on(&key.0)?;
    }
    let kept = || -> Result<Option<Done>, Fault> {
        let Some(record) = cx.store.result(&key).filter(|record| !cx.force && record.is_whole(&cx.store)) else {
            return Ok(None);
        };
        if !cx.dry {
            cx.store.set_latest(label, &key)?;
        }
        Ok(Some(Done { key, record, ran: None }))
    };
    if let Some(done) = kept()? {
        return Ok(done);
    }
    let (_, described) = key_of(parts);
    let before = cx.store.latest(label);
    let why = |files| {
        let now = Side { parts: &described, files };
        reason::of(&cx.store, before.as_ref(), &key, &now, cx.force)
    };
    if cx.dry {
        return Err(reason::would_run(why(files::of(cx, parts))));
    }
    let wait = |_| if cx.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let Some(claim) = Claim::take(&cx.store, &key, wait)? else {
        return Err(Fault::new("interrupted", "the run was interrupted"));
    };
    // Another process may have made it while this one waited.
    if let Some(done) = kept()? {
        return Ok(done);
    }
    let files = files::of(cx, parts);
    let reason = why(files.clone()).text;
    cx.begin();
    let began = Instant::now();
    cx.take_pieces();
    let mut made = make()?;
    files::keep(&cx.store, &files, &mut made.about)?;
    let record = Record {
        key,
        parts: described,
        outputs: made.outputs,
        meta: made.meta,
        about: made.about,
        pieces: cx.take_pieces().into_iter().collect(),
        seconds: began.elapsed().as_secs_f64(),
        made: Clock::default().text(),
    };
    cx.store.keep(&record)?;
    if let Some(before) = before {
        cx.store.set_latest(&was(label), &before)?;
    }
    cx.store.set_latest(&ran(label), &key)?;
    cx.store.set_latest(label, &key)?;
    drop(claim);
    Ok(Done { key, record, ran: Some(reason) })
}
