//! A pipeline as a watch runs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use super::super::choice::Asked;
use super::super::open::{self, Looked, Opened};
use super::super::orders::upstream;
use super::super::runner::{self, Finished, Options};
use super::super::{Exit, Failure, ParamArgs, color, say, signals};
use crate::engine::{Event, Outcome as Became, Project, RunStatus, Said, lock_path};
use crate::plan::StepKind;
use crate::report::{self, Progress};
use crate::source::{Diagnostic, Fault, render};
use crate::spec::{Files, TargetKind};
use crate::store::Lock;
use crate::watch::{Cause, Job, Outcome, Reading, Watched};

/// One pipeline.
pub(super) struct Pipeline {
    name: String,
    root: PathBuf,
    file: PathBuf,
    params: ParamArgs,
    options: Options,
    stop: &'static AtomicBool,
    json: bool,
    /// The last one that was right.
    opened: Option<Opened>,
    /// The files of that one.
    files: Files,
    /// What was said of it last.
    warned: String,
}

impl Pipeline {
    pub(super) fn new(
        root: &Path,
        file: PathBuf,
        params: ParamArgs,
        options: Options,
        stop: &'static AtomicBool,
        json: bool,
    ) -> Self {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (root, warned) = (root.to_owned(), String::new());
        // Both are named from where the program was started.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let file = absolute(&file);
        let params = ParamArgs { params: params.params.iter().map(absolute).collect(), ..params };
        Self { name, root, file, params, options, stop, json, opened: None, files: Files::default(), warned }
    }

    /// The port that it is to be served at, if it says so.
    pub(super) fn port(&mut self) -> Option<u16> {
        let looked = open::look(&self.root, &self.file, &self.params).ok()?;
        looked.opened?.plan.steps.iter().find_map(|step| match &step.kind {
            StepKind::Deploy(deploy) => deploy.targets.iter().find_map(|target| match target {
                TargetKind::Rest { port } => Some(*port),
                TargetKind::Onnx { .. } => None,
            }),
            _ => None,
        })
    }

    fn color(&self) -> bool {
        color(&std::io::stderr())
    }

    /// Those of the pipelines whose tables it works on, their own files among them.
    fn with_upstream(&self, mut files: Files) -> Files {
        let mut next = 0;
        while next < files.pipelines.len() {
            let name = files.pipelines[next].clone();
            next += 1;
            if files.pipelines[..next - 1].contains(&name) {
                continue;
            }
            let Ok(file) = Project::pipeline(&self.root, &name) else { continue };
            files.rules.push(file.to_string_lossy().into_owned());
            let looked = open::look(&self.root, &file, &ParamArgs::as_written());
            files.extend(looked.ok().and_then(|looked| looked.said).map(|said| said.files).unwrap_or_default());
        }
        files
    }

    /// Runs what it works on of other pipelines, then itself.
    fn make(&mut self, opened: Opened) -> Result<Finished, Failure> {
        for mut order in upstream(&opened)? {
            let finished = self.one(order.opened()?, &order.asked)?;
            if finished.exit != Exit::Done {
                self.opened = Some(opened);
                return Ok(finished);
            }
        }
        let asked = Asked { places: (0..opened.plan.steps.len()).collect(), ..Asked::default() };
        self.one(opened, &asked)
    }

    fn one(&self, opened: Opened, asked: &Asked) -> Result<Finished, Failure> {
        let mut progress = Progress::new(&opened.plan, self.color(), self.json);
        let mut listen = |opened: &Opened, event: Event| progress.tell(&event, &|fault| opened.diagnose(fault));
        let finished = runner::run(opened, asked, &self.options, self.stop, &mut listen);
        progress.finish();
        finished
    }

    fn watched(&self, files: &[&Files]) -> Watched {
        files
            .iter()
            .fold(self.begins(), |watched, files| watched.rules(&files.rules).data(&files.data).written(&files.written))
    }

    fn wrong(&self, diagnostics: &[Diagnostic]) -> Option<(String, Json)> {
        Some((render(diagnostics, self.color()), json!(diagnostics)))
    }

    fn take(&mut self, looked: Looked) -> Reading {
        let (files, spec) = looked.said.map(|Said { files, watch }| (self.with_upstream(files), watch)).unzip();
        let Some(opened) = looked.opened else {
            let broken = self.wrong(&looked.diagnostics);
            // The last good one stays in force, and so do its files; those of the wrong one may be what is missing.
            let watched = files.map(|files| self.watched(&[&self.files, &files]));
            let spec = spec.filter(|_| self.opened.is_none());
            return Reading { watched, spec, broken };
        };
        let warnings = render(&opened.warnings, self.color());
        if !self.json && !warnings.is_empty() && warnings != self.warned {
            say(&format!("{warnings}\n"));
        }
        self.warned = warnings;
        self.opened = Some(opened);
        self.files = files.unwrap_or_default();
        Reading { watched: Some(self.watched(&[&self.files])), spec, broken: None }
    }
}

impl Job for Pipeline {
    fn name(&self) -> &str {
        &self.name
    }

