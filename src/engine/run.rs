//! The run: a queue of steps that are ready, worked off by threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Instant;

use polars::prelude::DataFrame;
use serde_json::Value as Json;

use super::event::{Event, Outcome, StepEnd};
use super::outcome::{DeployResult, Payload, StepDone};
use super::sources::Tables;
use super::unit::label;
use super::{deploy, evaluate, table, train};
use crate::plan::{Plan, StepKind};
use crate::source::Fault;
use crate::store::{Digest, Key, Lock, SourceLock, StepLock, Store};

/// A model to register.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The registered name.
    pub name: String,
    /// The alias that moves.
    pub alias: String,
    /// The sealed model.
    pub digest: Digest,
    /// What the decision rests on.
    pub evidence: Digest,
    /// Where the model comes from.
    pub lineage: Json,
    /// Where it goes.
    pub targets: Vec<Json>,
    /// Whether the alias may move.
    pub moves_alias: bool,
    /// Why, in words.
    pub why: String,
}

/// What a run does to the world. Implemented above this room.
pub trait Effects: Sync {
    /// Registers a model, moves its alias, brings its targets to what is said.
    fn register(&self, registration: &Registration) -> Result<DeployResult, Fault>;
}

/// What a run needs besides the plan.
pub struct Env<'a> {
    /// Where results are kept.
    pub store: Store,
    /// Where rows come from.
    pub tables: &'a dyn Tables,
    /// What acts on the world.
    pub effects: &'a dyn Effects,
    /// How many steps run at once.
    pub jobs: usize,
    /// Make everything again.
    pub force: bool,
    /// Whether aliases may move.
    pub record: bool,
    /// The run's name.
    pub run: String,
    /// Set when the run must stop.
    pub stop: &'a AtomicBool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// All is done.
    Done,
    /// A step failed.
    Failed,
    /// All is done, and a gate failed.
    GateFailed,
    /// It was told to stop.
    Interrupted,
}

/// What a run left.
pub struct RunResult {
    /// How it ended.
    pub status: RunStatus,
    /// Each step that ended, in the plan's order.
    pub steps: Vec<StepEnd>,
    /// What each step left, by its place in the plan.
    pub done: Vec<Option<StepDone>>,
    /// What failed, by the place of the step.
    pub failed: Vec<(usize, Fault)>,
    /// The key of every unit that was looked up or made, by its label.
    pub units: BTreeMap<String, Key>,
}

impl RunResult {
    /// The judgements, by step.
    pub fn judgements<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a str, &'a super::Judgement)> {
        self.done.iter().zip(&plan.steps).filter_map(|(done, step)| match &done.as_ref()?.payload {
            Payload::Judged(judgement) => Some((step.name.as_str(), &**judgement)),
            _ => None,
        })
    }

    /// What was deployed.
    pub fn deployed(&self) -> impl Iterator<Item = &DeployResult> {
        self.done.iter().filter_map(|done| match &done.as_ref()?.payload {
            Payload::Deployed(Some(result)) => Some(result),
            _ => None,
        })
    }

    /// The lock after this run: what is done, and for steps that didn't run what the last lock says.
    pub fn lock(&self, plan: &Plan, before: Option<&Lock>, sources: BTreeMap<String, SourceLock>) -> Lock {
        let mut lock = Lock::default();
        if let Some(before) = before {
            lock.steps = before
                .steps
                .iter()
                .filter(|(name, _)| plan.step(name).is_some())
                .map(|(name, step)| (name.clone(), step.clone()))
                .collect();
            let known = |name: &String| plan.sources.iter().any(|source| source.spec.name == *name);
            lock.sources = before
                .sources
                .iter()
                .filter(|(name, _)| known(name))
                .map(|(name, source)| (name.clone(), source.clone()))
                .collect();
        }
        lock.sources.extend(sources);
        for (name, source) in &mut lock.sources {
            source.key = self.units.get(&label(&plan.name, name, "source")).copied().or(source.key);
        }
        for (done, step) in self.done.iter().zip(&plan.steps) {
            let Some(done) = done.as_ref().filter(|done| !done.outputs.is_empty()) else { continue };
            let outputs = done.outputs.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect();
            let units = self.units_of(&plan.name, &step.name);
            let units = units.filter(|(_, key)| **key != done.key).map(|(unit, key)| (unit.to_owned(), *key)).collect();
            let metrics = done.metrics.clone();
            lock.steps.insert(step.name.clone(), StepLock { key: done.key, units, outputs, metrics });
        }
        lock
    }

    /// The named units of a step, with their keys.
    fn units_of(&self, pipeline: &str, step: &str) -> impl Iterator<Item = (&str, &Key)> {
        let from = format!("{}/", label(pipeline, step, ""));
        self.units.range(from.clone()..).map_while(move |(label, key)| Some((label.strip_prefix(&from)?, key)))
    }
}

