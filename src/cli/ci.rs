//! Telling GitHub Actions and GitLab CI what they can show: annotations, summaries, metrics.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value as Json;

use super::open::Opened;
use super::runner::Finished;
use crate::engine::RunStatus;
use crate::report::Ran;
use crate::report::ci::{github, gitlab, markdown, openmetrics};
use crate::source::{Diagnostic, Fault};
use crate::store::write_atomic;

/// Where this process runs.
enum System {
    /// The folder that was checked out, and the file that the job's summary is appended to.
    GitHub { folder: PathBuf, summary: Option<PathBuf> },
    /// The folder that was checked out.
    GitLab { folder: PathBuf },
}

/// Where GitLab looks for mistakes, for a summary, and for figures.
const CODE_QUALITY: &str = "gl-code-quality-report.json";
const SUMMARY: &str = "gristmill-summary.md";
const METRICS: &str = "metrics.txt";

/// What this process has told so far: files are written anew with all of it.
#[derive(Default)]
struct Told {
    mistakes: Vec<Json>,
    summaries: String,
    runs: Vec<Ran>,
}

static TOLD: Mutex<Told> = Mutex::new(Told { mistakes: Vec::new(), summaries: String::new(), runs: Vec::new() });

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "true")
}

fn folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn system(root: &Path) -> Option<System> {
    let checked_out = |name: &str| folder(name).unwrap_or_else(|| root.to_owned());
    if is_set("GITHUB_ACTIONS") {
        let summary = folder("GITHUB_STEP_SUMMARY");
        return Some(System::GitHub { folder: checked_out("GITHUB_WORKSPACE"), summary });
    }
    is_set("GITLAB_CI").then(|| System::GitLab { folder: checked_out("CI_PROJECT_DIR") })
}

/// Shows mistakes at their lines, where a system listens. `root` is the project's.
pub(super) fn tell_mistakes(root: &Path, found: &[Diagnostic]) {
    match system(root) {
        Some(System::GitHub { folder, .. }) => annotate(&folder, root, found),
        Some(System::GitLab { folder }) => note(&folder, root, found),
        None => {}
    }
}

/// Tells how a run ended, where a system listens.
pub(super) fn tell_run(finished: &Finished) {
    let opened = &finished.opened;
    let root = &opened.project.root;
    let Some(system) = system(root) else { return };
    let mut found = opened.warnings.clone();
    found.extend(finished.warnings.iter().cloned());
    found.extend(finished.errors.iter().cloned());
    found.extend(gates(opened, finished));
    let ran = Ran::of(&finished.report);
    let summary = markdown(&ran, Some(finished.seconds));
    match system {
        System::GitHub { folder, summary: file } => {
            annotate(&folder, root, &found);
            if let Some(file) = file {
                tolerate(&file, append(&file, &summary));
            }
        }
        System::GitLab { folder } => {
            note(&folder, root, &found);
            let mut told = TOLD.lock().expect("no holder panicked");
            told.summaries.push_str(&summary);
            told.runs.push(ran);
            write(&folder.join(SUMMARY), &told.summaries);
            write(&folder.join(METRICS), &openmetrics(&told.runs));
        }
    }
}

/// The gates that don't hold, at the lines that ask for them.
fn gates(opened: &Opened, finished: &Finished) -> Vec<Diagnostic> {
    if finished.result.status != RunStatus::GateFailed {
        return Vec::new();
    }
    let ran = Ran::of(&finished.report);
    let mut found = Vec::new();
    for step in &opened.plan.steps {
        for gate in ran.gates.get(&step.name).into_iter().flatten().filter(|gate| !gate.passed) {
            let fault = Fault::new("gate-failed", format!("`{}`: {}", step.name, gate.words()));
            let fault = fault.within(&gate.metric).within("require").under(&step.route());
            found.push(opened.diagnose(&fault));
        }
    }
    found
}

/// The way from what was checked out to the project, as a prefix of paths.
fn prefix(folder: &Path, root: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match whole(root).strip_prefix(whole(folder)) {
        Ok(way) if way.as_os_str().is_empty() => String::new(),
        Ok(way) => format!("{}/", way.to_string_lossy()),
        Err(_) => String::new(),
    }
}

fn annotate(folder: &Path, root: &Path, found: &[Diagnostic]) {
    let prefix = prefix(folder, root);
    for found in found {
        super::say(&github::annotation(found, &prefix));
    }
}

/// Adds to the Code Quality report.
fn note(folder: &Path, root: &Path, found: &[Diagnostic]) {
    let mut told = TOLD.lock().expect("no holder panicked");
    told.mistakes.extend(gitlab::code_quality(found, &prefix(folder, root)));
    let mut seen = std::collections::BTreeSet::new();
    told.mistakes.retain(|entry| seen.insert(entry["fingerprint"].to_string()));
    let file = self::folder("GRISTMILL_CODE_QUALITY").unwrap_or_else(|| PathBuf::from(CODE_QUALITY));
    let text = serde_json::to_string_pretty(&told.mistakes).expect("JSON is written to memory");
    write(&folder.join(file), &text);
}

fn append(file: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())
}

fn write(file: &Path, text: &str) {
    let written = write_atomic(file, text.as_bytes());
    tolerate(file, written);
}

/// A summary that can't be written is no reason to fail the job: it is said, and that is all.
fn tolerate<E: std::fmt::Display>(file: &Path, written: Result<(), E>) {
    if let Err(error) = written {
        super::say(&format!("warning: `{}` could not be written: {error}", file.display()));
    }
}
