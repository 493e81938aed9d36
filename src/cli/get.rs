//! `gristmill get`.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, ParamArgs, open, out};
use crate::data::{self, Part};
use crate::engine::{Payload, StepDone, TableMeta, load_part, object};
use crate::plan::Plan;
use crate::registry::Registry;
use crate::source::{Fault, list, suggest};
use crate::store::{Digest, Store, write_atomic};

/// Write a step's table or a model to a file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill get features -o features.parquet\n  gristmill get features.test -o test.csv\n  gristmill get net.log -o log.txt\n  gristmill get forest.trials -o trials.csv\n  gristmill get penguin-species@champion -o model.gristmill\n\nThe extension tells the format: csv, tsv, parquet, arrow, ndjson, json; .gz and .zst on top."
)]
pub(super) struct Get {
    /// `step`, `step.part`, `step.output`, `pipeline/step`, or a model: `name`, `name@alias`, `name@3`.
    what: String,
    /// The file; without it a table is printed as CSV.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Get) -> Result<Exit, Failure> {
    let root = open::root();
    let store = Store::open(&root)?;
    let bytes = match model(&root, &store, &args.what)? {
        Some(bytes) if args.output.is_none() => {
            return Err(Fault::new("no-output", format!("a model has {} bytes that aren't text", bytes.len()))
                .help("say where to: `-o model.gristmill`")
                .into());
        }
        Some(bytes) => bytes,
        None => made(args, &store)?,
    };
    match &args.output {
        Some(path) => {
            write_atomic(path, &bytes)?;
            super::say(&format!("{} bytes written to {}", bytes.len(), path.display()));
        }
        None => out(&String::from_utf8_lossy(&bytes)),
    }
    Ok(Exit::Done)
}

/// A model's bytes, if the registry has one of that name.
fn model(root: &std::path::Path, store: &Store, what: &str) -> Result<Option<Vec<u8>>, Failure> {
    let registry = Registry::open(root)?;
    let name = what.split('@').next().unwrap_or(what);
    if !registry.models()?.iter().any(|model| model.name == name) {
        return Ok(None);
    }
    let row = registry.resolve(what)?;
    Ok(Some(object(store, &row.digest)?))
}

/// The bytes of a step's table, or of a file that its program left.
fn made(args: &Get, store: &Store) -> Result<Vec<u8>, Failure> {
    let (opened, target) = open::open_step(&args.what, &ParamArgs::default())?;
    // A step's name may hold dots, if a matrix made it.
    let (step, part) = match target.rsplit_once('.') {
        Some((step, part)) if opened.plan.step(&target).is_none() => (step.to_owned(), Some(part.to_owned())),
        _ => (target, None),
    };
    let (step, part) = file_of(&opened.plan, &step).unwrap_or((step, part));
    let done = opened.kept(&step)?;
    match &done.payload {
        Payload::Table(_) => {
            let path = args.output.as_ref().map_or("x.csv".into(), |path| path.to_string_lossy());
            Ok(table_bytes(store, done.table(), part.as_deref(), &path)?)
        }
        Payload::Model { tuned: Some(tuned), .. } if part.as_deref() == Some("trials") => {
            let path = args.output.as_ref().map_or("x.csv".into(), |path| path.to_string_lossy());
            Ok(data::write(&super::show::kept_trials(store, tuned)?.table(&tuned.seconds)?, &path)?)
        }
        Payload::Model { tuned: Some(_), .. } => {
            let fault = match &part {
                Some(part) => Fault::new("no-output", format!("`{step}` leaves no `{part}`")),
                None => Fault::new("not-a-table", format!("`{step}` makes no table")),
            };
            Err(fault.help(format!("its trials are one: `gristmill get {step}.trials`")).into())
        }
        Payload::Files(_) => Ok(object(store, &file(&step, part.as_deref(), &done)?)?),
        _ => Err(Fault::new("not-a-table", format!("`{step}` makes no table"))
            .help("`gristmill show` tells what it made")
            .into()),
    }
}

/// A model that a program brings is the file that it left.
fn file_of(plan: &Plan, step: &str) -> Option<(String, Option<String>)> {
    let brought = plan.steps[plan.step(step)?].kind.brought()?;
    Some((plan.steps[brought.step].name.clone(), Some(brought.output.clone())))
}

/// The file that is meant: the only one, or the one that is named.
fn file(step: &str, output: Option<&str>, done: &StepDone) -> Result<Digest, Fault> {
    let known = || done.outputs.keys().map(String::as_str);
    match (output, done.outputs.len()) {
        (None, 1) => Ok(*done.outputs.values().next().expect("there is one")),
        (None, 0) => {
            let fault = Fault::new("no-output", format!("`{step}` leaves no file"));
            Err(fault.help("its `outputs` say what it leaves; `gristmill show` tells what it said"))
        }
        (None, _) => Err(Fault::new("which-output", format!("`{step}` leaves several files")).help(format!(
            "name one of {}",
            list(known().map(|name| format!("{step}.{name}")).collect::<Vec<_>>().iter().map(String::as_str))
        ))),
        (Some(output), _) => done.outputs.get(output).copied().ok_or_else(|| {
            Fault::new("no-output", format!("`{step}` leaves no `{output}`")).maybe_help(suggest(output, known()))
        }),
    }
}

/// A kept table, or one part of it, as the bytes of a file. All parts of a split table stand one after the other.
pub(super) fn table_bytes(store: &Store, meta: &TableMeta, part: Option<&str>, path: &str) -> Result<Vec<u8>, Fault> {
    let mut whole: Option<polars::prelude::DataFrame> = None;
    for of in &meta.parts {
        if part.is_some_and(|part| of.part.name() != part) {
            continue;
        }
        let frame = load_part(store, of)?;
        match &mut whole {
            None => whole = Some(frame),
            Some(rows) => {
                rows.vstack_mut(&frame).map_err(data::unexpected)?;
            }
        }
    }
    let whole = whole.ok_or_else(|| {
        let known = meta.parts.iter().map(|of| of.part.name());
        let name = part.unwrap_or_default();
        Fault::new("no-part", format!("there is no part `{name}`"))
            .maybe_help(suggest(name, known.filter(|name| *name != Part::All.name())))
    })?;
    data::write(&whole, path)
}
