//! What a run would do, without doing it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::mpsc;

use serde::Serialize;

use super::outcome::StepDone;
use super::reason::{self, KeptTrials, Reason, Side};
use super::run::{Env, RunCx, step};
use super::train::model_key;
use super::tune;
use super::unit::Parts;
use super::{key, label};
use crate::plan::{OpNode, Plan, StepKind};
use crate::store::{Change, Key, Part, Record, Store, key_of};

/// What would become of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ahead {
    /// It would run.
    Run,
    /// Its result is kept.
    Cached,
    /// It may run: something that it needs would.
    Waits,
    /// It would be reconciled.
    Reconcile,
    /// It can't run.
    Blocked,
    /// It is no part of this run.
    Skipped,
}

/// A step, ahead of a run.
#[derive(Clone, Debug, Serialize)]
pub struct StepStatus {
    /// The step.
    pub step: String,
    /// Its verb.
    pub verb: &'static str,
    /// What would become of it.
    pub ahead: Ahead,
    /// Why, in a line.
    pub reason: String,
    /// Why, one line a change.
    pub because: Vec<String>,
    /// The parts of its key that changed, where it would run because of them.
    pub changes: Vec<Change>,
    /// How many trials of its search needn't be made again, if it would run and any are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<KeptTrials>,
    /// How long its kept result took to make, or else its last one, in seconds.
    pub seconds: Option<f64>,
    /// When that was made, RFC 3339.
    pub made: Option<String>,
    /// The keys of that, for whoever looks for the run that made it.
    #[serde(skip)]
    pub keys: Vec<Key>,
}

/// What a run of `places` would do.
pub fn ahead(plan: &Plan, places: &[usize], env: &Env) -> Vec<StepStatus> {
    // Nobody listens to what a look tells.
    let (events, _) = mpsc::sync_channel(1);
    let cx = RunCx::new(plan, env, events, true);
    places
        .iter()
        .map(|place| {
            let (ahead, reason) = look(&cx, *place);
            told(&cx, *place, ahead, named(plan, *place, reason))
        })
        .collect()
}

/// A step with what is known of the making of its result.
fn told(cx: &RunCx, place: usize, ahead: Ahead, reason: Reason) -> StepStatus {
    let node = &cx.plan.steps[place];
    let key = |unit: &Cow<str>| {
        let label = label(&cx.plan.name, &node.name, unit);
        let now = (ahead == Ahead::Cached).then(|| cx.key_of(&label)).flatten();
        now.or_else(|| cx.store.latest(&label))
    };
    let keys: Vec<Key> = units(&node.kind).iter().filter_map(key).collect();
    let records: Vec<Record> = keys.iter().filter_map(|key| cx.store.record(key)).collect();
    StepStatus {
        step: node.name.clone(),
        verb: node.kind.verb(),
        ahead,
        reason: reason.text,
        because: reason.because,
        changes: reason.changes,
        trials: reason.trials,
        seconds: (!records.is_empty()).then(|| records.iter().map(|record| record.seconds).sum()),
        made: records.into_iter().map(|record| record.made).max(),
        keys,
    }
}

fn look(cx: &RunCx, place: usize) -> (Ahead, Reason) {
    let node = &cx.plan.steps[place];
    if let Some(reason) = &node.off {
        return (Ahead::Skipped, Reason::plain(reason.as_str()));
    }
    let needs = cx.plan.needs(place);
    let name = |need: usize| cx.plan.steps[need].name.as_str();
    if let Some(need) = needs.iter().find(|need| cx.is_done(**need) && cx.done(**need).surprises().is_some()) {
        let reason = format!("once it is known which columns `{}` leaves", name(*need));
        return (Ahead::Waits, Reason::plain(reason));
    }
    let missing: Vec<&str> = needs.into_iter().filter(|need| !cx.is_done(*need)).map(name).collect();
    let is_deploy = matches!(node.kind, StepKind::Deploy(_));
    if !missing.is_empty() {
        return waiting(cx, place, &missing);
    }
    if is_deploy {
        return deploying(cx, place);
    }
    match step(cx, place) {
        Ok(done) => {
            let reason = Reason::plain(done.reason.clone());
            cx.finish(place, done);
            (Ahead::Cached, reason)
        }
        Err(fault) if fault.code == WOULD_RUN => (Ahead::Run, reason::of_fault(fault)),
        Err(fault) => (Ahead::Blocked, Reason::plain(fault.to_string())),
    }
}

