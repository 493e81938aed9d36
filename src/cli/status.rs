//! `gristmill status`.

use clap::Args;
use serde_json::{Value as Json, json};

use super::plan::{split, statuses, table, total};
use super::{Exit, Failure, ParamArgs, open, out, out_json};
use crate::engine::{Ahead, Project, StepStatus};
use crate::report::table::{Align, Table};
use crate::report::{local, log_json, status_word};
use crate::store::{History, Run};

/// Show whether what pipelines say is made, and how their last runs ended.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill status                every pipeline of the project, a line each\n  gristmill status penguins       the steps of one\n  gristmill status --json"
)]
pub(super) struct Status {
    /// A pipeline, or a step as `pipeline/step`; every pipeline of the project without one.
    target: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// A pipeline, as it stands.
struct Standing {
    name: String,
    /// Its steps; what is wrong if it can't be read or doesn't check.
    steps: Result<Vec<StepStatus>, String>,
    last: Option<Run>,
}

pub(super) fn run(args: &Status) -> Result<Exit, Failure> {
    let root = open::root();
    let history = History::open(&root);
    match args.target.as_deref() {
        Some(target) => one(args, target, &history),
        None => all(args, &root, &history),
    }
}

fn one(args: &Status, target: &str, history: &History) -> Result<Exit, Failure> {
    let (pipeline, step) = split(Some(target));
    let opened = open::open(pipeline, &ParamArgs::default())?;
    let steps = statuses(&opened, &opened.places(step)?)?;
    let last = history.of(&opened.plan.name, 1)?.pop();
    let standing = Standing { name: opened.plan.name.clone(), steps: Ok(steps), last };
    if args.json {
        out_json(&standing.to_json());
        return Ok(Exit::Done);
    }
    let steps = standing.steps.as_ref().expect("its steps were found");
    if stale(steps) == 0 {
        out(&format!("up to date: all {} steps", steps.len()));
    } else {
        out(&table(steps));
        super::say(&total(steps));
    }
    if let Some(last) = &standing.last {
        super::say(&format!("last run: {}", run_line(last)));
    }
    Ok(Exit::Done)
}

fn all(args: &Status, root: &std::path::Path, history: &History) -> Result<Exit, Failure> {
    let names = Project::names(root);
    if names.is_empty() {
        open::file_of(root, None)?;
    }
    let mut found = Vec::new();
    for name in &names {
        let file = Project::pipeline(root, name)?;
        let looked = open::look(root, &file, &ParamArgs::default())?;
        let (name, steps) = match &looked.opened {
            Some(opened) => {
                let steps =
                    opened.places(None).and_then(|places| statuses(opened, &places)).map_err(|fault| fault.to_string());
                (opened.plan.name.clone(), steps)
            }
            None => (name.clone(), Err(mistakes(looked.diagnostics.len(), name))),
        };
        let last = history.of(&name, 1)?.pop();
        found.push(Standing { name, steps, last });
    }
    if args.json {
        let up_to_date = found.iter().all(Standing::up_to_date);
        let pipelines: Vec<Json> = found.iter().map(Standing::to_json).collect();
        out_json(&json!({"up_to_date": up_to_date, "pipelines": pipelines}));
        return Ok(Exit::Done);
    }
    let mut lines = Table::new([("pipeline", Align::Left), ("now", Align::Left), ("last run", Align::Left)]);
    for standing in &found {
        let last = standing.last.as_ref().map_or_else(|| "it never ran".to_owned(), run_line);
        lines.row([standing.name.clone(), standing.now(), last]);
    }
    out(&lines.to_string());
    Ok(Exit::Done)
}

fn mistakes(count: usize, name: &str) -> String {
    format!("{count} {}; `gristmill check {name}` tells", if count == 1 { "mistake" } else { "mistakes" })
}

fn run_line(run: &Run) -> String {
    format!("{} on {}", status_word(run.status), local(&run.started))
}

/// How many steps aren't made, or may have to be made anew.
fn stale(steps: &[StepStatus]) -> usize {
    steps.iter().filter(|status| !matches!(status.ahead, Ahead::Cached | Ahead::Reconcile | Ahead::Skipped)).count()
}

impl Standing {
    fn up_to_date(&self) -> bool {
        self.steps.as_ref().is_ok_and(|steps| stale(steps) == 0)
    }

    fn now(&self) -> String {
        let steps = match &self.steps {
            Ok(steps) => steps,
            Err(wrong) => return wrong.clone(),
        };
        let of = |ahead: Ahead| -> Vec<&str> {
            steps.iter().filter(|status| status.ahead == ahead).map(|status| status.step.as_str()).collect()
        };
        let (runs, waits, blocked) = (of(Ahead::Run), of(Ahead::Waits), of(Ahead::Blocked));
        match () {
            () if stale(steps) == 0 => format!("up to date: all {} steps", steps.len()),
            () if !blocked.is_empty() => format!("{} can't run", crate::source::list(blocked)),
            () if runs.len() + waits.len() > 3 => {
                format!("{} of {} steps would run", up_to(runs.len(), waits.len()), steps.len())
            }
            () if waits.is_empty() => format!("{} would run", crate::source::list(runs)),
            () => format!("{} would run, {} may", crate::source::list(runs), crate::source::list(waits)),
        }
    }

    fn to_json(&self) -> Json {
        json!({
            "pipeline": self.name,
            "up_to_date": self.up_to_date(),
            "last_run": self.last.as_ref().map(log_json),
            "steps": self.steps.as_ref().ok(),
            "wrong": self.steps.as_ref().err(),
        })
    }
}

/// "3", or "3 to 7" where some depend on what others make.
fn up_to(runs: usize, waits: usize) -> String {
    if waits == 0 { runs.to_string() } else { format!("{runs} to {}", runs + waits) }
}
