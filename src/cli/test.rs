//! `gristmill test`.

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, ParamArgs, open, out, out_json};
use crate::engine::{Project, run_tests};

/// Run the tests of pipelines: given rows in, expected rows out.
#[derive(Args)]
#[command(after_help = "Examples:\n  gristmill test\n  gristmill test penguins --json")]
pub(super) struct Test {
    /// Pipelines; all of the project without one.
    pipelines: Vec<String>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Test) -> Result<Exit, Failure> {
    let root = open::root();
    let names = if args.pipelines.is_empty() { Project::names(&root) } else { args.pipelines.clone() };
    if names.is_empty() {
        open::file_of(&root, None)?;
    }
    let mut results = Vec::new();
    for name in &names {
        let opened = open::open(Some(name), &ParamArgs::default())?;
        results.extend(run_tests(&opened.plan).into_iter().map(|result| (opened.plan.name.clone(), result)));
    }
    let failed = results.iter().filter(|(_, result)| !result.failures.is_empty()).count();
    if args.json {
        let list: Vec<_> = results
            .iter()
            .map(|(pipeline, result)| json!({"pipeline": pipeline, "name": result.name, "passed": result.failures.is_empty(), "failures": result.failures}))
            .collect();
        out_json(&json!({"tests": list}));
    } else {
        for (pipeline, result) in &results {
            let word = if result.failures.is_empty() { "ok" } else { "FAILED" };
            out(&format!("{word:6} {pipeline}: {}", result.name));
            for failure in &result.failures {
                out(&format!("         {failure}"));
            }
        }
        super::say(&format!("{} passed, {failed} failed", results.len() - failed));
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}
