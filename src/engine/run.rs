//! What a run is given, what it shares between steps, and what it leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use super::contract::{ContractResult, Heard};
use super::effects::{Effects, Looking};
use super::event::{Event, Outcome, StepEnd};
use super::frames::Frames;
use super::outcome::{DeployResult, Payload, StepDone};
use super::sources::{Aside, Identity, Tables};
use super::status::WOULD_RUN;
use super::unit::label;
use super::{contract, deploy, evaluate, locked, program, table, train};
use crate::data::{Shape, Table};
use crate::plan::{Plan, StepKind, Train};
use crate::source::Fault;
use crate::spec::Origin;
use crate::store::{Digest, Key, Lock, SourceLock, StepLock, Store};

/// What a run needs besides the plan.
pub struct Env<'a> {
    /// Where results are kept.
    pub store: Store,
    /// Where rows come from.
    pub tables: &'a dyn Tables,
    /// What acts on the world.
    pub effects: &'a dyn Effects,
    /// How many processors steps may keep busy together; a step that says nothing keeps one.
    pub jobs: usize,
    /// How much memory steps may say that they need together, in bytes.
    pub memory: u64,
    /// The steps that were asked for, where others are there only because these need them; without it, all.
    pub chosen: Option<&'a BTreeSet<usize>>,
    /// Make the chosen steps again.
    pub force: bool,
    /// Make no other step than the chosen ones: the others must be kept.
    pub only: bool,
    /// Go on with what doesn't need a step that failed.
    pub keep_going: bool,
    /// Whether aliases may move.
    pub record: bool,
    /// Whether a leak that the rows tell of fails its step.
    pub strict: bool,
    /// What every result must be the same as.
    pub locked: Option<&'a Lock>,
    /// The run's name.
    pub run: String,
    /// Set when the run must stop.
    pub stop: &'a AtomicBool,
}

static RUNNING: AtomicBool = AtomicBool::new(false);

impl<'a> Env<'a> {
    /// For commands that only look: nothing changes by it.
    pub fn looking(store: Store, tables: &'a dyn Tables) -> Self {
        Self::plain(store, tables, &Looking, &RUNNING)
    }

    /// For looking, or for a run of everything that isn't kept: one step at a time, nothing recorded.
    pub fn plain(store: Store, tables: &'a dyn Tables, effects: &'a dyn Effects, stop: &'a AtomicBool) -> Self {
        Self {
            store,
            tables,
            effects,
            jobs: 1,
            memory: u64::MAX,
            chosen: None,
            force: false,
            only: false,
            keep_going: false,
            record: false,
            strict: false,
            locked: None,
            run: String::new(),
            stop,
        }
    }
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
    /// Contracts that were broken and let the run go on, by source.
    pub contracts: Vec<ContractResult>,
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

    /// Lets steps that ended before the rest was planned anew end as they did then.
    pub fn remember(&mut self, mut ended: BTreeMap<String, StepEnd>) {
        for end in &mut self.steps {
            if let Some(before) = ended.remove(&end.step) {
                *end = before;
            }
        }
    }

    /// Columns that the plan didn't know, by source: the steps after these are still to be planned and run.
    pub fn surprises(&self) -> BTreeMap<String, Shape> {
        let done = self.done.iter().flatten().filter_map(StepDone::surprises);
        done.flat_map(|surprises| surprises.clone()).collect()
    }

