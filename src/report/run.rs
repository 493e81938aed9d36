//! A run: its progress while it goes, and what it left.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value as Json, json};

use crate::engine::{Event, Outcome, RunResult};
use crate::plan::Plan;
use crate::source::Diagnostic;

/// Tells a run's events on stderr: a line a step, and on a terminal a bar for what takes long.
pub struct Progress {
    bar: Option<ProgressBar>,
    width: usize,
    color: bool,
    quiet: bool,
}

impl Progress {
    /// For a plan's steps.
    pub fn new(plan: &Plan, color: bool, quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len} {eta}").expect("a fixed template");
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style)
        });
        let width = plan.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
        Self { bar, width, color, quiet }
    }

    /// Tells an event. `place` gives a fault its place in the pipeline's file.
    pub fn tell(&mut self, event: &Event, place: &dyn Fn(&crate::source::Fault) -> Diagnostic) {
        match event {
            Event::Started { step } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(0);
                    bar.set_message(step.clone());
                }
            }
            Event::Progress { step, done, total } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(step.clone());
                    bar.set_length(*total as u64);
                    bar.set_position(*done as u64);
                }
            }
            Event::Said { step, line } => self.line(&format!("{step} │ {line}")),
            Event::Retrying { step, attempt, of, wait, fault } => self.line(&format!(
                "{step} failed ({}); further try {attempt} of {of} in {}",
                fault.message,
                super::seconds(wait.as_secs_f64())
            )),
            Event::Warning { fault, .. } => self.line(&place(fault).render(self.color)),
            Event::Ended(end) => {
                let gap = " ".repeat(self.width - end.step.chars().count().min(self.width));
                let time = if end.outcome == Outcome::Ran { super::seconds(end.seconds) } else { String::new() };
                let summary = if end.summary.is_empty() { &end.reason } else { &end.summary };
                let line = format!("{} {}{gap}  {time:>7}  {summary}", self.word(end.outcome), end.step);
                self.line(line.trim_end());
                if end.outcome == Outcome::Ran {
                    self.line(&format!("{:10} {:width$}           because {}", "", "", end.reason, width = self.width));
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn word(&self, outcome: Outcome) -> String {
        let (word, code) = match outcome {
            Outcome::Ran => ("ran", "32"),
            Outcome::Cached => ("cached", "2"),
            Outcome::Reconciled => ("reconciled", "36"),
            Outcome::Failed => ("failed", "31"),
            Outcome::Skipped => ("skipped", "33"),
        };
        if self.color { format!("\u{1b}[{code}m{word:10}\u{1b}[0m") } else { format!("{word:10}") }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            // Whoever listened may have gone away: the run goes on.
            None => drop(writeln!(std::io::stderr().lock(), "{text}")),
        }
    }
}

/// What a run left, for people.
pub fn summary(plan: &Plan, result: &RunResult) -> String {
    let mut text = String::new();
    for (step, judgement) in result.judgements(plan) {
        text.push_str(&format!("\n{step}\n{}", super::judgement(judgement)));
    }
    for deployed in result.deployed() {
        let alias = if deployed.promoted { format!(" ({})", deployed.alias) } else { String::new() };
        let new = if deployed.new { ", new" } else { "" };
        text.push_str(&format!("\n{} version {}{alias}{new}\n", deployed.model, deployed.version));
    }
    text
}

/// What a run left, for machines: the object that the language page describes.
pub fn run_json(run: &str, plan: &Plan, result: &RunResult, errors: &[Diagnostic]) -> Json {
    let mut metrics = BTreeMap::new();
    let mut best = BTreeMap::new();
    let mut gates = BTreeMap::new();
    for (step, judgement) in result.judgements(plan) {
        let of: BTreeMap<_, _> =
            judgement.names.iter().zip(judgement.models.iter().map(|model| &model.scores.metrics)).collect();
        metrics.insert(step, json!(of));
        if let Some(winner) = judgement.verdict.best {
            best.insert(step, judgement.names[winner].clone());
        }
        gates.insert(step, json!(judgement.verdict.gates));
    }
    json!({
        "run": run,
        "pipeline": plan.name,
        "status": result.status,
        "steps": result.steps,
        "metrics": metrics,
        "best": best,
        "gates": gates,
        "deployed": result.deployed().collect::<Vec<_>>(),
        "errors": errors,
        "units": result.units,
    })
}
