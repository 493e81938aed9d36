//! `gristmill init`.

mod ci;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failure, out};
use crate::data::{self, Format, Kind, Reading, Shape};
use crate::source::{Fault, suggest};
use crate::store::write_atomic;

/// Begin a project: an example, a first pipeline for a table of yours, or a workflow for CI.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill init my-project                              the penguins, ready to run\n  gristmill init . --data data/loans.csv --target status   a first pipeline for a table of yours\n  gristmill init --ci github                             a workflow that checks, tests and runs it"
)]
pub(super) struct Init {
    /// The folder; the current one without it.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// A table, relative to the folder, to write a first pipeline for.
    #[arg(long, requires = "target")]
    data: Option<String>,
    /// The column to predict.
    #[arg(long, requires = "data")]
    target: Option<String>,
    /// Write a workflow for a system of continuous integration, and nothing else.
    #[arg(long, value_name = "SYSTEM", conflicts_with = "data")]
    ci: Option<ci::System>,
}

const EXAMPLE: [(&str, &str); 3] = [
    ("pipelines/penguins.yaml", include_str!("../../pipelines/penguins.yaml")),
    ("schemas/penguins.yaml", include_str!("../../schemas/penguins.yaml")),
    ("data/penguins.csv", include_str!("../../data/penguins.csv")),
];

const IGNORE: &str = ".gristmill/\n";

pub(super) fn run(args: &Init) -> Result<Exit, Failure> {
    if let Some(system) = args.ci {
        return ci::write(&args.folder, system);
    }
    let mut files: Vec<(String, String)> = Vec::new();
    let name = match (&args.data, &args.target) {
        (Some(table), Some(target)) => {
            let (name, pipeline) = first_pipeline(&args.folder, table, target)?;
            files.push((format!("pipelines/{name}.yaml"), pipeline));
            name
        }
        _ => {
            files.extend(EXAMPLE.map(|(path, text)| (path.to_owned(), text.to_owned())));
            "penguins".to_owned()
        }
    };
    let schema = serde_json::to_string_pretty(&crate::spec::schema::pipeline()).expect("JSON is written to memory");
    files.push(("schemas/pipeline.schema.json".to_owned(), format!("{schema}\n")));
    if !args.folder.join(".gitignore").exists() {
        files.push((".gitignore".to_owned(), IGNORE.to_owned()));
    }
    if !args.folder.join("gristmill.yaml").exists() && !args.folder.join(".git").exists() {
        files.push(("gristmill.yaml".to_owned(), "# The root of a gristmill project.\n".to_owned()));
    }
    for (path, _) in files.iter().filter(|(path, _)| path.starts_with("pipelines/")) {
        if args.folder.join(path).exists() {
            return Err(Fault::new("exists", format!("there is a `{path}` already"))
                .help("nothing was written; take another folder")
                .into());
        }
    }
    for (path, text) in &files {
        let path = args.folder.join(path);
        if !path.exists() {
            write_atomic(&path, text.as_bytes())?;
            out(&format!("wrote {}", path.display()));
        }
    }
    let go = if args.folder == Path::new(".") { String::new() } else { format!("cd {} && ", args.folder.display()) };
    super::say(&format!("\nnext: {go}gristmill run {name}"));
    Ok(Exit::Done)
}

/// A pipeline that prepares a table by the types of its columns and compares two models.
fn first_pipeline(folder: &Path, table: &str, target: &str) -> Result<(String, String), Failure> {
    let path = folder.join(table);
    let shape = data::columns(&path, table, &Reading::plain(Format::of(table)?))?;
    let Some(kind) = shape.known(target) else {
        return Err(Fault::new("unknown-column", format!("`{table}` has no column `{target}`"))
            .maybe_help(suggest(target, shape.names()))
            .into());
    };
    let stem = Path::new(table).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem: String = stem
        .split('.')
        .next()
        .unwrap_or("data")
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    Ok((stem.clone(), written(&stem, table, target, kind, &shape)))
}

fn written(name: &str, table: &str, target: &str, kind: Kind, shape: &Shape) -> String {
    let classes = kind.is_string() || kind == Kind::Bool;
    let quoted = |text: &str| serde_json::to_string(text).expect("a string");
    let others = || shape.fields.iter().filter(|field| field.name != target);
    let mut ops = vec![format!("drop_missing: [{}]", quoted(target))];
    ops.push(if classes {
        format!("split: {{test: 0.25, stratify: {}}}", quoted(target))
    } else {
        "split: {test: 0.25}".to_owned()
    });
    let temporal: Vec<String> =
        others().filter(|field| field.kind.is_temporal()).map(|field| quoted(&field.name)).collect();
    if !temporal.is_empty() {
        ops.push(format!("drop: [{}]", temporal.join(", ")));
    }
    let mut fills = Vec::new();
    if others().any(|field| field.kind.is_numeric()) {
        fills.push("numeric: median");
    }
    if others().any(|field| field.kind.is_string()) {
        fills.push("categorical: {value: unknown}");
    }
    if !fills.is_empty() {
        ops.push(format!("fill_missing: {{{}}}", fills.join(", ")));
    }
    if others().any(|field| field.kind.is_string()) {
        ops.push("one_hot: {columns: categorical, max: 20}".to_owned());
    }
    if others().any(|field| field.kind.is_numeric()) {
        ops.push("standardize: numeric".to_owned());
    }
    let ops: Vec<String> = ops.iter().map(|op| format!("      - {op}\n")).collect();
    let (linear, metrics, best) = if classes {
        ("logistic_regression", "accuracy, f1, log_loss", "f1")
    } else {
        ("linear_regression", "rmse, mae, r2", "rmse")
    };
    format!(
        "# yaml-language-server: $schema=../schemas/pipeline.schema.json\nname: {name}\ntarget: {}\n\nsources:\n  {name}_table: {{path: {}}}\n\nsteps:\n  features:\n    transform: {name}_table\n    ops:\n{}\n  forest: {{train: features, model: random_forest, cv: 5}}\n\n  linear: {{train: features, model: {linear}, cv: 5}}\n\n  quality:\n    evaluate: [forest, linear]\n    metrics: [{metrics}]\n    best: {best}\n\n  live: {{deploy: quality, as: {name}, to: [rest]}}\n",
        quoted(target),
        quoted(table),
        ops.concat(),
    )
}
