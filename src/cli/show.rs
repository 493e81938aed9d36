//! `gristmill show`.

use clap::Args;
use serde_json::{Value as Json, json};

use super::open::{self, Opened};
use super::{Exit, Failure, ParamArgs, out, out_json};
use crate::data::Field;
use crate::engine::{Payload, StepDone, TableMeta, object};
use crate::plan::request;
use crate::report::table::{Align, Table};
use crate::report::{confusion, importance, judgement, slices};
use crate::seal::{Sealed, Trained};
use crate::source::Fault;
use crate::store::{Lock, Store};

/// Show what a step made.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill show features         columns, rows, what was dropped\n  gristmill show forest           importance\n  gristmill show quality          scores, classes, slices\n  gristmill show live             the fields of a request"
)]
pub(super) struct Show {
    /// A step, or `pipeline/step`.
    step: String,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Show) -> Result<Exit, Failure> {
    let (opened, step) = open::open_step(&args.step, &ParamArgs::default())?;
    let place = opened.place(&step)?;
    let store = Store::open(&opened.project.root)?;
    if let crate::plan::StepKind::Deploy(_) = opened.plan.steps[place].kind {
        return deployed(args, &opened, &store, &step);
    }
    let done = opened.kept(&step)?;
    let (text, json) = describe(&store, &done)?;
    if args.json {
        out_json(&json)
    } else {
        out(&text)
    }
    Ok(Exit::Done)
}

fn describe(store: &Store, done: &StepDone) -> Result<(String, Json), Fault> {
    Ok(match &done.payload {
        Payload::Table(segments) => {
            let dropped: Vec<&(String, usize)> =
                segments.iter().flat_map(|segment| &segment.table.dropped).filter(|(_, count)| *count > 0).collect();
            let meta = done.table();
            (table_text(meta, &dropped), json!({"columns": meta.shape.fields, "parts": meta.parts, "dropped": dropped}))
        }
        Payload::Model { digest, .. } => {
            let trained = Trained::from_bytes(&object(store, digest)?)?;
            let shares = trained.importance();
            let text = format!(
                "{} from {} rows × {} features, predicts {}\n\n{}",
                trained.model,
                trained.rows,
                trained.features.len(),
                trained.target,
                importance(&shares)
            );
            (
                text,
                json!({"model": trained.model, "rows": trained.rows, "target": trained.target, "classes": trained.classes.iter().map(crate::data::Value::to_json).collect::<Vec<_>>(), "features": trained.features, "importance": shares}),
            )
        }
        Payload::Judged(found) => {
            let mut text = judgement(found);
            for (name, model) in found.names.iter().zip(&found.models) {
                text.push_str(&format!("\n{name}\n{}\n{}", confusion(model), slices(model)));
            }
            (text, json!(found))
        }
        Payload::Deployed(_) => (String::new(), Json::Null),
        Payload::Files(_) => (done.summary.clone(), json!({"outputs": done.outputs})),
    })
}

fn table_text(meta: &TableMeta, dropped: &[&(String, usize)]) -> String {
    let parts: Vec<String> = meta
        .parts
        .iter()
        .map(|part| {
            format!("{} {}", part.rows, if part.part == crate::data::Part::All { "rows" } else { part.part.name() })
        })
        .collect();
    let mut table = Table::new([("column", Align::Left), ("type", Align::Left)]);
    for field in &meta.shape.fields {
        table.row([field.name.clone(), field.kind.to_string()]);
    }
    let mut text = format!("{}\n\n{table}", parts.join(" + "));
    for (op, count) in dropped {
        text.push_str(&format!("\n`{op}` dropped {count} rows"));
    }
    text
}

/// The sealed model of a deploy step, as the lock has it.
fn sealed(opened: &Opened, store: &Store, step: &str) -> Option<Sealed> {
    let lock: &Lock = opened.project.lock.as_ref()?;
    let digest = lock.steps.get(step)?.outputs.get("sealed")?.parse().ok()?;
    let predictor = Sealed::open(&store.get(&digest).ok()??).ok()?;
    Some(predictor.sealed().clone())
}

fn deployed(args: &Show, opened: &Opened, store: &Store, step: &str) -> Result<Exit, Failure> {
    let Some(sealed) = sealed(opened, store, step) else {
        let place = opened.plan.step(step).expect("its place was found");
        return Ok(ahead(args, step, request(&opened.plan, place)));
    };
    if args.json {
        out_json(&json!({"request": sealed.signature, "predicts": sealed.trained.target}));
        return Ok(Exit::Done);
    }
    out(&format!("{} predicts {} from\n\n{}", sealed.trained.model, sealed.trained.target, signature(&sealed)));
    Ok(Exit::Done)
}

/// What is known of a request before the first run.
fn ahead(args: &Show, step: &str, fields: Option<Vec<Field>>) -> Exit {
    if args.json {
        out_json(&json!({"request": fields}));
        return Exit::Done;
    }
    let Some(fields) = fields else {
        out(&format!("`{step}` hasn't deployed anything yet, and the columns of its source aren't known"));
        return Exit::Done;
    };
    let mut table = Table::new([("field", Align::Left), ("type", Align::Left)]);
    for field in fields {
        table.row([field.name, field.kind.to_string()]);
    }
    out(&format!("`{step}` hasn't deployed anything yet; a request will hold\n\n{table}"));
    Exit::Done
}

/// The fields of a request.
pub(super) fn signature(sealed: &Sealed) -> Table {
    let mut table = Table::new([("field", Align::Left), ("type", Align::Left), ("may be", Align::Left)]);
    for field in &sealed.signature {
        let values: Vec<String> = field.one_of.iter().map(ToString::to_string).collect();
        let range = match (field.min, field.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("{min} and more"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => values.join(", "),
        };
        table.row([field.name.clone(), field.kind.to_string(), range]);
    }
    table
}

/// For each deploy step, the fields of a request in one line, as far as they are known.
pub(super) fn requests(opened: &Opened) -> Vec<(String, String)> {
    let steps = opened.plan.steps.iter().enumerate();
    steps
        .filter_map(|(place, step)| {
            let fields = request(&opened.plan, place)?;
            let shown: Vec<String> = fields.iter().map(|field| format!("{}: {}", field.name, field.kind)).collect();
            Some((step.name.clone(), shown.join(", ")))
        })
        .collect()
}
