//! `gristmill plan`.

use clap::Args;
use serde_json::{Value as Json, json};

use super::choice::Choice;
use super::open::Opened;
use super::orders::{Order, orders};
use super::{Exit, Failure, ParamArgs, out, out_json};
use crate::engine::{Ahead, StepStatus, ahead};
use crate::report::seconds;
use crate::report::table::{Align, Table};
use crate::source::Fault;

/// Show what a run would do, why, and how long it may take.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill plan penguins\n  gristmill plan penguins --set trees=300\n  gristmill plan penguins/forest --json"
)]
pub(super) struct PlanArgs {
    /// A pipeline, or a step as `pipeline/step`.
    target: Option<String>,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    choice: Choice,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    show_all(orders(args.target.as_slice(), &args.params, &args.choice)?, args.json)
}

/// Prints what runs would do.
pub(super) fn show_all(orders: Vec<Order>, json: bool) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    let targets = orders.iter().filter(|order| order.is_target).count();
    for mut order in orders {
        let opened = order.opened()?;
        all.push((opened.plan.name.clone(), statuses(&opened, &order.asked.places)?));
    }
    if json {
        let mut plans: Vec<Json> = all.iter().map(|(name, steps)| to_json(name, steps)).collect();
        if targets > 1 {
            out_json(&json!({"runs": plans}));
            return Ok(Exit::Done);
        }
        let mut last = plans.pop().expect("there is a pipeline");
        if !plans.is_empty() {
            last["before"] = Json::from(plans);
        }
        out_json(&last);
        return Ok(Exit::Done);
    }
    let several = all.len() > 1;
    for (name, statuses) in &all {
        if several {
            out(&format!("{name}\n"));
        }
        out(&table(statuses));
        super::say(&total(statuses));
    }
    Ok(Exit::Done)
}

fn to_json(pipeline: &str, steps: &[StepStatus]) -> Json {
    let expected = json!({"seconds": time(steps, Ahead::Run), "more": time(steps, Ahead::Waits)});
    json!({"pipeline": pipeline, "steps": steps, "expected": expected})
}

/// What a run of the steps at `places` would do.
pub(super) fn statuses(opened: &Opened, places: &[usize]) -> Result<Vec<StepStatus>, Fault> {
    let tables = opened.tables()?;
    let env = opened.looking(&tables)?;
    let statuses = ahead(&opened.plan, places, &env);
    tables.save()?;
    Ok(statuses)
}

/// A pipeline's name and perhaps a step's.
pub(super) fn split(target: Option<&str>) -> (Option<&str>, Option<&str>) {
    match target {
        Some(text) if !text.ends_with(".yaml") && !text.ends_with(".yml") => match text.split_once('/') {
            Some((pipeline, step)) => (Some(pipeline), Some(step)),
            None => (Some(text), None),
        },
        other => (other, None),
    }
}

fn count(statuses: &[StepStatus], ahead: Ahead) -> usize {
    statuses.iter().filter(|status| status.ahead == ahead).count()
}

/// How long the steps took together when they last ran; none if none of them ever did.
fn time(statuses: &[StepStatus], ahead: Ahead) -> Option<f64> {
    let known: Vec<f64> =
        statuses.iter().filter(|status| status.ahead == ahead).filter_map(|status| status.seconds).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

/// What would happen, in a line.
pub(super) fn total(statuses: &[StepStatus]) -> String {
    let part = |ahead: Ahead, word: &str, more: &str| {
        let time = time(statuses, ahead).map_or(String::new(), |time| format!(" (about {}{more})", seconds(time)));
        format!("{} {word}{time}", count(statuses, ahead))
    };
    let mut parts = vec![part(Ahead::Run, "to run", "")];
    if count(statuses, Ahead::Waits) > 0 {
        parts.push(part(Ahead::Waits, "that may", " more"));
    }
    if count(statuses, Ahead::Blocked) > 0 {
        parts.push(format!("{} that can't", count(statuses, Ahead::Blocked)));
    }
    if count(statuses, Ahead::Skipped) > 0 {
        parts.push(format!("{} skipped", count(statuses, Ahead::Skipped)));
    }
    parts.push(format!("{} kept", count(statuses, Ahead::Cached)));
    parts.join(", ")
}

/// A line a step.
pub(super) fn table(statuses: &[StepStatus]) -> String {
    let mut table = Table::new([
        ("step", Align::Left),
        ("verb", Align::Left),
        ("", Align::Left),
        ("last took", Align::Right),
        ("why", Align::Left),
    ]);
    for status in statuses {
        let word = match status.ahead {
            Ahead::Run => "runs",
            Ahead::Cached => "kept",
            Ahead::Waits => "may run",
            Ahead::Reconcile => "reconciled",
            Ahead::Blocked => "can't run",
            Ahead::Skipped => "skipped",
        };
        let took = status.seconds.map(seconds).unwrap_or_default();
        let trials = status.trials.map_or(String::new(), |trials| format!("; {trials}"));
        let why = format!("{}{trials}", status.reason);
        table.row([status.step.clone(), status.verb.to_owned(), word.to_owned(), took, why]);
    }
    table.to_string()
}
