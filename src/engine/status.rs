//! What a run would do, without doing it.

use std::sync::mpsc;

use serde::Serialize;

use super::outcome::StepDone;
use super::run::{Env, RunCx, step};
use crate::plan::{Plan, StepKind};
use crate::store::{Change, Store, diff};

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
    /// Why.
    pub reason: String,
    /// How long it took when it last ran, in seconds.
    pub seconds: Option<f64>,
}

/// What a run of `places` would do.
pub fn ahead(plan: &Plan, places: &[usize], env: &Env) -> Vec<StepStatus> {
    let (events, _inbox) = mpsc::channel();
    let cx = RunCx::new(plan, env, events, true);
    places
        .iter()
        .map(|place| {
            let node = &plan.steps[*place];
            let (ahead, reason) = look(&cx, *place);
            let last = env.store.latest(&super::label(&plan.name, &node.name, ""));
            let seconds = last.and_then(|key| env.store.record(&key)).map(|record| record.seconds);
            StepStatus { step: node.name.clone(), verb: node.kind.verb(), ahead, reason, seconds }
        })
        .collect()
}

fn look(cx: &RunCx, place: usize) -> (Ahead, String) {
    let node = &cx.plan.steps[place];
    if let Some(reason) = &node.off {
        return (Ahead::Skipped, reason.clone());
    }
    let missing: Vec<&str> = cx
        .plan
        .needs(place)
        .into_iter()
        .filter(|need| !cx.is_done(*need))
        .map(|need| cx.plan.steps[need].name.as_str())
        .collect();
    let needs = cx.plan.needs(place);
    if let Some(need) = needs.iter().find(|need| cx.is_done(**need) && cx.done(**need).surprises().is_some()) {
        let name = &cx.plan.steps[*need].name;
        return (Ahead::Waits, format!("the columns that `{name}` leaves are known once it ran"));
    }
    let is_deploy = matches!(node.kind, StepKind::Deploy(_));
    if !missing.is_empty() {
        let names = crate::source::list(missing);
        return (if is_deploy { Ahead::Reconcile } else { Ahead::Waits }, format!("after {names}"));
    }
    if is_deploy {
        return (Ahead::Reconcile, "deploying is reconciled at every run".to_owned());
    }
    match step(cx, place) {
        Ok(done) => {
            let reason = done.reason.clone();
            cx.finish(place, done);
            (Ahead::Cached, reason)
        }
        Err(fault) if fault.code == WOULD_RUN => (Ahead::Run, fault.message),
        Err(fault) => (Ahead::Blocked, fault.message),
    }
}

/// The code of the fault that stands for "this would run".
pub(super) const WOULD_RUN: &str = "would-run";

/// What is kept of the steps at `places`, as a run would find it; none where one would run.
pub fn kept(plan: &Plan, places: &[usize], env: &Env) -> Vec<Option<StepDone>> {
    let (events, _inbox) = mpsc::channel();
    let cx = RunCx::new(plan, env, events, true);
    for place in places {
        look(&cx, *place);
    }
    places.iter().map(|place| cx.is_done(*place).then(|| cx.done(*place).clone())).collect()
}

/// Why a step last ran, and whether it would run now.
pub struct Why {
    /// The parts of its key that changed before it last ran; none if nothing is known of an earlier run.
    pub last: Option<Vec<Change>>,
    /// Whether it ran at all.
    pub ever: bool,
}

/// The changes that made a unit of a step run when it last did.
pub fn why_ran(store: &Store, pipeline: &str, step: &str, unit: &str) -> Why {
    let label = super::label(pipeline, step, unit);
    let record = |name: &str| store.latest(name).and_then(|key| store.record(&key));
    let ran = record(&super::ran(&label));
    let was = record(&super::was(&label));
    let last = was.zip(ran.as_ref()).map(|(was, ran)| diff(&was.parts, &ran.parts));
    Why { ever: ran.is_some(), last }
}
