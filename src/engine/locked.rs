//! `--locked`: a run that must come to what the lock says, and makes nothing else.

use serde_json::Value as Json;

use super::reason::{self, Side};
use super::run::Cx;
use super::sources::Identity;
use super::unit::Parts;
use crate::plan::Plan;
use crate::source::Fault;
use crate::store::{Key, Lock, key_of};

/// How far a metric may be from the lock's, relative to its size: other processors round otherwise.
pub const TOLERANCE: f64 = 1e-6;
/// The code of faults that say so.
pub const LOCKED: &str = "locked";

const HELP: &str = "run without `--locked` and commit the lock, if that is meant";

/// Steps and sources that are only in the plan or only in the lock.
pub fn strangers(plan: &Plan, lock: &Lock) -> Vec<Fault> {
    let here = plan.steps.iter().filter(|step| step.off.is_none() && !lock.steps.contains_key(&step.name));
    let here = here.map(|step| fault(format!("`{}` isn't in the lock", step.name)).on_key().under(&step.route()));
    let gone = lock.steps.keys().filter(|name| plan.step(name).is_none());
    here.chain(gone.map(|name| fault(format!("the lock has a step `{name}`, and the pipeline hasn't")))).collect()
}

/// Whether a unit's key is the one in the lock.
pub(super) fn check(cx: &Cx, lock: &Lock, label: &str, key: &Key, parts: &Parts) -> Result<(), Fault> {
    let Some(expected) = expected(lock, label) else { return Ok(()) };
    if expected == *key {
        return Ok(());
    }
    let why = match cx.store.record(&expected) {
        Some(record) => {
            let (_, parts) = key_of(parts);
            let now = Side { parts: &parts, ..Side::default() };
            reason::compare(&Side::kept(&cx.store, &record), &now).text
        }
        None => format!("its key is {}, and {} in the lock", key.short(), expected.short()),
    };
    Err(fault(format!("the result would differ from the lock: {why}")))
}

/// The key in the lock of `pipeline/step/unit`; none if the lock has no word on it.
fn expected(lock: &Lock, label: &str) -> Option<Key> {
    let (_, name) = label.split_once('/')?;
    if let Some(step) = lock.steps.get(name) {
        return Some(step.key);
    }
    // The unit is what stands behind the last slash: names may have some of their own.
    let (name, unit) = name.rsplit_once('/')?;
    match lock.steps.get(name) {
        Some(step) => Some(step.units.get(unit).copied().unwrap_or(step.key)),
        None => lock.sources.get(name)?.key,
    }
}

/// Whether a source is what it was.
pub(super) fn check_source(lock: &Lock, name: &str, identity: &Identity) -> Result<(), Fault> {
    match lock.sources.get(name) {
        Some(locked) if locked.digest == identity.bytes => Ok(()),
        Some(locked) => Err(fault(format!(
            "the source `{name}` differs from the lock: {}, and {} in the lock",
            identity.bytes.short(),
            locked.digest.short()
        ))),
        None => Err(fault(format!("the source `{name}` isn't in the lock"))),
    }
}

/// The metrics that are further from the lock's than rounding explains, in words.
pub(super) fn check_metrics(lock: &Lock, step: &str, metrics: &Json) -> Result<(), Fault> {
    let Some(locked) = lock.steps.get(step).and_then(|step| step.metrics.as_ref()) else { return Ok(()) };
    let mut found = Vec::new();
    differences(locked, metrics, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    Err(fault(format!("the metrics differ from the lock: {}", found.join("; "))))
}

fn differences(locked: &Json, now: &Json, path: &str, found: &mut Vec<String>) {
    match (locked, now) {
        (Json::Object(locked), Json::Object(now)) => {
            let mut names: Vec<&String> = locked.keys().chain(now.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of = |map: &serde_json::Map<String, Json>| map.get(name).cloned().unwrap_or_default();
                differences(&of(locked), &of(now), &path, found);
            }
        }
        _ => {
            let close = locked
                .as_f64()
                .zip(now.as_f64())
                .is_some_and(|(locked, now)| (locked - now).abs() <= TOLERANCE * locked.abs().max(now.abs()).max(1.0));
            if !close && locked != now {
                found.push(format!("`{path}` is {now}, and {locked} in the lock"));
            }
        }
    }
}

fn fault(message: String) -> Fault {
    Fault::new(LOCKED, message).help(HELP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Digest, StepLock};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn lock(metrics: Option<Json>) -> Lock {
        let key = |text: &str| Key(Digest::of(text.as_bytes()));
        let mut lock = Lock::default();
        for name in ["forest", "a/b=1"] {
            let units = BTreeMap::from([("cv".to_owned(), key("cv"))]);
            let step = StepLock { key: key(name), units, outputs: BTreeMap::new(), metrics: metrics.clone() };
            lock.steps.insert(name.to_owned(), step);
        }
        lock
    }

    #[test]
    fn a_label_leads_to_its_key_whatever_the_name() {
        let lock = lock(None);
        let key = |text: &str| Some(Key(Digest::of(text.as_bytes())));
        assert_eq!(expected(&lock, "p/forest"), key("forest"));
        assert_eq!(expected(&lock, "p/forest/cv"), key("cv"));
        assert_eq!(expected(&lock, "p/forest/seal"), key("forest"));
        assert_eq!(expected(&lock, "p/a/b=1"), key("a/b=1"));
        assert_eq!(expected(&lock, "p/a/b=1/cv"), key("cv"));
        assert_eq!(expected(&lock, "p/other"), None);
    }

    #[test]
    fn metrics_may_be_rounded_otherwise_and_no_more() {
        let lock = lock(Some(json!({"m": {"f1": 0.5, "rmse": 1e9}})));
        assert!(check_metrics(&lock, "forest", &json!({"m": {"f1": 0.5 + 1e-8, "rmse": 1e9 + 1.0}})).is_ok());
        let wrong = check_metrics(&lock, "forest", &json!({"m": {"f1": 0.51, "recall": 1.0, "rmse": 1e9}}));
        let message = wrong.expect_err("two differ").message;
        assert!(message.contains("`m.f1` is 0.51, and 0.5 in the lock"), "{message}");
        assert!(message.contains("`m.recall` is 1.0, and null in the lock"), "{message}");
    }
}
