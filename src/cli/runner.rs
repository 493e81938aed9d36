//! One run of one pipeline, from its plan to its lock: what `run` and `watch` share.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::Value as Json;

use super::choice::Asked;
use super::exit::exit_of;
use super::machine::memory;
use super::open::{self, Opened};
use super::{Exit, Failure, signals};
use crate::deploy::Reconciler;
use crate::engine::{Env, Event, LOCKED, Payload, RunResult, RunStatus, StepEnd, execute, lock_path, strangers};
use crate::plan::StepKind;
use crate::report::{run_json, run_told};
use crate::source::{Diagnostic, Fault};
use crate::store::{History, Lock, Status, Store};

/// How often a run begins again because a kept result turned out to be damaged.
const MOST_LOST: usize = 100;
/// How often because a source changed while it was read.
const MOST_CHANGED: usize = 3;

/// How a pipeline is to be run.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// How many steps run at once; as many as there are processors without it.
    pub(super) jobs: Option<NonZeroUsize>,
    /// Make the chosen steps again.
    pub(super) force: bool,
    /// Come to what the lock says, or fail.
    pub(super) locked: bool,
    /// Go on with what doesn't need a step that failed.
    pub(super) keep_going: bool,
    /// Write the lock and move aliases although params are overridden.
    pub(super) record: bool,
    /// Take a warning of the pipeline, or of a leak in its rows, for a mistake.
    pub(super) strict: bool,
}

/// A run that has ended.
pub(super) struct Finished {
    /// The pipeline, as it was planned last.
    pub(super) opened: Opened,
    pub(super) result: RunResult,
    /// The object that `run --json` prints.
    pub(super) report: Json,
    /// What its steps warned of, each at its place.
    pub(super) warnings: Vec<Diagnostic>,
    /// What failed, each at its place.
    pub(super) errors: Vec<Diagnostic>,
    pub(super) exit: Exit,
    /// How long it took.
    pub(super) seconds: f64,
}

/// Takes what happens, with the pipeline that it happens to.
pub(super) type Listener<'a> = dyn FnMut(&Opened, Event) + 'a;

/// Runs the steps of a pipeline that are asked for. Events come one by one; `stop` ends it in order.
pub(super) fn run(
    opened: Opened,
    asked: &Asked,
    options: &Options,
    stop: &AtomicBool,
    listen: &mut Listener,
) -> Result<Finished, Failure> {
    if options.locked {
        agrees(&opened, asked)?;
    }
    if options.strict && !opened.warnings.is_empty() {
        return Err(Failure::wrong(open::strictly(opened.warnings)));
    }
    let began = Instant::now();
    let mut history = History::open(&opened.project.root);
    let id = history.begin(&opened.plan.name)?;
    signals::going(Some((id.as_str(), &opened.plan.name)));
    let mut runner = Runner {
        opened,
        asked,
        options,
        stop,
        id: id.as_str(),
        ended: BTreeMap::new(),
        warnings: Vec::new(),
        heard: BTreeSet::new(),
    };
    let result = runner.whole(listen);
    let Runner { opened, ended, mut warnings, .. } = runner;
    let mut result = match result {
        Ok(result) => result,
        Err(failure) => {
            signals::going(None);
            // As far as the disk lets: the failure itself is told in any case.
            drop(history.end(
                &id,
                Status::Failed,
                began.elapsed().as_secs_f64(),
                &failure.to_run_json(&opened.plan.name),
            ));
            return Err(failure);
        }
    };
    result.remember(ended);
    let failed = result.failed.iter().filter(|(_, fault)| fault.code != "interrupted");
    let errors: Vec<Diagnostic> = failed.map(|(place, fault)| failure(&opened, *place, fault)).collect();
    warnings.sort_by_key(|(step, _)| opened.plan.step(step));
    let report = run_json(id.as_str(), &opened.plan, &result, &errors, &warnings);
    let warnings = warnings.into_iter().map(|(_, warning)| warning).collect();
    let seconds = began.elapsed().as_secs_f64();
    signals::going(None);
    history.end(&id, status(result.status), seconds, &run_told(&report))?;
    let exit = exit(&result);
    Ok(Finished { opened, result, report, warnings, errors, exit, seconds })
}

