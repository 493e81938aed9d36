//! `gristmill profile`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::open::{self, Opened};
use super::{Exit, Failure, ParamArgs, out, out_json};
use crate::data::{self, Contract, Format, Reading, Source, Table, stats};
use crate::engine::{Project, Tables};
use crate::report;
use crate::source::{Fault, suggest};
use crate::spec::Origin;
use crate::store::{StoreError, write_atomic};

/// Look at a table: what each column holds. Write a first contract for it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill profile data/penguins.csv\n  gristmill profile penguins.birds --json\n  gristmill profile data/sales.csv --missing NA --contract -o schemas/sales.yaml\n\nA contract that is written leaves room: ranges are a tenth wider than the data. Read it before you rely on it."
)]
pub(super) struct Profile {
    /// A source of a pipeline, as `source` or `pipeline.source`, or a file.
    #[arg(value_name = "SOURCE|FILE")]
    what: String,
    /// Cells of the file that mean "no value", beside the empty one.
    #[arg(long, value_name = "TEXT")]
    missing: Vec<String>,
    /// Give a contract that the table keeps.
    #[arg(long)]
    contract: bool,
    /// Write the contract to this file.
    #[arg(short, long, requires = "contract", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print it as JSON.
    #[arg(long, conflicts_with = "contract")]
    json: bool,
}

pub(super) fn run(args: &Profile) -> Result<Exit, Failure> {
    let table = table(args)?;
    let frame = table.training();
    let columns = data::profile(&table.shape, frame)?;
    if args.json {
        out_json(&json!({"rows": table.rows(), "columns": columns}));
        return Ok(Exit::Done);
    }
    if !args.contract {
        out(&report::profile(&columns));
        return Ok(Exit::Done);
    }
    let listed = |name: &str| {
        let counts = frame.column(name).map(stats::value_counts).unwrap_or_default();
        counts.into_iter().map(|(value, _)| value).collect()
    };
    let order: Vec<String> = table.shape.names().map(str::to_owned).collect();
    let text = Contract::draft(&columns, &listed).to_yaml(&order);
    match &args.output {
        None => out(&text),
        Some(path) if path.exists() => {
            return Err(Fault::new("file-exists", format!("`{}` is there already", path.display()))
                .help("name another file, or take it away first")
                .into());
        }
        Some(path) => {
            write_atomic(path, text.as_bytes())?;
            super::say(&format!("written to {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// The table that is meant: a file, if there is one of that name.
fn table(args: &Profile) -> Result<Table, Failure> {
    if Path::new(&args.what).is_file() {
        let mut reading = Reading::plain(Format::of(&args.what)?);
        reading.missing.clone_from(&args.missing);
        let bytes = std::fs::read(&args.what).map_err(StoreError::io("read", Path::new(&args.what)))?;
        return Ok(data::read(vec![Source { name: args.what.clone(), bytes }], &reading)?);
    }
    if args.what.contains('/') || Format::of(&args.what).is_ok() {
        return Err(Fault::new("missing-file", format!("there is no file `{}`", args.what)).into());
    }
    let (opened, source) = source(&args.what)?;
    rows(&opened, source).map_err(Failure::from)
}

/// A source: of the pipeline that is named, or of the only one that has it.
fn source(what: &str) -> Result<(Opened, usize), Failure> {
    let root = open::root();
    let names = Project::names(&root);
    let (pipelines, source) = match what.split_once('.') {
        Some((pipeline, source)) if names.iter().any(|name| name == pipeline) => (vec![pipeline.to_owned()], source),
        _ => (names, what),
    };
    let mut found = Vec::new();
    let mut known = Vec::new();
    let mut broken = None;
    for name in &pipelines {
        // A pipeline with mistakes may be another one: they are told if nothing else is found.
        let opened = match open::open_file(&Project::pipeline(&root, name)?, &ParamArgs::default()) {
            Ok(opened) => opened,
            Err(failure) => {
                broken.get_or_insert(failure);
                continue;
            }
        };
        known.extend(opened.plan.sources.iter().map(|source| source.spec.name.clone()));
        if let Some(place) = opened.plan.source(source) {
            found.push((name.clone(), opened, place));
        }
    }
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|(name, _, _)| format!("{name}.{source}")).collect();
        let fault = Fault::new("which-pipeline", format!("several pipelines have a source `{source}`"));
        return Err(fault
            .help(format!("name one of {}", crate::source::list(names.iter().map(String::as_str))))
            .into());
    }
    let none = || {
        Fault::new("unknown-source", format!("there is no file and no source `{source}`"))
            .maybe_help(suggest(source, known.iter().map(String::as_str)))
    };
    match (found.pop(), broken) {
        (Some((_, opened, place)), _) => Ok((opened, place)),
        (None, Some(failure)) => Err(failure),
        (None, None) => Err(none().into()),
    }
}

/// The rows of a source as its files have them, whether they keep its contract or not.
fn rows(opened: &Opened, source: usize) -> Result<Table, Fault> {
    let spec = &opened.plan.sources[source].spec;
    match &spec.origin {
        Origin::Files => {
            let root = &opened.project.root;
            let load = |name: String| {
                let bytes = std::fs::read(root.join(&name)).map_err(StoreError::io("read", Path::new(&name)))?;
                Ok::<_, Fault>(Source { name, bytes })
            };
            let files = opened.project.files(&spec.path)?.into_iter().map(load).collect::<Result<_, _>>()?;
            data::read(files, &spec.reading)
        }
        Origin::Pipeline { .. } => {
            let tables = opened.tables()?;
            let table = tables.table(&opened.plan, source)?;
            let mut whole = Vec::new();
            for (_, frame) in table.parts() {
                whole.push(frame.clone());
            }
            let mut whole = whole.into_iter();
            let mut rows = whole.next().unwrap_or_default();
            for part in whole {
                rows.vstack_mut(&part).map_err(data::unexpected)?;
            }
            Table::new(table.shape.clone(), rows)
        }
        Origin::Program { step, .. } => {
            Err(Fault::new("not-supported", format!("`{}` is what the program `{step}` leaves", spec.name))
                .help(format!("write it to a file first: `gristmill get {} -o FILE`, and look at that", spec.name)))
        }
    }
}
