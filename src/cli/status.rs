//! `gristmill status`.

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, ParamArgs, out, out_json, plan};
use crate::engine::Ahead;

/// Show whether each step is up to date.
#[derive(Args)]
#[command(after_help = "Examples:\n  gristmill status\n  gristmill status penguins --json")]
pub(super) struct Status {
    /// A pipeline, or a step as `pipeline/step`.
    target: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Status) -> Result<Exit, Failure> {
    let statuses = plan::statuses(args.target.as_deref(), &ParamArgs::default())?;
    let stale = statuses.iter().filter(|status| !matches!(status.ahead, Ahead::Cached | Ahead::Reconcile)).count();
    if args.json {
        out_json(&json!({"up_to_date": stale == 0, "steps": statuses}));
        return Ok(Exit::Done);
    }
    if stale == 0 {
        out(&format!("up to date: all {} steps", statuses.len()));
    } else {
        out(&plan::table(&statuses));
    }
    Ok(Exit::Done)
}
