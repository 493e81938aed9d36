//! `gristmill run`.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;

use super::exit::exit_of;
use super::open::{self, Opened, lock_path};
use super::plan::split;
use super::{Exit, Failure, ParamArgs, color, out, out_json};
use crate::deploy::Reconciler;
use crate::engine::{Env, Payload, RunResult, RunStatus, execute};
use crate::plan::StepKind;
use crate::report::{Progress, run_json, summary};
use crate::source::{Diagnostic, Fault, render};
use crate::store::{History, Status, Store};

/// Make what isn't made already.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill run\n  gristmill run penguins --set trees=300\n  gristmill run penguins/forest --json\n\nExit codes: 0 done, 1 a step failed, 2 the pipeline is wrong, 3 a gate failed, 5 disk or permission, 6 data broke its contract."
)]
pub(super) struct Run {
    /// A pipeline, or a step as `pipeline/step` with what it needs.
    target: Option<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// How many steps run at once; as many as there are processors without it.
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    /// Make everything again.
    #[arg(long)]
    force: bool,
    /// Write the lock and move aliases although params are overridden.
    #[arg(long)]
    record: bool,
    /// Print one object when it ends.
    #[arg(long)]
    json: bool,
}

/// How often a run begins again because a kept result turned out to be damaged.
const MOST_LOST: usize = 100;

static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(args: &Run) -> Result<Exit, Failure> {
    let (pipeline, step) = split(args.target.as_deref());
    let opened = open::open(pipeline, &args.params)?;
    let places = opened.places(step)?;
    stop_on_signal();
    let began = Instant::now();
    let mut history = History::open(&opened.project.root);
    let id = history.begin(&opened.plan.name)?;
    let mut result = once(args, &opened, &places, id.as_str(), args.force)?;
    // What is damaged was set aside: now it is missing, and is made again. Each round sets one aside at least, so it ends.
    let mut rounds = 0;
    while result.failed.iter().any(|(_, fault)| fault.code == "lost-object") && rounds < MOST_LOST {
        super::say("a kept result is damaged and was set aside; it is made again");
        result = once(args, &opened, &places, id.as_str(), args.force)?;
        rounds += 1;
    }
    let errors: Vec<Diagnostic> = result.failed.iter().map(|(place, fault)| failure(&opened, *place, fault)).collect();
    let report = run_json(id.as_str(), &opened.plan, &result, &errors);
    history.end(&id, status(result.status), began.elapsed().as_secs_f64(), &report)?;
    if args.json {
        out_json(&report);
    } else {
        out(&summary(&opened.plan, &result));
    }
    if !errors.is_empty() {
        super::say(&format!("\n{}", render(&errors, color(&std::io::stderr()))));
    }
    Ok(exit(&result))
}

fn once(args: &Run, opened: &Opened, places: &[usize], id: &str, force: bool) -> Result<RunResult, Failure> {
    let records = !opened.overridden || args.record;
    let root = &opened.project.root;
    let tables = opened.tables()?;
    let effects = Reconciler::new(root, actor(), commit(root))?;
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let env = Env {
        store: Store::open(root)?,
        tables: &tables,
        effects: &effects,
        jobs,
        force,
        record: records,
        run: id.to_owned(),
        stop: &STOP,
    };
    let mut progress = Progress::new(&opened.plan, color(&std::io::stderr()), false);
    let result =
        execute(&opened.plan, places, &env, &mut |event| progress.tell(&event, &|fault| opened.diagnose(fault)));
    progress.finish();
    tables.save()?;
    if records && matches!(result.status, RunStatus::Done | RunStatus::GateFailed) {
        let lock = result.lock(&opened.plan, opened.project.lock.as_ref(), tables.locks(&opened.plan));
        lock.write(&lock_path(&opened.file))?;
        save(opened, &result, &env.store)?;
    }
    Ok(result)
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

/// The first Ctrl-C or SIGTERM lets the run end in order, the second ends it at once.
fn stop_on_signal() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            for _ in 0..2 {
                signal().await;
                if STOP.swap(true, Ordering::Relaxed) {
                    std::process::exit(Exit::Interrupted as i32);
                }
                super::say("stopping; once more to stop at once");
            }
        });
    });
}

#[cfg(unix)]
async fn signal() {
    let mut term =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("SIGTERM can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
