//! Train steps.

use std::collections::BTreeMap;

use serde_json::json;

use super::cv;
use super::event::Outcome;
use super::features;
use super::fit::{Told, learn};
use super::outcome::{Payload, StepDone, TableMeta};
use super::run::Cx;
use super::table;
use super::unit::{Made, Parts, label, unit};
use crate::plan::{Step, Train};
use crate::seal::{FORMAT, Trained};
use crate::source::Fault;
use crate::spec::Weights;

/// Runs a train step.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train) -> Result<StepDone, Fault> {
    let meta = table::meta(cx, train.input)?;
    let names = features::names(train, &meta.shape)?;
    let parts = key(cx, train, &meta, &names)?;
    let done = unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        let trained = fit(cx, step, train, &meta, &names)?;
        cx.check()?;
        let mut outputs = BTreeMap::new();
        outputs.insert("model".to_owned(), cx.store.put(&trained.to_bytes())?);
        let rows = trained.rows;
        let importance = trained.importance();
        Ok(Made::new(outputs, json!({"rows": rows, "features": names.len(), "importance": importance})))
    })?;
    let digest = done.output("model")?;
    let mut outputs = BTreeMap::from([("model".to_owned(), digest)]);
    let mut ran = done.ran;
    let mut folds = None;
    if let Some(rule) = &train.cv {
        let kept = cv::run(cx, step, train, rule)?;
        ran = ran.or(kept.ran);
        outputs.insert("folds".to_owned(), kept.digest);
        folds = Some(kept.digest);
    }
    let rows = done.record.meta["rows"].as_u64().unwrap_or_default();
    Ok(StepDone {
        outcome: if ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: ran.unwrap_or_else(|| super::reason::UNCHANGED.to_owned()),
        key: done.key,
        outputs,
        metrics: None,
        summary: format!("{} from {rows} rows × {} features", train.model_name, names.len()),
        payload: Payload::Model { digest, folds },
    })
}

/// What the model depends on: the train rows of the columns it uses, and what it is.
fn key(cx: &Cx, train: &Train, meta: &TableMeta, names: &[String]) -> Result<Parts, Fault> {
    let mut parts = Parts::new("train");
    model_key(cx.plan.seed, train, &mut parts);
    parts.add("features", json!(names));
    parts.add("kind", json!(meta.shape.expect(&train.target.column)?));
    let training = meta.training();
    let weight = match &train.weights {
        Some(Weights::Column(column)) => Some(column),
        _ => None,
    };
    for name in names.iter().chain([&train.target.column]).chain(weight) {
        let digest = table::digest_of(training, name, &meta.shape)?;
        parts.add(format!("rows.train.{name}"), digest.to_string());
    }
    Ok(parts)
}

/// The parts that say which model it is and what it predicts.
pub(super) fn model_key(seed: u64, train: &Train, parts: &mut Parts) {
    parts.add("format", FORMAT);
    parts.add("model", train.model_name);
    parts.add("version", train.model.version());
    parts.add("with", train.model.canonical());
    if train.model.uses_chance() {
        parts.add("seed", seed);
    }
    parts.add("target", train.target.column.clone());
    parts.add("positive", train.target.positive.clone().unwrap_or_default());
    parts.add("task", json!(train.task));
    match &train.weights {
        Some(Weights::Balanced) => parts.add("weights", "balanced"),
        Some(Weights::Column(column)) => parts.add("weights", json!({"column": column})),
        None => {}
    }
}

fn fit(cx: &Cx, step: &Step, train: &Train, meta: &TableMeta, names: &[String]) -> Result<Trained, Fault> {
    let frame = table::frame(cx, meta.training())?;
    let meaning = features::meaning(train, &frame, &meta.shape)?;
    let watch = Told { cx, step: &step.name };
    learn(train, &frame, names, &meaning, cx.plan.seed, &watch)
}
