//! `gristmill show`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value as Json, json};

use super::open::{self, Opened};
use super::{Exit, Failure, ParamArgs, out, out_json};
use crate::data::Field;
use crate::engine::{Judgement, LOG, Payload, StepDone, TableMeta, Trials, Tuned, lock_path, object, reports};
use crate::plan::request;
use crate::report::table::{Align, Table};
use crate::report::{
    Ran, RanStep, classes, curves, importance, judgement, permuted, run_text, slices, trials, trials_json,
};
use crate::seal::{Sealed, Trained};
use crate::source::Fault;
use crate::store::{Digest, History, Key, Lock, Run, Store};

/// Show what a step made, or what a run did.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill show features         columns, rows, what was dropped\n  gristmill show forest           importance\n  gristmill show quality          scores, costs, classes, slices, curves\n  gristmill show live             the fields of a request\n  gristmill show last             the newest run: outcomes, reasons, times, scores, errors\n  gristmill show 20261124-1119    a run, by the beginning of its name in `gristmill log`"
)]
pub(super) struct Show {
    /// A step, `pipeline/step`, the name of a run or its beginning, or `last`.
    #[arg(value_name = "STEP|RUN")]
    step: String,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Show) -> Result<Exit, Failure> {
    if let Some(run) = named_run(&args.step)? {
        let logs = logs(&Store::open(&open::root())?, &run);
        if args.json {
            out_json(&past_json(&run, &logs));
        } else {
            let logs: Vec<String> = logs.iter().map(|(step, path)| format!("\nwhat `{step}` said: {path}")).collect();
            out(&format!("{}{}", run_text(&run), logs.concat()));
        }
        return Ok(Exit::Done);
    }
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

/// The run that a name stands for; none if it isn't a run's name.
fn named_run(name: &str) -> Result<Option<Run>, Fault> {
    let history = History::open(&open::root());
    if name == "last" {
        let newest = history.list(1)?.pop();
        return newest
            .map(Some)
            .ok_or_else(|| Fault::new("no-runs", "there were no runs").help("`gristmill run` makes one"));
    }
    let date = name.split('-').next().unwrap_or_default();
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let missing = || Fault::new("unknown-run", format!("there is no run `{name}`")).help("`gristmill log` lists them");
    history.get(name)?.map(Some).ok_or_else(missing)
}

/// What the run told of itself, with what the history knows.
fn past_json(run: &Run, logs: &BTreeMap<String, String>) -> Json {
    let mut json = run.summary.clone();
    if !json.is_object() {
        json = json!({});
    }
    json["run"] = json!(run.id);
    json["pipeline"] = json!(run.pipeline);
    json["status"] = json!(run.status);
    json["started"] = json!(run.started);
    json["seconds"] = json!(run.seconds);
    json["logs"] = json!(logs);
    json
}

fn describe(store: &Store, done: &StepDone) -> Result<(String, Json), Fault> {
    Ok(match &done.payload {
        Payload::Table(segments) => {
            let dropped: Vec<&(String, i64)> =
                segments.iter().flat_map(|segment| &segment.table.dropped).filter(|(_, count)| *count != 0).collect();
            let meta = done.table();
            (table_text(meta, &dropped), json!({"columns": meta.shape.fields, "parts": meta.parts, "dropped": dropped}))
        }
        Payload::Model { digest, tuned, .. } => {
            let trained = Trained::from_bytes(&object(store, digest)?)?;
            let shares = trained.importance();
            let facts: Vec<(&str, f64)> = trained.estimator.facts();
            let told: String = facts.iter().map(|(name, value)| format!("{name} {}\n", number(*value))).collect();
            let found = tuned.as_ref().map(|tuned| kept_trials(store, tuned)).transpose()?;
            let text = format!(
                "{} from {} rows × {} features, predicts {}\n{told}\n{}\n{}",
                trained.model,
                trained.rows,
                trained.features.len(),
                trained.target,
                found.as_ref().map_or(String::new(), |found| format!("\n{}", trials(found))),
                importance(&shares)
            );
            (
                text,
                json!({"tuned": found.as_ref().map(trials_json), "model": trained.model, "rows": trained.rows, "target": trained.target, "classes": trained.classes.iter().map(crate::data::Value::to_json).collect::<Vec<_>>(), "features": trained.features, "importance": shares, "facts": facts.into_iter().collect::<BTreeMap<_, _>>()}),
            )
        }
        Payload::Judged(found) => {
            let mut found = found.clone();
            // The curves are in the report alone.
            found.models = reports(store, &found.report)?;
            (judged(&found, width()), json!(found))
        }
        Payload::Deployed(_) => (String::new(), Json::Null),
        Payload::Files(_) => program(store, done),
    })
}

/// A judgement, and what its scores hide: the curves of the winner, or of each where none wins.
fn judged(found: &Judgement, width: usize) -> String {
    let mut text = judgement(found);
    for (place, (name, model)) in found.names.iter().zip(&found.models).enumerate() {
        text.push_str(&format!("\n{name}\n{}\n{}", classes(model), slices(model)));
        if let Some(importance) = &model.importance {
            text.push_str(&format!("\n{}", permuted(importance)));
        }
        if found.verdict.best.is_none_or(|best| best == place) {
            text.push_str(&format!("\n{}", curves(model, width)));
        }
    }
    text
}

/// How many columns there are to draw on.
fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    said.or_else(seen).filter(|width| *width > 0).unwrap_or(80)
}