/// Tables that this run has made or read.
#[derive(Default)]
pub(super) struct Frames(Mutex<HashMap<Digest, Arc<DataFrame>>>);

impl Frames {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<DataFrame>> {
        self.0.lock().expect("no holder panicked").get(digest).cloned()
    }

    pub(super) fn keep(&self, digest: Digest, frame: DataFrame) -> Arc<DataFrame> {
        let mut frames = self.0.lock().expect("no holder panicked");
        Arc::clone(frames.entry(digest).or_insert_with(|| Arc::new(frame)))
    }
}

/// What every step of a run sees.
pub(super) struct Cx<'a> {
    pub(super) plan: &'a Plan,
    pub(super) store: Store,
    pub(super) tables: &'a dyn Tables,
    pub(super) effects: &'a dyn Effects,
    pub(super) force: bool,
    pub(super) record: bool,
    /// Only look up: what isn't kept is told as a fault.
    pub(super) dry: bool,
    pub(super) run: String,
    pub(super) frames: Frames,
    stop: &'a AtomicBool,
    events: Sender<Event>,
    units: Mutex<BTreeMap<String, Key>>,
    done: Vec<OnceLock<StepDone>>,
}

impl<'a> Cx<'a> {
    pub(super) fn new(plan: &'a Plan, env: &Env<'a>, events: Sender<Event>, dry: bool) -> Self {
        Self {
            plan,
            store: env.store.clone(),
            tables: env.tables,
            effects: env.effects,
            force: env.force,
            record: env.record,
            dry,
            run: env.run.clone(),
            frames: Frames::default(),
            stop: env.stop,
            events,
            units: Mutex::default(),
            done: plan.steps.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// What a step left. Every step that it works on is done before a step begins.
    pub(super) fn done(&self, step: usize) -> &StepDone {
        self.done[step].get().expect("a step begins after those it works on")
    }

    /// Keeps what a step left.
    pub(super) fn finish(&self, step: usize, done: StepDone) {
        let _ = self.done[step].set(done);
    }

    /// Keeps which key a unit has in this run.
    pub(super) fn used(&self, label: &str, key: Key) {
        self.units.lock().expect("no holder panicked").insert(label.to_owned(), key);
    }

    pub(super) fn is_done(&self, step: usize) -> bool {
        self.done[step].get().is_some()
    }

    pub(super) fn tell(&self, event: Event) {
        // Nobody listens any more only when the run is over.
        let _ = self.events.send(event);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A fault when the run was told to stop.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.stopped() {
            return Err(Fault::new("interrupted", "the run was interrupted"));
        }
        Ok(())
    }
}

/// Runs a step. Faults have their routes from the document's root.
pub(super) fn step(cx: &Cx, place: usize) -> Result<StepDone, Fault> {
    let step = &cx.plan.steps[place];
    let here = |fault: Fault| match fault.route.segments().first() {
        // Ops and sources know their own places.
        Some(crate::source::Segment::Key(first)) if first == "steps" || first == "sources" => fault,
        _ => fault.under(&step.route()),
    };
    match &step.kind {
        StepKind::Table(of) => table::run(cx, step, of),
        StepKind::Train(of) => train::run(cx, step, of),
        StepKind::Evaluate(of) => evaluate::run(cx, step, of),
        StepKind::Deploy(of) => deploy::run(cx, step, of),
    }
    .map_err(here)
}

#[derive(Default)]
struct Queue {
    ready: std::collections::BTreeSet<usize>,
    waiting: BTreeMap<usize, usize>,
    running: usize,
    failed: bool,
    ends: BTreeMap<usize, StepEnd>,
    faults: Vec<(usize, Fault)>,
}

/// Runs the steps of `plan` at `places`, and those that they need are among them. Events come one by one, in one thread.
pub fn execute(plan: &Plan, places: &[usize], env: &Env, listen: &mut dyn FnMut(Event)) -> RunResult {
    let (events, inbox) = mpsc::channel();
    let cx = Cx::new(plan, env, events, false);
    let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut queue = Queue::default();
    for place in places {
        let needs = plan.needs(*place);
        if needs.is_empty() {
            queue.ready.insert(*place);
        } else {
            queue.waiting.insert(*place, needs.len());
        }
        for need in needs {
            users.entry(need).or_default().push(*place);
        }
    }
    let shared = (Mutex::new(queue), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..env.jobs.clamp(1, places.len().max(1)) {
            scope.spawn(|| work(&cx, &shared, &users));
        }
        // The last worker to end closes the channel by its last event.
        loop {
            match inbox.recv_timeout(std::time::Duration::from_millis(20)) {
                Ok(event) => listen(event),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let queue = shared.0.lock().expect("no holder panicked");
                    if idle(&queue, &cx) {
                        break;
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    while let Ok(event) = inbox.try_recv() {
        listen(event);
    }
    let queue = shared.0.into_inner().expect("no holder panicked");
    finish(plan, places, cx, queue, listen)
}

/// Whether nothing runs and nothing will.
fn idle(queue: &Queue, cx: &Cx) -> bool {
    queue.running == 0 && (queue.ready.is_empty() || queue.failed || cx.stopped())
}

fn work(cx: &Cx, shared: &(Mutex<Queue>, Condvar), users: &BTreeMap<usize, Vec<usize>>) {
    let (lock, changed) = shared;
    let mut queue = lock.lock().expect("no holder panicked");
    loop {
        if idle(&queue, cx) {
            changed.notify_all();
            return;
        }
        let next = if queue.failed || cx.stopped() { None } else { queue.ready.pop_first() };
        let Some(place) = next else {
            queue = changed.wait_timeout(queue, std::time::Duration::from_millis(50)).expect("no holder panicked").0;
            continue;
        };
        queue.running += 1;
        drop(queue);
        let name = &cx.plan.steps[place].name;
        cx.tell(Event::Started { step: name.clone() });
        let began = Instant::now();
        let result = step(cx, place);
        let seconds = began.elapsed().as_secs_f64();
        queue = lock.lock().expect("no holder panicked");
        queue.running -= 1;
        let end = match result {
            Ok(done) => {
                let end = ended(name, &done, seconds);
                cx.finish(place, done);
                for user in users.get(&place).into_iter().flatten() {
                    let left = queue.waiting.get_mut(user).expect("every user waits");
                    *left -= 1;
                    if *left == 0 {
                        queue.waiting.remove(user);
                        queue.ready.insert(*user);
                    }
                }
                end
            }
            Err(fault) => {
                let end = StepEnd {
                    step: name.clone(),
                    outcome: Outcome::Failed,
                    reason: fault.message.clone(),
                    key: None,
                    seconds,
                    outputs: BTreeMap::new(),
                    summary: String::new(),
                };
                queue.failed = true;
                queue.faults.push((place, fault));
                end
            }
        };
        cx.tell(Event::Ended(end.clone()));
        queue.ends.insert(place, end);
        changed.notify_all();
    }
}

fn ended(name: &str, done: &StepDone, seconds: f64) -> StepEnd {
    StepEnd {
        step: name.to_owned(),
        outcome: done.outcome,
        reason: done.reason.clone(),
        key: Some(done.key.to_string()),
        seconds,
        outputs: done.outputs.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect(),
        summary: done.summary.clone(),
    }
}

fn finish(plan: &Plan, places: &[usize], cx: Cx, mut queue: Queue, listen: &mut dyn FnMut(Event)) -> RunResult {
    let interrupted = cx.stopped() || queue.faults.iter().any(|(_, fault)| fault.code == "interrupted");
    for place in places {
        if queue.ends.contains_key(place) {
            continue;
        }
        let end = StepEnd {
            step: plan.steps[*place].name.clone(),
            outcome: Outcome::Skipped,
            reason: if interrupted { "the run was interrupted" } else { "a step failed" }.to_owned(),
            key: None,
            seconds: 0.0,
            outputs: BTreeMap::new(),
            summary: String::new(),
        };
        listen(Event::Ended(end.clone()));
        queue.ends.insert(*place, end);
    }
    let units = cx.units.into_inner().expect("no holder panicked");
    let done: Vec<Option<StepDone>> = cx.done.into_iter().map(OnceLock::into_inner).collect();
    let gates = done.iter().flatten().all(|done| match &done.payload {
        Payload::Judged(judgement) => judgement.verdict.passed(),
        _ => true,
    });
    let status = match () {
        () if interrupted => RunStatus::Interrupted,
        () if !queue.faults.is_empty() => RunStatus::Failed,
        () if !gates => RunStatus::GateFailed,
        () => RunStatus::Done,
    };
    RunResult { status, steps: queue.ends.into_values().collect(), done, failed: queue.faults, units }
}
