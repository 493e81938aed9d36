//! `gristmill check`.

use clap::Args;
use serde_json::json;

use super::open::{self, Opened};
use super::{Exit, Failure, ParamArgs, color, out, out_json};
use crate::engine::Project;
use crate::source::{Severity, render};

/// Check pipelines, columns and types included, without reading data.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill check                         every pipeline of the project\n  gristmill check penguins\n  gristmill check pipelines/penguins.yaml --json"
)]
pub(super) struct Check {
    /// Pipelines, by name or file; all of the project without one.
    pipelines: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Take warnings for mistakes.
    #[arg(long)]
    strict: bool,
    /// Print the mistakes as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Check) -> Result<Exit, Failure> {
    let root = open::root();
    let names = if args.pipelines.is_empty() { Project::names(&root) } else { args.pipelines.clone() };
    if names.is_empty() {
        open::file_of(&root, None)?;
    }
    let mut diagnostics = Vec::new();
    let mut fine = Vec::new();
    for name in &names {
        let file = open::file_of(&root, Some(name))?;
        let looked = open::look(&root, &file, &args.params)?;
        let found = if args.strict { open::strictly(looked.diagnostics) } else { looked.diagnostics };
        if let Some(opened) = looked.opened.as_ref().filter(|_| !Opened::has_errors(&found)) {
            fine.push(line(&looked.name, opened));
        }
        diagnostics.extend(found);
    }
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    if args.json {
        out_json(&json!({"diagnostics": diagnostics}));
    } else {
        if !diagnostics.is_empty() {
            super::say(&format!("{}\n", render(&diagnostics, color(&std::io::stderr()))));
        }
        for line in fine {
            out(&line);
        }
        if errors > 0 {
            super::say(&format!("{errors} {}", if errors == 1 { "mistake" } else { "mistakes" }));
        }
    }
    super::ci::tell_mistakes(&root, &diagnostics);
    Ok(if Opened::has_errors(&diagnostics) { Exit::Wrong } else { Exit::Done })
}

fn line(name: &str, opened: &Opened) -> String {
    let plan = &opened.plan;
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let mut line = format!(
        "{name}: fine ({}, {}, {})",
        count(plan.sources.len(), "source"),
        count(plan.steps.len(), "step"),
        count(plan.tests.len(), "test")
    );
    for (deploy, request) in super::show::requests(opened) {
        line.push_str(&format!("\n  a request to `{deploy}` holds {request}"));
    }
    line
}