    fn begins(&self) -> Watched {
        let watched = Watched::new(&self.root).rules([self.file.as_path(), Path::new("gristmill.yaml")]);
        watched.rules(&self.params.params)
    }

    fn read(&mut self) -> Reading {
        if !self.file.is_file() {
            self.opened = None;
            let shown = self.file.strip_prefix(&self.root).unwrap_or(&self.file);
            let fault = Fault::new("missing-file", format!("the file `{}` is gone", shown.display()));
            let broken = self.wrong(&[Diagnostic::placeless(&fault.help("it is run again when it is back"))]);
            return Reading { broken, ..Reading::default() };
        }
        match open::look(&self.root, &self.file, &self.params) {
            Ok(looked) => self.take(looked),
            Err(fault) => Reading { broken: self.wrong(&[Diagnostic::placeless(&fault)]), ..Reading::default() },
        }
    }

    fn is_ready(&self) -> bool {
        self.opened.is_some()
    }

    fn run(&mut self, _: &Cause) -> Outcome {
        let began = Instant::now();
        let color = self.color();
        let Some(mut opened) = self.opened.take() else { return Outcome::default() };
        // A pipeline that stays in force while its file is wrong may have been read some runs ago.
        if let Ok(lock) = Lock::head(&lock_path(&opened.file)) {
            opened.project.lock = lock;
        }
        let finished = self.make(opened);
        // A run that failed in its first moments hasn't said that it goes on no more.
        signals::going(None);
        let seconds = began.elapsed().as_secs_f64();
        let (interrupted, mut result, summary, errors) = match finished {
            Ok(finished) => {
                let Json::Object(mut result) = finished.report.clone() else { unreachable!("a report is an object") };
                // Of use to tools that look into the store, and long.
                result.remove("units");
                let name = result.remove("pipeline");
                result.insert("exit".to_owned(), json!(finished.exit as u8));
                let interrupted = finished.result.status == RunStatus::Interrupted;
                let mut summary = summary(&finished, seconds);
                if finished.opened.file != self.file {
                    let name = name.as_ref().and_then(Json::as_str).unwrap_or_default();
                    summary = format!("not run: `{name}`, whose table it works on, {summary}");
                    result.insert("blocked_by".to_owned(), json!(name));
                }
                self.opened.get_or_insert(finished.opened);
                (interrupted, result, summary, render(&finished.errors, color))
            }
            Err(failure) => {
                // It went with the run; what the file says now is as good.
                let looked = open::look(&self.root, &self.file, &self.params);
                self.opened = looked.ok().and_then(|looked| looked.opened);
                let Json::Object(result) = failure.to_json() else { unreachable!("a failure is an object") };
                let summary = format!("failed after {}", report::seconds(seconds));
                (false, result, summary, failure.render(color))
            }
        };
        result.insert("seconds".to_owned(), json!(seconds));
        if !self.json && !errors.is_empty() {
            say(&format!("\n{errors}\n"));
        }
        Outcome { interrupted, summary, result }
    }
}

/// What came of a run: `done in 0.4 s: 5 ran, 2 cached; quality: forest, f1 0.98; penguin-species version 3 (champion)`.
fn summary(finished: &Finished, seconds: f64) -> String {
    let result = &finished.result;
    let word = match result.status {
        RunStatus::Done => "done",
        RunStatus::Failed => "failed",
        RunStatus::GateFailed => "a gate failed",
        RunStatus::Interrupted => "interrupted",
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &result.steps {
        let word = match step.outcome {
            Became::Ran => "ran",
            Became::Cached => "cached",
            Became::Reconciled => "reconciled",
            Became::Failed => "failed",
            Became::Skipped => "skipped",
        };
        *counts.entry(word).or_default() += 1;
    }
    let counts: Vec<String> = ["ran", "cached", "reconciled", "failed", "skipped"]
        .into_iter()
        .filter_map(|word| Some(format!("{} {word}", counts.get(word)?)))
        .collect();
    let mut parts = vec![counts.join(", ")];
    parts.extend(scores(&finished.report));
    parts.extend(result.deployed().map(|deployed| {
        let alias = if deployed.promoted { format!(" ({})", deployed.alias) } else { String::new() };
        format!("{} version {}{alias}", deployed.model, deployed.version)
    }));
    parts.retain(|part| !part.is_empty());
    format!("{word} in {}: {}", report::seconds(seconds), parts.join("; "))
}

/// The winner's scores, a line for each evaluation: `quality: forest, accuracy 0.98, f1 0.98`.
fn scores(report: &Json) -> Vec<String> {
    let none = Map::new();
    let steps = report["metrics"].as_object().unwrap_or(&none);
    steps
        .iter()
        .filter_map(|(step, models)| {
            let models = models.as_object()?;
            let best = report["best"][step].as_str().or_else(|| models.keys().next().map(String::as_str))?;
            let metrics = models.get(best)?.as_object()?;
            let told = metrics.iter().filter_map(|(name, value)| Some(format!(", {name} {:.4}", value.as_f64()?)));
            Some(format!("{step}: {best}{}", told.collect::<String>()))
        })
        .collect()
}
