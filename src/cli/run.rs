//! `gristmill run`.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde_json::{Value as Json, json};

use super::choice::Choice;
use super::orders::{Order, orders};
use super::runner::{self, Options};
use super::{Exit, Failure, ParamArgs, ci, color, out, out_json, plan, signals};
use crate::report::{Progress, summary};
use crate::source::render;

/// Make what isn't made already.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill run\n  gristmill run penguins --set trees=300\n  gristmill run penguins/forest --json\n  gristmill run customers orders --keep-going\n  gristmill run penguins --from features --force\n\nExit codes: 0 done, 1 a step failed, 2 the pipeline is wrong, 3 a gate failed, 4 the lock says otherwise, 5 disk or permission, 6 data broke its contract."
)]
pub(super) struct Run {
    /// Pipelines, or steps as `pipeline/step` with what they need; the only pipeline without one.
    targets: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// How many steps run at once; as many as there are processors without it.
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    choice: Choice,
    /// Make the chosen steps again, kept or not.
    #[arg(long)]
    force: bool,
    /// When a step fails, go on with what doesn't need it.
    #[arg(long, short)]
    keep_going: bool,
    /// Come to what the lock says, or fail with exit code 4 and make nothing else; the lock stays as it is.
    #[arg(long)]
    locked: bool,
    /// Take a warning of the pipeline, or of a leak in its rows, for a mistake: exit code 2, or 3; nothing is deployed.
    #[arg(long)]
    strict: bool,
    /// Only show what would be done, as `plan` does.
    #[arg(long)]
    dry_run: bool,
    /// Write the lock and move aliases although params are overridden.
    #[arg(long)]
    record: bool,
    /// List also what is kept, in pipelines of many steps.
    #[arg(long, short)]
    verbose: bool,
    /// Print one object when it ends.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Run) -> Result<Exit, Failure> {
    let orders = orders(&args.targets, &args.params, &args.choice)?;
    if args.dry_run {
        return plan::show_all(orders, args.json);
    }
    let stop = signals::stop_on_signal();
    let options = Options {
        jobs: args.jobs,
        force: args.force,
        keep_going: args.keep_going,
        locked: args.locked,
        record: args.record,
        strict: args.strict,
    };
    let mut exit = Exit::Done;
    let mut reports = Vec::new();
    let several = orders.len() > 1;
    for order in orders {
        if exit != Exit::Done && !(args.keep_going && exit != Exit::Interrupted) {
            break;
        }
        let finished = one(order, &options, stop, args, several)?;
        exit = if exit == Exit::Done { finished.exit } else { exit };
        reports.push((finished.asked, finished.report));
    }
    if args.json {
        out_json(&together(reports));
    }
    Ok(exit)
}

/// What a run left, and whether it was asked for by name.
struct Told {
    asked: bool,
    report: Json,
    exit: Exit,
}

/// Runs one pipeline and tells what it left.
fn one(mut order: Order, options: &Options, stop: &AtomicBool, args: &Run, several: bool) -> Result<Told, Failure> {
    // Those that came before may have left what this one reads.
    let opened = order.opened()?;
    if several {
        super::say(&format!("{}:", opened.plan.name));
    }
    let progress = Progress::new(&opened.plan, color(&std::io::stderr()), false);
    let mut progress = progress.of(order.asked.places.len()).verbose(args.verbose);
    let finished = runner::run(opened, &order.asked, options, stop, &mut |opened, event| {
        progress.tell(&event, &|fault| opened.diagnose(fault));
    });
    progress.finish();
    let finished = finished?;
    ci::tell_run(&finished);
    if !args.json {
        out(&summary(&finished.opened.plan, &finished.result));
    }
    if !finished.errors.is_empty() {
        super::say(&format!("\n{}", render(&finished.errors, color(&std::io::stderr()))));
    }
    Ok(Told { asked: order.is_target, report: finished.report, exit: finished.exit })
}

/// One pipeline's object is the object; those that ran only because it needs them stand in it as `before`. Several are a
/// list.
fn together(mut reports: Vec<(bool, Json)>) -> Json {
    if let [(_, only)] = reports.as_mut_slice() {
        return only.take();
    }
    let targets = reports.iter().filter(|(asked, _)| *asked).count();
    if targets == 1 && reports.last().is_some_and(|(asked, _)| *asked) {
        let (_, mut target) = reports.pop().expect("there is a last one");
        target["before"] = reports.into_iter().map(|(_, report)| report).collect();
        return target;
    }
    let worst = reports.iter().map(|(_, report)| &report["status"]).find(|status| *status != "done");
    let status = worst.cloned().unwrap_or_else(|| "done".into());
    json!({"status": status, "runs": reports.into_iter().map(|(_, report)| report).collect::<Json>()})
}