/// A deployment: reconciled in any case, and sealed anew if what is sealed changed.
fn deploying(cx: &RunCx, place: usize) -> (Ahead, Reason) {
    match step(cx, place) {
        // Nothing is registered where a gate fails.
        Ok(done) => (Ahead::Reconcile, Reason::plain(done.reason)),
        Err(fault) if fault.code == WOULD_RUN => (Ahead::Reconcile, reason::of_fault(fault)),
        Err(fault) if fault.code == LOOKING => (Ahead::Reconcile, Reason::plain("it is reconciled at every run")),
        Err(fault) => (Ahead::Blocked, Reason::plain(fault.to_string())),
    }
}

/// A step whose inputs aren't known yet: it runs if what it is itself changed, else it depends on them.
fn waiting(cx: &RunCx, place: usize, missing: &[&str]) -> (Ahead, Reason) {
    let node = &cx.plan.steps[place];
    let names = crate::source::list(missing.iter().copied());
    if matches!(node.kind, StepKind::Deploy(_)) {
        return (Ahead::Reconcile, Reason::plain(format!("after {names}")));
    }
    let first = if matches!(&node.kind, StepKind::Train(train) if train.tune.is_some()) { "tune" } else { "" };
    let Some(before) = cx.store.latest(&label(&cx.plan.name, &node.name, first)) else {
        return (Ahead::Run, Reason::plain(reason::NEVER));
    };
    match cx.store.record(&before).and_then(|record| itself(cx, place, &record)) {
        Some(reason) => (Ahead::Run, reason),
        None => {
            let make = if missing.len() == 1 { "makes" } else { "make" };
            (Ahead::Waits, Reason::plain(format!("if what {names} {make} changes")))
        }
    }
}

/// What differs in a step itself, whatever its inputs turn out to be.
fn itself(cx: &RunCx, place: usize, record: &Record) -> Option<Reason> {
    let mut own = Parts::default();
    let roots: &[&str] = match &cx.plan.steps[place].kind {
        StepKind::Train(train) if let Some(tune) = &train.tune => {
            tune::describe(cx.plan.seed, train, tune, &mut own);
            &tune::OWN
        }
        StepKind::Train(train) if train.brought.is_none() => {
            model_key(cx.plan.seed, train, &mut own);
            &["format", "model", "version", "with", "seed", "target", "positive", "task", "weights", "target_transform"]
        }
        StepKind::Table(table) => {
            let last = table.segments().pop()?;
            let ops: Vec<&OpNode> = table.ops[last].iter().collect();
            key::said(&mut own, &ops, cx.plan);
            &["ops", "seed"]
        }
        _ => return None,
    };
    let is_own = |part: &&Part| roots.iter().any(|root| part.path.split(['.', '[']).next() == Some(root));
    // What several things of a step need, as the seed, may stand there more than once.
    let once = |parts: &[Part]| {
        let mut seen = BTreeSet::new();
        let own = parts.iter().filter(is_own).filter(|part| seen.insert(part.path.clone()));
        let mut own: Vec<Part> = own.cloned().collect();
        own.sort_by(|a, b| a.path.cmp(&b.path));
        own
    };
    let (before, after) = (once(&record.parts), once(&key_of(&own).1));
    (before != after).then(|| {
        let side = |parts| Side { parts, ..Side::default() };
        reason::compare(&side(&before), &side(&after))
    })
}

/// The code of the fault that stands for "this would run".
pub(super) const WOULD_RUN: &str = "would-run";
/// The code of the fault of effects that only look: nothing is left to do but to act on the world.
pub(super) const LOOKING: &str = "only-looking";