/// Whether pipeline and lock have the same steps.
fn agrees(opened: &Opened, asked: &Asked) -> Result<(), Failure> {
    let Some(lock) = Lock::read(&lock_path(&opened.file))? else {
        let fault = Fault::new(LOCKED, format!("`{}` has no lock", opened.plan.name));
        return Err(fault.help("run it without `--locked` first, and commit the lock").into());
    };
    let found = if asked.chosen.is_none() { strangers(&opened.plan, &lock) } else { Vec::new() };
    match found.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Locked, found.iter().map(|fault| opened.diagnose(fault)).collect())),
    }
}

/// Why it is worth to begin again after so many rounds.
fn passing(result: &RunResult, rounds: usize) -> Option<&'static str> {
    let failed = |code: &str| result.failed.iter().any(|(_, fault)| fault.code == code);
    // What is damaged was set aside: now it is missing, and is made again. Each round sets one aside at least, so it ends.
    if failed("lost-object") && rounds < MOST_LOST {
        return Some("a kept result is damaged and was set aside; it is made again");
    }
    (failed("source-changed") && rounds < MOST_CHANGED)
        .then_some("a source changed while it was read; it is read again")
}

struct Runner<'a> {
    opened: Opened,
    asked: &'a Asked,
    options: &'a Options,
    stop: &'a AtomicBool,
    id: &'a str,
    /// How steps ended, by name, before what comes after them was planned anew.
    ended: BTreeMap<String, StepEnd>,
    /// What was warned of, and in which step: by those that have ended and in the last round.
    warnings: Vec<(String, Diagnostic)>,
    /// What of it was heard already, by step and message.
    heard: BTreeSet<(String, String)>,
}

impl Runner<'_> {
    /// Runs, and begins again as long as that is worth it.
    fn whole(&mut self, listen: &mut Listener) -> Result<RunResult, Failure> {
        let force = self.options.force;
        let mut result = self.planned(force, listen)?;
        let mut rounds = 0;
        while let Some(why) = passing(&result, rounds) {
            super::say(why);
            self.ended.clear();
            result = self.planned(force, listen)?;
            rounds += 1;
        }
        Ok(result)
    }

    /// Runs, and plans what is left anew as often as a program leaves columns that nobody knew.
    fn planned(&mut self, force: bool, listen: &mut Listener) -> Result<RunResult, Failure> {
        let mut made = BTreeMap::new();
        let mut result = self.once(force, listen)?;
        // Each program surprises once at most.
        for _ in 0..self.opened.plan.steps.len() {
            let surprises = result.surprises();
            if surprises.is_empty() || result.status != RunStatus::Done {
                break;
            }
            for end in result.steps {
                // The second time it is told as cached, and that is no news.
                self.ended.entry(end.step.clone()).or_insert(end);
            }
            made.extend(surprises);
            self.opened = self.opened.knowing(made.clone())?;
            // What was forced is made; the rest is forced when its turn comes.
            result = self.once(force, listen)?;
        }
        Ok(result)
    }

    fn once(&mut self, force: bool, listen: &mut Listener) -> Result<RunResult, Failure> {
        let opened = &self.opened;
        let records = !opened.overridden || self.options.record;
        let root = &opened.project.root;
        let tables = opened.tables()?;
        let effects = Reconciler::new(root, actor(), commit(root))?;
        let jobs = self.options.jobs.or_else(|| std::thread::available_parallelism().ok());
        let chosen = self.chosen();
        let locked = if self.options.locked { Lock::read(&lock_path(&opened.file))? } else { None };
        let env = Env {
            store: Store::open(root)?,
            tables: &tables,
            effects: &effects,
            jobs: jobs.map_or(1, NonZeroUsize::get),
            memory: memory(),
            chosen: chosen.as_ref(),
            only: self.asked.only,
            keep_going: self.options.keep_going,
            force,
            record: records,
            strict: self.options.strict,
            locked: locked.as_ref(),
            run: self.id.to_owned(),
            stop: self.stop,
        };
        let (warnings, heard) = (&mut self.warnings, &mut self.heard);
        // A step that is found kept the second time has nothing to warn of any more.
        warnings.retain(|(step, _)| self.ended.contains_key(step));
        let result = execute(&opened.plan, &self.asked.places, &env, &mut |event| {
            if let Event::Warning { step, fault } = &event {
                if !self.ended.contains_key(step) {
                    warnings.push((step.clone(), opened.diagnose(fault)));
                }
                if !heard.insert((step.clone(), fault.message.clone())) {
                    return;
                }
            }
            if !event.step().is_some_and(|step| self.ended.contains_key(step)) {
                listen(opened, event);
            }
        });
        tables.save()?;
        if records && !self.options.locked && matches!(result.status, RunStatus::Done | RunStatus::GateFailed) {
            let path = lock_path(&opened.file);
            // What it says of steps counts only for those that this run leaves out.
            let before = if result.is_whole() { opened.project.lock.clone() } else { Lock::read(&path)? };
            result.lock(&opened.plan, before.as_ref(), tables.locks(&opened.plan)).write(&path)?;
            save(opened, &result, &env.store)?;
        }
        Ok(result)
    }

    /// The chosen steps that haven't run yet.
    fn chosen(&self) -> Option<BTreeSet<usize>> {
        if self.ended.is_empty() {
            return self.asked.chosen.clone();
        }
        let left = |place: &usize| !self.ended.contains_key(&self.opened.plan.steps[*place].name);
        let chosen = self.asked.chosen.clone().unwrap_or_else(|| self.asked.places.iter().copied().collect());
        Some(chosen.into_iter().filter(left).collect())
    }
}