/// The trials of a search.
pub(super) fn kept_trials(store: &Store, tuned: &Tuned) -> Result<Trials, Fault> {
    Trials::from_bytes(&object(store, &tuned.digest)?)
}

/// What a program left, and what it said.
fn program(store: &Store, done: &StepDone) -> (String, Json) {
    let said = log_of(store, &done.key).and_then(|digest| store.get(&digest).ok()?);
    let said = said.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = match &said {
        Some(said) if !said.trim().is_empty() => format!("{}\n\nit said\n\n{}", done.summary, said.trim_end()),
        _ => done.summary.clone(),
    };
    (text, json!({"outputs": done.outputs, "log": said}))
}

/// The log that is kept with a result.
fn log_of(store: &Store, key: &Key) -> Option<Digest> {
    store.record(key)?.about.get(LOG).copied()
}

/// Where the logs of the programs of a run are, by step.
fn logs(store: &Store, run: &Run) -> BTreeMap<String, String> {
    let steps = Ran::of_run(run).steps.into_iter().filter(|step| step.outcome == "ran");
    let log = |step: RanStep| {
        let path = store.path(&log_of(store, &step.key?.parse().ok()?)?);
        let path = path.strip_prefix(store.root()).unwrap_or(&path).display().to_string();
        Some((step.step, path))
    };
    steps.filter_map(log).collect()
}

fn table_text(meta: &TableMeta, dropped: &[&(String, i64)]) -> String {
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
        let verb = if *count > 0 { "dropped" } else { "added" };
        text.push_str(&format!("\n`{op}` {verb} {} rows", count.unsigned_abs()));
    }
    text
}

/// The sealed model of a deploy step, as the lock has it.
///
/// # Errors
/// If it is gone or damaged.
fn sealed(opened: &Opened, store: &Store, step: &str) -> Result<Option<Sealed>, Fault> {
    let lock = Lock::read(&lock_path(&opened.file))?;
    let digest = lock.and_then(|lock| lock.steps.get(step)?.outputs.get("sealed")?.parse().ok());
    let Some(digest) = digest else { return Ok(None) };
    Ok(Some(Sealed::open(&object(store, &digest)?)?.sealed().clone()))
}

fn deployed(args: &Show, opened: &Opened, store: &Store, step: &str) -> Result<Exit, Failure> {
    let Some(sealed) = sealed(opened, store, step)? else {
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

/// A fact's number: whole ones as they are, others to four digits.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { format!("{value:.4}") }
}
