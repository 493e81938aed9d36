//! `gristmill gc`.

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, needs, open, out, out_json, say};
use crate::report::bytes;
use crate::report::table::{Align, Table};
use crate::source::Fault;
use crate::store::{Branches, Store, Swept, Tally, Wanted, branches, collect};

/// Drop kept results that nothing needs any more.
///
/// Needed are the results that the locks in the working tree and in every branch and tag of git name, the sealed models of all
/// registered versions, what the last runs of each pipeline used, the newest results of each pipeline, and whatever a
/// running process works with. Everything else can be made again. Runs may go on meanwhile.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill gc --dry-run\n  gristmill gc\n  gristmill gc --keep-runs 0 --damaged\n  gristmill gc --json"
)]
pub(super) struct Gc {
    /// Keep what this many last runs of each pipeline used.
    #[arg(long, value_name = "N", default_value_t = 10)]
    keep_runs: usize,
    /// Drop damaged results that were set aside, whatever their age; without it they go after 30 days.
    #[arg(long)]
    damaged: bool,
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Gc) -> Result<Exit, Failure> {
    let root = open::root();
    let store = Store::open(&root)?;
    let branches = branches(&root)?;
    let (references, fixed) = match branches {
        Branches::Named { references, digests } => (Some(references), digests),
        Branches::None => (None, Default::default()),
        Branches::Unasked => {
            say("warning: there is no `git` to ask: what other branches need isn't known, and isn't kept for them");
            (None, Default::default())
        }
    };
    let pipelines = needs::pipelines(&root);
    let moving = || needs::moving(&root, args.keep_runs);
    // What can't be read is told before anything is done.
    moving().map_err(unread)?;
    let wanted = Wanted { fixed, moving: &moving, pipelines, damaged: args.damaged, dry: args.dry_run };
    let swept = collect(&store, &wanted)?;
    if args.json {
        out_json(&json!({
            "dry_run": args.dry_run,
            "freed": swept.freed(),
            "dropped": swept.dropped,
            "kept": swept.kept,
            "references": references,
        }));
    } else {
        out(&told(&swept, args.dry_run));
    }
    Ok(Exit::Done)
}

fn unread(fault: Fault) -> Fault {
    let message = format!("what is needed isn't known, so nothing was dropped: {}", fault.message);
    Fault { message, ..fault }
}

fn told(swept: &Swept, dry: bool) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        (if dry { "would go" } else { "dropped" }, Align::Right),
        ("size", Align::Right),
        ("kept", Align::Right),
        ("size", Align::Right),
    ]);
    let mut kinds: Vec<&str> = swept.dropped.keys().chain(swept.kept.keys()).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of = |tally: Option<&Tally>| tally.copied().unwrap_or_default();
        let (dropped, kept) = (of(swept.dropped.get(kind)), of(swept.kept.get(kind)));
        table.row([
            kind.to_owned(),
            dropped.count.to_string(),
            bytes(dropped.bytes),
            kept.count.to_string(),
            bytes(kept.bytes),
        ]);
    }
    let freed = swept.freed();
    if freed.count == 0 {
        return "everything that is kept is needed".to_owned();
    }
    let would = if dry { "would free" } else { "freed" };
    format!("{table}{would} {}", bytes(freed.bytes))
}