    /// Whether it says something of every step.
    pub fn is_whole(&self) -> bool {
        self.done.iter().all(|done| done.as_ref().is_some_and(is_locked))
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
            let Some(done) = done.as_ref().filter(|done| is_locked(done)) else { continue };
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

/// Whether a step that is done has a place in the lock: not a deployment that a gate has kept back.
fn is_locked(done: &StepDone) -> bool {
    done.outcome != Outcome::Skipped
}

/// What all steps of a run share.
pub(super) struct RunCx<'a> {
    pub(super) plan: &'a Plan,
    pub(super) store: Store,
    pub(super) tables: &'a dyn Tables,
    pub(super) effects: &'a dyn Effects,
    pub(super) record: bool,
    pub(super) strict: bool,
    pub(super) run: String,
    pub(super) frames: Frames,
    pub(super) locked: Option<&'a Lock>,
    chosen: Chosen<'a>,
    /// Only look up: what isn't kept is told as a fault.
    dry: bool,
    stop: &'a AtomicBool,
    events: SyncSender<Event>,
    pub(super) units: Mutex<BTreeMap<String, Key>>,
    pub(super) done: Vec<OnceLock<StepDone>>,
    /// Train steps with the hyper-parameters that their searches have found.
    settled: Vec<OnceLock<Train>>,
    pub(super) contracts: Heard,
}

/// Which steps were asked for, and how.
#[derive(Clone, Copy)]
struct Chosen<'a> {
    places: Option<&'a BTreeSet<usize>>,
    force: bool,
    only: bool,
}

impl Chosen<'_> {
    fn has(&self, place: usize) -> bool {
        self.places.is_none_or(|places| places.contains(&place))
    }
}

impl<'a> RunCx<'a> {
    pub(super) fn new(plan: &'a Plan, env: &Env<'a>, events: SyncSender<Event>, dry: bool) -> Self {
        Self {
            plan,
            store: env.store.clone(),
            tables: env.tables,
            effects: env.effects,
            record: env.record,
            strict: env.strict,
            run: env.run.clone(),
            frames: Frames::default(),
            locked: env.locked,
            chosen: Chosen { places: env.chosen, force: env.force, only: env.only },
            dry,
            stop: env.stop,
            events,
            units: Mutex::default(),
            done: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            settled: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            contracts: Heard::default(),
        }
    }

    /// What a step left. Every step that it works on is done before a step begins.
    pub(super) fn done(&self, step: usize) -> &StepDone {
        self.done[step].get().expect("a step begins after those it works on")
    }

    /// Keeps a train step with the hyper-parameters that its search has found.
    pub(super) fn settle(&self, step: usize, train: Train) -> &Train {
        self.settled[step].get_or_init(|| train)
    }

    /// A train step with the hyper-parameters that its search has found, if it has one.
    pub(super) fn settled(&self, step: usize) -> Option<&Train> {
        self.settled[step].get()
    }

    /// Keeps what a step left.
    pub(super) fn finish(&self, step: usize, done: StepDone) {
        let _ = self.done[step].set(done);
    }

    /// Keeps which key a unit has in this run.
    pub(super) fn used(&self, label: &str, key: Key) {
        self.units.lock().expect("no holder panicked").insert(label.to_owned(), key);
    }

    /// The key that a unit has in this run, if it got that far.
    pub(super) fn key_of(&self, label: &str) -> Option<Key> {
        self.units.lock().expect("no holder panicked").get(label).copied()
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
}

/// What one try of one step sees.
pub(super) struct Cx<'a> {
    shared: &'a RunCx<'a>,
    /// Make it again.
    pub(super) force: bool,
    /// Only look it up.
    pub(super) dry: bool,
    deadline: Option<Instant>,
    step: &'a str,
    begun: AtomicBool,
    /// What the unit that is being made was put together from so far.
    pieces: Mutex<BTreeSet<Key>>,
}

impl<'a> std::ops::Deref for Cx<'a> {
    type Target = RunCx<'a>;

    fn deref(&self) -> &RunCx<'a> {
        self.shared
    }
}

