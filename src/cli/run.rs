//! `gristmill run`.

use std::num::NonZeroUsize;

use clap::Args;

use super::plan::split;
use super::runner::{self, Options};
use super::{Exit, Failure, ParamArgs, color, open, out, out_json, signals};
use crate::report::{Progress, summary};
use crate::source::render;

/// Make what isn't made already.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill run\n  gristmill run penguins --set trees=300\n  gristmill run penguins/forest --json\n\nExit codes: 0 done, 1 a step failed, 2 the pipeline is wrong, 3 a gate failed, 5 disk or permission, 6 data broke its contract."
)]
pub(super) struct Run {
    /// A pipeline, or a step as `pipeline/step` with what it needs.
    target: Option<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// How many steps run at once; as many as there are processors without it.
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    /// Make everything again.
    #[arg(long)]
    force: bool,
    /// Write the lock and move aliases although params are overridden.
    #[arg(long)]
    record: bool,
    /// Print one object when it ends.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Run) -> Result<Exit, Failure> {
    let (pipeline, step) = split(args.target.as_deref());
    let opened = open::open(pipeline, &args.params)?;
    let places = opened.places(step)?;
    let stop = signals::stop_on_signal();
    let options = Options { jobs: args.jobs, force: args.force, record: args.record };
    let mut progress = Progress::new(&opened.plan, color(&std::io::stderr()), false);
    let finished = runner::run(&opened, &places, &options, stop, &mut |event| {
        progress.tell(&event, &|fault| opened.diagnose(fault));
    });
    progress.finish();
    let finished = finished?;
    if args.json {
        out_json(&finished.report);
    } else {
        out(&summary(&opened.plan, &finished.result));
    }
    if !finished.errors.is_empty() {
        super::say(&format!("\n{}", render(&finished.errors, color(&std::io::stderr()))));
    }
    Ok(finished.exit)
}
