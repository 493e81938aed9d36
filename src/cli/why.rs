//! `gristmill why`.

use clap::Args;
use serde_json::{Value as Json, json};

use super::open::{self, Opened};
use super::{Exit, Failure, ParamArgs, out, out_json};
use crate::engine::{Ahead, Reason, StepStatus, ahead, last_ran};
use crate::plan::StepKind;
use crate::registry::{LedgerRow, Registry};
use crate::report::{RanError, StepPast, alias_story, local, seconds, step_past};
use crate::source::Fault;
use crate::store::History;

/// Say why a step would run, or why it wouldn't, and which part of its key differs from last time.
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

/// How many runs are looked through for the one that made a result.
const LOOKED: usize = 50;

/// All that is known of a step.
struct Known {
    now: StepStatus,
    /// Why it ran when it last did.
    ran: Option<Reason>,
    /// The run that made its result.
    maker: Option<String>,
    /// What became of it in the last run that had it.
    past: Option<StepPast>,
    deployment: Option<Deployment>,
}

struct Deployment {
    model: String,
    alias: String,
    ledger: Vec<LedgerRow>,
}

pub(super) fn run(args: &Why) -> Result<Exit, Failure> {
    let (opened, step) = open::open_step(&args.step, &args.params)?;
    let known = know(&opened, &step)?;
    if args.json {
        out_json(&to_json(&opened.plan.name, &known));
    } else {
        out(&to_text(&known).join("\n"));
    }
    Ok(Exit::Done)
}

fn know(opened: &Opened, step: &str) -> Result<Known, Fault> {
    let places = opened.places(Some(step))?;
    let place = opened.place(step)?;
    let tables = opened.tables()?;
    let env = opened.looking(&tables)?;
    let now = ahead(&opened.plan, &places, &env).pop().expect("a step is among what it needs");
    let mut past = None;
    let mut maker = None;
    for run in History::open(&opened.project.root).of(&opened.plan.name, LOOKED)? {
        let Some(found) = step_past(&run, step) else { continue };
        let is_maker = |key: &String| now.keys.iter().any(|made| made.to_string() == *key);
        if found.outcome == "ran" && found.key.as_ref().is_some_and(is_maker) {
            maker = maker.or(Some(found.run.clone()));
        }
        past = past.or(Some(found));
        if maker.is_some() {
            break;
        }
    }
    let deployment = match &opened.plan.steps[place].kind {
        StepKind::Deploy(deploy) => Some(Deployment {
            model: deploy.name.clone(),
            alias: deploy.alias.clone(),
            ledger: Registry::open(&opened.project.root)?.ledger(&deploy.name)?,
        }),
        _ => None,
    };
    Ok(Known { ran: last_ran(&env.store, &opened.plan, place), now, maker, past, deployment })
}

fn to_json(pipeline: &str, known: &Known) -> Json {
    let now = &known.now;
    // Of what is kept, the changes are told that made it run.
    let told = match (now.ahead, &known.ran) {
        (Ahead::Cached | Ahead::Reconcile, Some(ran)) if now.changes.is_empty() => (&ran.changes, &ran.because),
        _ => (&now.changes, &now.because),
    };
    json!({
        "step": now.step,
        "pipeline": pipeline,
        "now": now.ahead,
        "reason": now.reason,
        "changes": told.0,
        "because": told.1,
        "made": now.made.as_ref().map(|at| json!({"at": at, "seconds": now.seconds, "run": known.maker})),
        "last": known.past,
        "deployment": known.deployment.as_ref().map(|found| {
            let of: Vec<&LedgerRow> = found.ledger.iter().filter(|row| row.alias == found.alias).collect();
            json!({"model": found.model, "alias": found.alias, "version": of.iter().rfind(|row| row.moved).map(|row| row.version),
                "decisions": of})
        }),
    })
}

fn to_text(known: &Known) -> Vec<String> {
    let now = &known.now;
    let step = &now.step;
    let mut lines = match now.ahead {
        Ahead::Run if now.because.len() > 1 => listed(format!("`{step}` would run:"), &now.because),
        Ahead::Run => vec![format!("`{step}` would run: {}", now.reason)],
        Ahead::Waits => vec![format!("`{step}` would run {}", now.reason)],
        Ahead::Blocked => vec![format!("`{step}` can't run: {}", now.reason)],
        Ahead::Skipped => vec![format!("`{step}` is skipped: {}", now.reason)],
        Ahead::Cached => vec![format!("`{step}` is up to date: {}", now.reason)],
        Ahead::Reconcile if !now.changes.is_empty() => {
            vec![format!("`{step}` would seal the model anew: {}", now.reason)]
        }
        Ahead::Reconcile => vec![format!("`{step}`: {}", now.reason)],
    };
    if let Some((made, took)) = now.made.as_ref().zip(now.seconds) {
        let by = known.maker.as_ref().map_or(String::new(), |run| format!(" by the run {run}"));
        let last = if matches!(now.ahead, Ahead::Cached | Ahead::Reconcile) { "" } else { "last " };
        lines.push(format!("it was {last}made on {}{by}, in {}", local(made), seconds(took)));
    }
    lines.extend(ran(known));
    if let Some(past) = &known.past {
        lines.extend(in_last_run(past));
    }
    if let Some(deployment) = &known.deployment {
        let story = alias_story(&deployment.model, &deployment.alias, &deployment.ledger);
        match story.is_empty() {
            true => lines.push(format!("`{}` isn't registered yet", deployment.model)),
            false => lines.extend(story),
        }
    }
    lines
}

fn listed(head: String, because: &[String]) -> Vec<String> {
    [head].into_iter().chain(because.iter().map(|line| format!("  {line}"))).collect()
}

/// Why it ran when it last did.
fn ran(known: &Known) -> Vec<String> {
    match &known.ran {
        None if known.now.reason == "it never ran" => Vec::new(),
        None => vec!["it never ran here".to_owned()],
        Some(ran) if ran.because.is_empty() => vec!["it ran once so far".to_owned()],
        Some(ran) if ran.because.len() > 3 => listed("it last ran because".to_owned(), &ran.because),
        Some(ran) => vec![format!("it last ran because {}", ran.because.join("; "))],
    }
}

/// What the last run said, where it didn't end well.
fn in_last_run(past: &StepPast) -> Vec<String> {
    let when = format!("in the last run, {} on {}", past.run, local(&past.started));
    match past.outcome.as_str() {
        "failed" => {
            let errors: Vec<String> = past.errors.iter().map(RanError::line).collect();
            let errors = if errors.is_empty() { vec![past.reason.clone()] } else { errors };
            let mut lines = listed(format!("it failed {when}:"), &errors);
            lines.push("the next run tries it again".to_owned());
            lines
        }
        "skipped" => vec![format!("it was skipped {when}: {}", past.reason)],
        _ => Vec::new(),
    }
}