impl Cx<'_> {
    /// Tells that the step has work to do, once.
    pub(super) fn begin(&self) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.tell(Event::Started { step: self.step.to_owned() });
        }
    }

    /// Whether its work is no longer wanted: the run was told to stop, or its time is over.
    pub(super) fn stopped(&self) -> bool {
        self.shared.stopped() || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Notes that the unit that is being made rests on a result with a key of its own.
    pub(super) fn piece(&self, key: Key) {
        self.pieces.lock().expect("no holder panicked").insert(key);
    }

    /// What was noted since it was asked last.
    pub(super) fn take_pieces(&self) -> BTreeSet<Key> {
        std::mem::take(&mut self.pieces.lock().expect("no holder panicked"))
    }

    /// Tells how much of its work is done.
    pub(super) fn progress(&self, done: usize, total: usize, unit: &'static str) {
        if total > 1 {
            self.tell(Event::Progress { step: self.step.to_owned(), done, total, unit });
        }
    }

    /// A fault when its work is no longer wanted.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.stopped() {
            return Err(Fault::new("interrupted", "the run was interrupted"));
        }
        Ok(())
    }

    /// What a source is known by.
    pub(super) fn identity(&self, source: usize) -> Result<Identity, Fault> {
        let identity = match self.made(source)? {
            Some(digest) => self.tables.identity_of(self.plan, source, digest),
            None => self.tables.identity(self.plan, source)?,
        };
        if let Some(lock) = self.locked {
            let spec = &self.plan.sources[source].spec;
            locked::check_source(lock, &spec.name, &identity).map_err(|fault| fault.under(&spec.route()))?;
        }
        contract::tell(self, source, &identity)?;
        Ok(identity)
    }

    /// What a source's contract finds in its rows.
    pub(super) fn judged(&self, source: usize) -> Result<Arc<Aside>, Fault> {
        self.table(source)?;
        Ok(self.tables.aside(source).unwrap_or_default())
    }

    /// A source's rows.
    pub(super) fn table(&self, source: usize) -> Result<Arc<Table>, Fault> {
        match self.made(source)? {
            Some(digest) => self.tables.table_of(self.plan, source, digest, &|| table::object(&self.store, &digest)),
            None => self.tables.table(self.plan, source),
        }
    }

    /// The object with a source's file, if a program left it.
    fn made(&self, source: usize) -> Result<Option<Digest>, Fault> {
        let Some(maker) = self.plan.maker(source) else { return Ok(None) };
        let Origin::Program { output, .. } = &self.plan.sources[source].spec.origin else { return Ok(None) };
        Ok(self.done(maker).outputs.get(output).copied())
    }
}

/// Runs a step once. Faults have their routes from the document's root.
pub(super) fn step(run: &RunCx, place: usize) -> Result<StepDone, Fault> {
    let step = &run.plan.steps[place];
    let here = |fault: Fault| match fault.route.segments().first() {
        // Ops and sources know their own places.
        Some(crate::source::Segment::Key(first)) if first == "steps" || first == "sources" => fault,
        _ => fault.under(&step.route()),
    };
    let chosen = run.chosen.has(place);
    let only = run.chosen.only && !chosen;
    let cx = Cx {
        shared: run,
        force: run.chosen.force && chosen,
        dry: run.dry || only,
        deadline: step.limits.timeout.map(|timeout| Instant::now() + timeout.0),
        step: &step.name,
        begun: AtomicBool::new(false),
        pieces: Mutex::default(),
    };
    let result = match &step.kind {
        StepKind::Table(of) => table::run(&cx, step, of),
        StepKind::Train(of) => train::run(&cx, step, of),
        StepKind::Evaluate(of) => evaluate::run(&cx, step, of),
        StepKind::Deploy(of) => deploy::run(&cx, step, of),
        StepKind::Run(of) => program::run(&cx, step, of),
    };
    result.map_err(|fault| match fault.code {
        WOULD_RUN if only && !run.dry => {
            let message =
                format!("`{}` isn't up to date ({}), and only other steps were asked for", step.name, fault.message);
            here(
                Fault::new("not-made", message)
                    .help(format!("run it first: `gristmill run {}/{}`", run.plan.name, step.name)),
            )
        }
        "interrupted" if !run.stopped() && cx.is_late() => {
            let allowed = step.limits.timeout.map(|timeout| timeout.to_string()).unwrap_or_default();
            let late = Fault::new("timeout", format!("it took longer than {allowed}"));
            here(late.help("give it more time: `timeout`, or less work").within("timeout"))
        }
        _ => here(fault),
    })
}
