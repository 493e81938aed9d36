//! Earlier runs: a list of them, one of them, and what one of them says of a step.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::ran::{Ran, RanError};
use super::table::{Align, Table};
use super::{local, seconds};
use crate::store::{Run, Status};

/// A step in an earlier run.
#[derive(Clone, Debug, Serialize)]
pub struct StepPast {
    /// The run.
    pub run: String,
    /// When the run began, RFC 3339.
    pub started: String,
    /// What became of the step: `ran`, `failed`, ….
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// What failed.
    pub errors: Vec<RanError>,
    /// The step's key, if it got that far.
    #[serde(skip)]
    pub key: Option<String>,
}

/// What became of a step in a run; none if the run didn't have it, or didn't get to say.
pub fn step_past(run: &Run, step: &str) -> Option<StepPast> {
    let ran = Ran::of_run(run);
    let found = ran.steps.into_iter().find(|found| found.step == step)?;
    Some(StepPast {
        run: ran.run,
        started: run.started.clone(),
        outcome: found.outcome,
        reason: found.reason,
        errors: ran.errors.into_iter().filter(|error| error.step == step).collect(),
        key: found.key,
    })
}

/// A run for machines, without what `show` tells of it.
pub fn log_json(run: &Run) -> Json {
    let ran = Ran::of_run(run);
    json!({
        "run": run.id,
        "pipeline": run.pipeline,
        "started": run.started,
        "seconds": run.seconds,
        "status": run.status,
        "ran": ran.count("ran"),
        "cached": ran.count("cached"),
        "reconciled": ran.count("reconciled"),
        "skipped": ran.count("skipped"),
        "failed": ran.failed().collect::<Vec<_>>(),
    })
}

/// How a run stands, as people say it.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::GateFailed => "gate failed",
        Status::Interrupted => "interrupted",
    }
}

/// A line a run.
pub fn log_table(runs: &[Run]) -> String {
    let mut table = Table::new([
        ("run", Align::Left),
        ("pipeline", Align::Left),
        ("started", Align::Left),
        ("took", Align::Right),
        ("status", Align::Left),
        ("steps", Align::Left),
    ]);
    for run in runs {
        table.row([
            run.id.to_string(),
            run.pipeline.clone(),
            local(&run.started),
            run.seconds.map(seconds).unwrap_or_default(),
            status_word(run.status).to_owned(),
            Ran::of_run(run).outcomes(),
        ]);
    }
    table.to_string()
}

/// All that is known of a run.
pub fn run_text(run: &Run) -> String {
    let ran = Ran::of_run(run);
    let took = run.seconds.map_or(String::new(), |took| format!(", took {}", seconds(took)));
    let mut text = format!(
        "run {} of {}: {}\nstarted {}{took}\n",
        run.id,
        run.pipeline,
        status_word(run.status),
        local(&run.started)
    );
    if run.status == Status::Interrupted && ran.steps.is_empty() {
        text.push_str("its process ended before it could tell what it did; what it made is kept\n");
        return text;
    }
    if !ran.steps.is_empty() {
        text.push_str(&format!("\n{}", steps(&ran)));
    }
    for (step, models) in &ran.metrics {
        let best = ran.best.get(step).map(String::as_str);
        text.push_str(&format!("\n{step}\n{}", metrics(&ran, step, models.iter(), best)));
        for gate in ran.gates.get(step).into_iter().flatten() {
            text.push_str(&format!("{} {}\n", if gate.passed { "✓" } else { "✗" }, gate.words()));
        }
    }
    for contract in &ran.contracts {
        text.push_str(&format!("\n{}\n", contract.words()));
    }
    for deployed in &ran.deployed {
        text.push_str(&format!("\n{}\n", deployed.words()));
    }
    for warning in &ran.warnings {
        text.push_str(&format!("\nwarning: {}\n", warning.line()));
    }
    for error in &ran.errors {
        text.push_str(&format!("\nerror: {}\n", error.line()));
    }
    text
}

fn steps(ran: &Ran) -> Table {
    let mut table =
        Table::new([("step", Align::Left), ("outcome", Align::Left), ("took", Align::Right), ("why", Align::Left)]);
    for step in &ran.steps {
        let took = if step.outcome == "ran" { seconds(step.seconds) } else { String::new() };
        // The errors below say it in full.
        let why = step.reason.lines().next().unwrap_or_default().to_owned();
        table.row([step.step.clone(), step.outcome.clone(), took, why]);
    }
    table
}

/// Models and their metrics side by side.
fn metrics<'a>(
    ran: &Ran,
    step: &str,
    models: impl Iterator<Item = (&'a String, &'a std::collections::BTreeMap<String, Option<f64>>)> + Clone,
    best: Option<&str>,
) -> Table {
    let names: Vec<&String> = models.clone().next().map(|(_, of)| of.keys().collect()).unwrap_or_default();
    let mut heads = vec![("model".to_owned(), Align::Left)];
    heads.extend(names.iter().map(|name| ((*name).clone(), Align::Right)));
    heads.push((String::new(), Align::Left));
    let mut table = Table::new(heads);
    for (model, of) in models {
        let mut cells = vec![model.clone()];
        cells.extend(names.iter().map(|name| {
            super::judgement::with_interval(of.get(*name).copied().flatten(), ran.interval(step, model, name))
        }));
        cells.push(if best == Some(model) { "← best".to_owned() } else { String::new() });
        table.row(cells);
    }
    table
}
