//! Models that programs bring: read, put before the table that they are said to read, and kept as any trained model.

use std::collections::BTreeMap;

use serde_json::json;

use super::event::Outcome;
use super::features::{self, Meaning};
use super::fit::as_trained;
use super::outcome::{Payload, StepDone, TableMeta};
use super::run::Cx;
use super::table;
use super::train::model_key;
use super::unit::{Made, Parts, label, unit};
use crate::data::{Kind, Matrix, Value, parse_cell, positions, stats};
use crate::learn::onnx::{self, Network};
use crate::learn::{Estimator, Prediction, Task};
use crate::plan::{Brought, Step, Train};
use crate::seal::Trained;
use crate::source::{Fault, list, suggest};

/// How far from 1 the probabilities of a row may sum up: networks of 32 bits round.
const SLACK: f64 = 1e-3;

/// Runs the step that stands for a program's model.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train, brought: &Brought) -> Result<StepDone, Fault> {
    let meta = table::meta(cx, train.input)?;
    let names = features::names(train, &meta.shape)?;
    let file = cx.done(brought.step).outputs[&brought.output];
    let mut parts = Parts::new("model");
    model_key(cx.plan.seed, train, &mut parts);
    parts.add("file", file.to_string());
    parts.add("classes", json!(brought.classes));
    parts.add("features", json!(names));
    parts.add("kind", json!(meta.shape.expect(&train.target.column)?));
    for name in names.iter().chain([&train.target.column]) {
        let digest = table::digest_of(meta.training(), name, &meta.shape)?;
        parts.add(format!("rows.train.{name}"), digest.to_string());
    }
    let done = unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        let trained = trained(train, brought, table::object(&cx.store, &file)?, &meta, &names, cx)?;
        let outputs = BTreeMap::from([("model".to_owned(), cx.store.put(&trained.to_bytes())?)]);
        Ok(Made::new(outputs, json!({"rows": trained.rows, "features": names.len()})))
    })?;
    let digest = done.output("model")?;
    Ok(StepDone {
        outcome: if done.ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: done.ran.unwrap_or_else(|| super::reason::UNCHANGED.to_owned()),
        key: done.key,
        outputs: BTreeMap::from([("model".to_owned(), digest)]),
        metrics: None,
        summary: format!("a network that reads {} features", names.len()),
        payload: Payload::Model { digest, folds: None, seconds: done.record.seconds, tuned: None },
    })
}

fn trained(
    train: &Train,
    brought: &Brought,
    bytes: Vec<u8>,
    meta: &TableMeta,
    names: &[String],
    cx: &Cx,
) -> Result<Trained, Fault> {
    let frame = table::frame(cx, meta.training())?;
    let mut meaning = features::meaning(train, &frame, &meta.shape)?;
    let mut order = Vec::new();
    if meaning.task == Task::Classification {
        let told = told(brought, &bytes, &meaning)?;
        known(&meaning.classes, &told)?;
        let mut classes = told.clone();
        stats::sort(&mut classes);
        let place = |class: &Value| told.iter().position(|own| own == class).expect("it is one of them") as u32;
        order = classes.iter().map(place).collect();
        let column = &train.target.column;
        meaning.positive = features::positive(train.target.positive.as_ref(), &classes, meaning.kind, column)?;
        meaning.classes = classes;
    }
    let inputs = features::inputs(&frame, names)?;
    let network = Network::new(bytes, meaning.task, names, order)?;
    let estimator = Estimator::Onnx(network);
    let x = features::matrix(&frame, &inputs, false)?;
    plausible(&estimator, &x, &|row| {
        let position = positions(&frame).ok().and_then(|positions| positions.get(row));
        position.map_or(row + 1, |position| position as usize + 1)
    })?;
    Ok(as_trained(train, &meaning, (inputs, false), frame.height() as u64, estimator))
}

/// The classes in the order of the network's probabilities: as the pipeline says, else as the network does, else as
/// they are sorted.
fn told(brought: &Brought, bytes: &[u8], meaning: &Meaning) -> Result<Vec<Value>, Fault> {
    if !brought.classes.is_empty() {
        let read = |(nth, json): (usize, &serde_json::Value)| {
            Value::from_json(json, meaning.kind).ok_or_else(|| {
                let fault = Fault::new("wrong-type", format!("{json} isn't of the target's type, {}", meaning.kind));
                fault.under(&crate::source::Route::of(["classes"]).index(nth))
            })
        };
        return brought.classes.iter().enumerate().map(read).collect();
    }
    let Some(named) = onnx::read(bytes)?.classes else { return Ok(meaning.classes.clone()) };
    let read = |text: &String| match meaning.kind {
        // As numbers, 0 and 1 stand for false and true.
        Kind::Bool if text == "0" => Some(Value::Bool(false)),
        Kind::Bool if text == "1" => Some(Value::Bool(true)),
        kind => parse_cell(text, kind),
    };
    named
        .iter()
        .map(|text| {
            let message = format!("the network calls a class `{text}`, and the target is {}", meaning.kind);
            read(text).ok_or_else(|| {
                Fault::new("wrong-type", message).help("say the classes in its order: `classes: [good, bad]`")
            })
        })
        .collect()
}

/// Every class of the train rows is one that the network tells.
fn known(classes: &[Value], told: &[Value]) -> Result<(), Fault> {
    let Some(stranger) = classes.iter().find(|class| !told.contains(class)) else { return Ok(()) };
    let names: Vec<String> = told.iter().map(ToString::to_string).collect();
    let stranger = stranger.to_string();
    let help = suggest(&stranger, names.iter().map(String::as_str))
        .unwrap_or_else(|| format!("its classes are {}", list(names.iter().map(String::as_str))));
    Err(Fault::new("unknown-class", format!("the table has a class `{stranger}` that the network doesn't tell"))
        .help(help))
}

/// What comes out must be what it is taken for, on every row that the table has to learn from.
fn plausible(estimator: &Estimator, x: &Matrix, row_of: &dyn Fn(usize) -> usize) -> Result<(), Fault> {
    let (values, width) = match estimator.predict(x)? {
        Prediction::Probabilities { classes, values } => (values, classes),
        Prediction::Numbers(values) => (values, 0),
    };
    let is_sound = |row: &[f64]| match width {
        0 => row[0].is_finite(),
        _ => row.iter().all(|p| (-SLACK..=1.0 + SLACK).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() <= SLACK,
    };
    let Some((nth, row)) = values.chunks(width.max(1)).enumerate().find(|(_, row)| !is_sound(row)) else {
        return Ok(());
    };
    let shown: Vec<String> = row.iter().take(5).map(|value| format!("{value:.4}")).collect();
    let what = if width == 0 { "is no number" } else { "are no probabilities" };
    let message = format!("for row {} of the source the network gives {}, which {what}", row_of(nth), shown.join(", "));
    let fault = Fault::new("not-probabilities", message);
    Err(if width == 0 { fault } else { fault.help("let it end in `Softmax`, or in `Sigmoid` for two classes") })
}
