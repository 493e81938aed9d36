//! `gristmill render`.

use clap::Args;

use serde_json::Value as Json;

use super::{Exit, Failure, ParamArgs, open, out, out_json};
use crate::spec::written;

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

/// Places that only a run knows stand as they were written.
fn as_written(tree: Json) -> Json {
    match tree {
        Json::String(text) => Json::String(written(&text)),
        Json::Array(items) => items.into_iter().map(as_written).collect(),
        Json::Object(map) => map.into_iter().map(|(key, value)| (key, as_written(value))).collect(),
        other => other,
    }
}

pub(super) fn run(args: &Render) -> Result<Exit, Failure> {
    let opened = open::open(args.pipeline.as_deref(), &args.params)?;
    let tree = as_written(opened.document.root.to_json());
    if args.json {
        out_json(&tree);
    } else {
        out(&serde_yaml::to_string(&tree).expect("a tree that was read can be written"));
    }
    Ok(Exit::Done)
}
