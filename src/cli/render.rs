//! `gristmill render`.

use clap::Args;

use super::{Exit, Failure, ParamArgs, open, out, out_json};

/// Print a pipeline with overrides and templates applied.
#[derive(Args)]
#[command(after_help = "Examples:\n  gristmill render penguins\n  gristmill render penguins --set trees=300 --json")]
pub(super) struct Render {
    /// A pipeline.
    pipeline: Option<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Render) -> Result<Exit, Failure> {
    let opened = open::open(args.pipeline.as_deref(), &args.params)?;
    let tree = opened.document.root.to_json();
    if args.json {
        out_json(&tree);
    } else {
        out(&serde_yaml::to_string(&tree).expect("a tree that was read can be written"));
    }
    Ok(Exit::Done)
}
