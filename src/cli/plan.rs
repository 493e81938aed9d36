//! `gristmill plan`.

use clap::Args;
use serde_json::json;

use super::choice::Choice;
use super::open::Opened;
use super::orders::{Order, orders};
use super::{Exit, Failure, ParamArgs, open, out, out_json};
use crate::engine::{Ahead, StepStatus, ahead};
use crate::report::table::{Align, Table};

/// Show what a run would do, and why.
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
    show_all(&orders(args.target.as_slice(), &args.params, &args.choice)?, args.json)
}

/// Prints what runs would do.
pub(super) fn show_all(orders: &[Order], json: bool) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for order in orders {
        let opened = order.opened()?;
        all.push((opened.plan.name.clone(), looked(&opened, &order.asked.places)?));
    }
    if json {
        let (_, last) = all.pop().expect("there is a pipeline");
        let before: Vec<_> = all.iter().map(|(name, steps)| json!({"pipeline": name, "steps": steps})).collect();
        out_json(&if before.is_empty() { json!({"steps": last}) } else { json!({"steps": last, "before": before}) });
        return Ok(Exit::Done);
    }
    let several = all.len() > 1;
    for (name, statuses) in &all {
        if several {
            out(&format!("{name}\n"));
        }
        out(&table(statuses));
        let count = |ahead: Ahead| statuses.iter().filter(|status| status.ahead == ahead).count();
        super::say(&format!(
            "{} to run, {} that may, {} kept",
            count(Ahead::Run),
            count(Ahead::Waits),
            count(Ahead::Cached)
        ));
    }
    Ok(Exit::Done)
}

/// What a run of a pipeline or step would do.
pub(super) fn statuses(target: Option<&str>, params: &ParamArgs) -> Result<Vec<StepStatus>, Failure> {
    let (pipeline, step) = split(target);
    let opened = open::open(pipeline, params)?;
    let places = opened.places(step)?;
    looked(&opened, &places)
}

fn looked(opened: &Opened, places: &[usize]) -> Result<Vec<StepStatus>, Failure> {
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

/// A line a step.
pub(super) fn table(statuses: &[StepStatus]) -> String {
    let mut table = Table::new([
        ("step", Align::Left),
        ("verb", Align::Left),
        ("", Align::Left),
        ("why", Align::Left),
        ("last took", Align::Right),
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
        let took = status.seconds.map(crate::report::seconds).unwrap_or_default();
        table.row([status.step.clone(), status.verb.to_owned(), word.to_owned(), status.reason.clone(), took]);
    }
    table.to_string()
}
