//! `gristmill why`.

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, ParamArgs, open, out, out_json};
use crate::engine::{Ahead, ahead, explain, headline, why_ran};
use crate::plan::StepKind;
use crate::store::Change;

/// Say which part of a step's key differs from last time.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill why forest\n  gristmill why penguins/forest --set trees=300     before a run\n  gristmill why forest --json"
)]
pub(super) struct Why {
    /// A step, or `pipeline/step`.
    step: String,
    #[command(flatten)]
    params: ParamArgs,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Why) -> Result<Exit, Failure> {
    let (opened, step) = open::open_step(&args.step, &args.params)?;
    let places = opened.places(Some(&step))?;
    let place = opened.plan.step(&step).expect("its place was found");
    let tables = opened.tables()?;
    let env = opened.looking(&tables)?;
    let statuses = ahead(&opened.plan, &places, &env);
    let now = statuses.last().expect("a step is among what it needs");
    let units: &[&str] = match &opened.plan.steps[place].kind {
        StepKind::Table(table) if table.segments().len() > 1 => &["split", ""],
        StepKind::Train(train) if train.cv.is_some() => &["", "cv"],
        StepKind::Deploy(_) => &["seal"],
        _ => &[""],
    };
    let ran: Vec<_> = units.iter().map(|unit| why_ran(&env.store, &opened.plan.name, &step, unit)).collect();
    let ever = ran.iter().any(|why| why.ever);
    let mut changes: Vec<Change> = Vec::new();
    for change in ran.into_iter().filter_map(|why| why.last).flatten() {
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    if args.json {
        out_json(&json!({"step": step, "now": now.ahead, "reason": now.reason, "changes": changes}));
        return Ok(Exit::Done);
    }
    match now.ahead {
        Ahead::Run => out(&format!("`{step}` would run: {}", now.reason)),
        Ahead::Waits => out(&format!("`{step}` may run: {}", now.reason)),
        Ahead::Skipped => out(&format!("`{step}` is skipped: {}", now.reason)),
        Ahead::Blocked => out(&format!("`{step}` can't run: {}", now.reason)),
        Ahead::Cached | Ahead::Reconcile => out(&format!("`{step}` is up to date")),
    }
    match (ever, changes.is_empty()) {
        (false, _) => out("it never ran"),
        (true, true) => out("it last ran for the first time"),
        (true, false) => {
            out(&format!("it last ran because {}", headline(&changes)));
            if changes.len() > 3 {
                changes.iter().for_each(|change| out(&format!("  {}", explain(change))));
            }
        }
    }
    Ok(Exit::Done)
}