/// What is kept of the steps at `places`, as a run would find it; none where one would run.
pub fn kept(plan: &Plan, places: &[usize], env: &Env) -> Vec<Option<StepDone>> {
    // Nobody listens to what a look tells.
    let (events, _) = mpsc::sync_channel(1);
    let cx = RunCx::new(plan, env, events, true);
    for place in places {
        look(&cx, *place);
    }
    places.iter().map(|place| cx.is_done(*place).then(|| cx.done(*place).clone())).collect()
}

/// The named units that a step has.
fn units(kind: &StepKind) -> Vec<Cow<'static, str>> {
    match kind {
        StepKind::Table(table) if table.segments().len() > 1 => vec!["split".into(), "".into()],
        StepKind::Train(train) => {
            let follows = train.decision.follows();
            let held = train.decision.needs_held_out();
            let named = [
                ("tune", train.tune.is_some()),
                ("", true),
                ("held-out", held),
                ("decide", follows),
                ("cv", train.cv.is_some()),
            ];
            let named = named.into_iter().filter(|(_, is)| *is).map(|(unit, _)| Cow::from(unit));
            let learns = train.ensemble.iter().filter(|ensemble| ensemble.fusion.learns());
            let members = learns.flat_map(|ensemble| 0..ensemble.members.len());
            members.map(|nth| Cow::from(format!("of[{nth}]"))).chain(named).collect()
        }
        StepKind::Deploy(deploy) if deploy.refit => vec!["seal".into(), "refit".into()],
        StepKind::Deploy(_) => vec!["seal".into()],
        _ => vec!["".into()],
    }
}

/// Why a step ran when it last did; none if it never did, and a reason without changes if that was the first time.
pub fn last_ran(store: &Store, plan: &Plan, place: usize) -> Option<Reason> {
    let node = &plan.steps[place];
    let record = |name: &str| store.latest(name).and_then(|key| store.record(&key));
    let ran: Vec<(String, Record)> = units(&node.kind)
        .iter()
        .map(|unit| label(&plan.name, &node.name, unit))
        .filter_map(|label| record(&super::ran(&label)).map(|ran| (label, ran)))
        .collect();
    let newest = ran.iter().filter_map(|(_, ran)| time(&ran.made)).max();
    let slack = ran.iter().map(|(_, ran)| ran.seconds).sum::<f64>() + 2.0;
    let mut reason: Option<Reason> = None;
    for (label, ran) in &ran {
        // A unit that was made long before the last one was kept when the step last ran.
        if newest.zip(time(&ran.made)).is_some_and(|(newest, made)| newest.duration_since(made).as_secs_f64() > slack) {
            continue;
        }
        let so_far = reason.get_or_insert_with(Reason::default);
        let Some(was) = record(&super::was(label)).filter(|was| was.key != ran.key) else { continue };
        // What one unit makes is what the next one begins with: only the cause is told.
        let own = |part: &&Part| {
            so_far.changes.is_empty() || !["rows.", "columns["].iter().any(|root| part.path.starts_with(root))
        };
        let of = |record: &Record| record.parts.iter().filter(own).cloned().collect::<Vec<_>>();
        let (before, after) = (of(&was), of(ran));
        if before != after {
            let (old, new) = (Side::kept(store, &was).files, Side::kept(store, ran).files);
            so_far.and(reason::compare(&Side { parts: &before, files: old }, &Side { parts: &after, files: new }));
        }
    }
    reason.map(|reason| named(plan, place, reason))
}

/// A reason with the names of the models that a step judges.
fn named(plan: &Plan, place: usize, mut reason: Reason) -> Reason {
    if let StepKind::Evaluate(evaluate) = &plan.steps[place].kind {
        let names = || evaluate.models.iter().map(|model| plan.steps[*model].name.as_str());
        reason.text = reason::with_names(&reason.text, names());
        for line in &mut reason.because {
            *line = reason::with_names(line, names());
        }
    }
    reason
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}
