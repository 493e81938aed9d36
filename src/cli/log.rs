//! `gristmill log`.

use std::num::NonZeroUsize;

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Exit, Failure, open, out, out_json};
use crate::report::{log_json, log_table};
use crate::store::{History, Run, Status};

/// List the runs there were, newest first.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill log\n  gristmill log penguins --limit 5\n  gristmill log --failed\n  gristmill show last             what the newest of them did"
)]
pub(super) struct Log {
    /// Only the runs of this pipeline.
    pipeline: Option<String>,
    /// How many.
    #[arg(long, short = 'n', default_value = "20")]
    limit: NonZeroUsize,
    /// Only runs that didn't end well.
    #[arg(long)]
    failed: bool,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// How many runs are looked through for those that didn't end well.
const LOOKED: usize = 1000;

pub(super) fn run(args: &Log) -> Result<Exit, Failure> {
    let history = History::open(&open::root());
    let limit = args.limit.get();
    let looked = if args.failed { LOOKED.max(limit) } else { limit };
    let mut runs = match &args.pipeline {
        Some(pipeline) => history.of(pipeline, looked)?,
        None => history.list(looked)?,
    };
    if args.failed {
        runs.retain(|run: &Run| !matches!(run.status, Status::Done | Status::Running));
        runs.truncate(limit);
    }
    if args.json {
        out_json(&json!({"runs": runs.iter().map(log_json).collect::<Vec<Json>>()}));
    } else if runs.is_empty() {
        super::say(if args.failed { "no run ended badly" } else { "there were no runs" });
    } else {
        out(&log_table(&runs));
    }
    Ok(Exit::Done)
}