/// Writes the tables of steps that say `save`.
fn save(opened: &Opened, result: &RunResult, store: &Store) -> Result<(), Failure> {
    for (step, done) in opened.plan.steps.iter().zip(&result.done) {
        let (Some(path), Some(done), StepKind::Table(_)) = (&step.save, done, &step.kind) else { continue };
        let Payload::Table(_) = &done.payload else { continue };
        let bytes = super::get::table_bytes(store, done.table(), None, path)?;
        let path = opened.project.root.join(path);
        if std::fs::read(&path).ok().as_deref() != Some(&bytes) {
            crate::store::write_atomic(&path, &bytes)?;
        }
    }
    Ok(())
}

fn failure(opened: &Opened, place: usize, fault: &Fault) -> Diagnostic {
    let mut found = opened.diagnose(fault);
    found.message = format!("the step `{}` failed: {}", opened.plan.steps[place].name, found.message);
    found
}

fn exit(result: &RunResult) -> Exit {
    match result.status {
        RunStatus::Done => Exit::Done,
        RunStatus::GateFailed => Exit::Gate,
        RunStatus::Interrupted => Exit::Interrupted,
        RunStatus::Failed => result.failed.first().map_or(Exit::Failed, |(_, fault)| exit_of(fault)),
    }
}

fn status(status: RunStatus) -> Status {
    match status {
        RunStatus::Done => Status::Done,
        RunStatus::Failed => Status::Failed,
        RunStatus::GateFailed => Status::GateFailed,
        RunStatus::Interrupted => Status::Interrupted,
    }
}

/// Who runs, for the ledger.
pub(super) fn actor() -> String {
    ["GRISTMILL_ACTOR", "GITHUB_ACTOR", "USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// What is checked out, read from git's own files: a process would take longer than the rest of a no-op run.
fn commit(root: &std::path::Path) -> Option<String> {
    let git = root.join(".git");
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned());
    };
    if let Ok(commit) = std::fs::read_to_string(git.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = std::fs::read_to_string(git.join("packed-refs")).ok()?;
    packed.lines().find_map(|line| line.strip_suffix(name)).map(|commit| commit.trim().to_owned())
}
