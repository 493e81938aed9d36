//! Train steps.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::cv::{self, Draw};
use super::decide::finish;
use super::ensemble;
use super::event::Outcome;
use super::features;
use super::fit::{Stage, Told, learn};
use super::held::{OutOfFold, answers};
use super::outcome::{PartMeta, Payload, StepDone, TableMeta, Tuned};
use super::run::{Cx, RunCx};
use super::table;
use super::tune;
use super::unit::{Done, Made, Parts, label, unit};
use super::update::{self, PARENT};
use crate::data::{Part, Table};
use crate::plan::{Ensemble, Step, Train};
use crate::seal::{FORMAT, Trained};
use crate::source::Fault;
use crate::spec::Weights;
use crate::store::Digest;

/// Runs a train step.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train) -> Result<StepDone, Fault> {
    if let Some(brought) = &train.brought {
        return super::brought::run(cx, step, train, brought);
    }
    let Some(tune) = &train.tune else {
        return whole(cx, step, train, train);
    };
    let found = tune::run(cx, step, train, tune)?;
    let place = cx.plan.step(&step.name).expect("a step of the plan");
    let winner = cx.settle(place, found.winner(train, tune)?);
    let nested = tune::folds(cx, train, tune)?.is_some();
    let mut done = whole(cx, step, winner, if nested { train } else { winner })?;
    if let Some(ran) = found.ran {
        (done.outcome, done.reason) = (Outcome::Ran, ran);
    }
    done.summary = format!("{}, {}", done.summary, found.summary);
    done.outputs.insert("trials".to_owned(), found.digest);
    if let Payload::Model { tuned, .. } = &mut done.payload {
        *tuned = Some(Box::new(Tuned { digest: found.digest, seconds: found.seconds, best: found.best }));
    }
    Ok(done)
}

/// Learns the model, and cross-validates it: `validated` is the same, or searches its hyper-parameters in each fold.
fn whole(cx: &Cx, step: &Step, train: &Train, validated: &Train) -> Result<StepDone, Fault> {
    let meta = table::meta(cx, train.input)?;
    let mut ran = None;
    let bare = match &train.ensemble {
        Some(of) => ensemble::run(cx, step, train, of, &meta, &mut ran)?,
        None => learned(cx, step, train, &meta)?,
    };
    ran = ran.or(bare.ran.clone());
    let whole = decided(cx, step, train, &meta, &bare, &mut ran)?;
    let done = whole.as_ref().unwrap_or(&bare);
    let digest = done.output("model")?;
    let seconds = bare.record.seconds + whole.as_ref().map_or(0.0, |whole| whole.record.seconds);
    let mut outputs = BTreeMap::from([("model".to_owned(), digest)]);
    // Kept in the lock: what this one was learned from is part of what it is.
    outputs.extend(bare.record.about.get(PARENT).map(|parent| (PARENT.to_owned(), *parent)));
    let mut folds = None;
    if train.cv.is_some() {
        let label = label(&cx.plan.name, &step.name, "cv");
        let kept = cv::run(cx, step, &label, validated, Stage::Whole, &Draw::of(cx.plan, train))?;
        ran = ran.or(kept.ran);
        outputs.insert("folds".to_owned(), kept.digest);
        folds = Some(kept.digest);
    }
    Ok(StepDone {
        outcome: if ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: ran.unwrap_or_else(|| super::reason::UNCHANGED.to_owned()),
        key: bare.key,
        outputs,
        metrics: None,
        summary: summary(train, &done.record.meta),
        payload: Payload::Model { digest, folds, seconds, tuned: None },
    })
}

/// The model as it is learned.
fn learned(cx: &Cx, step: &Step, train: &Train, meta: &TableMeta) -> Result<Done, Fault> {
    let names = features::names(train, &meta.shape)?;
    let parts = update::key(train, key(cx, train, meta, &names)?);
    unit(cx, &label(&cx.plan.name, &step.name, ""), &parts.parts, || {
        let previous = parts.parent.map(|parent| update::parent(cx, &parent)).transpose()?;
        let trained = fit(cx, step, train, meta, previous.as_ref())?;
        cx.check()?;
        let mut made = made(cx, &trained)?;
        made.about.extend(parts.parent.map(|parent| (PARENT.to_owned(), parent)));
        Ok(made)
    })
}

fn summary(train: &Train, meta: &Json) -> String {
    let count = |key: &str| meta[key].as_u64().unwrap_or_default();
    let calibrated = train.decision.calibrate.map(|how| format!(", calibrated ({})", how.name()));
    let threshold = meta["threshold"].as_f64().map(|at| format!(", threshold {at:.4}"));
    format!(
        "{} from {} rows × {} features{}{}",
        train.model_name,
        count("rows"),
        count("features"),
        calibrated.unwrap_or_default(),
        threshold.unwrap_or_default()
    )
}

/// A trained model, kept.
pub(super) fn made(cx: &Cx, trained: &Trained) -> Result<Made, Fault> {
    let outputs = BTreeMap::from([("model".to_owned(), cx.store.put(&trained.to_bytes())?)]);
    let mut meta =
        json!({"rows": trained.rows, "features": trained.features.len(), "importance": trained.importance()});
    if let Some(threshold) = trained.threshold {
        meta["threshold"] = threshold.into();
    }
    Ok(Made::new(outputs, meta))
}

/// What the model depends on: the train rows of the columns it uses, and what it is.
fn key(cx: &Cx, train: &Train, meta: &TableMeta, names: &[String]) -> Result<Parts, Fault> {
    let mut parts = Parts::new("train");
    model_key(cx.plan.seed, train, &mut parts);
    parts.add("features", json!(names));
    parts.add("kind", json!(meta.shape.expect(&train.target.column)?));
    rows_key(train, meta, meta.training(), names, &mut parts)?;
    Ok(parts)
}

/// The rows of a part that a model reads, with the answers and how much each counts.
pub(super) fn rows_key(
    train: &Train,
    meta: &TableMeta,
    part: &PartMeta,
    names: &[String],
    parts: &mut Parts,
) -> Result<(), Fault> {
    let weight = match &train.weights {
        Some(Weights::Column(column)) => Some(column),
        _ => None,
    };
    for name in names.iter().chain([&train.target.column]).chain(weight) {
        let digest = table::digest_of(part, name, &meta.shape)?;
        let part = if part.part.trains() { Part::Train } else { part.part };
        parts.add(format!("rows.{part}.{name}"), digest.to_string());
    }
    Ok(())
}

/// The parts that say which model it is and what it predicts, as it is learned.
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
    if let Some(transform) = train.decision.transform {
        parts.add("target_transform", transform.name());
    }
}

/// The same, with what follows.
pub(super) fn whole_key(run: &RunCx, train: &Train, parts: &mut Parts) {
    let plan = run.plan;
    model_key(plan.seed, train, parts);
    decision_key(train, parts);
    ensemble::members_key(run, train, parts);
    if train.decision.needs_held_out() {
        Draw::of(plan, train).describe(plan.seed, parts);
    }
}

/// Raised when the same answers are calibrated, or decided, otherwise.
const DECISION: u32 = 1;

fn decision_key(train: &Train, parts: &mut Parts) {
    if train.decision.needs_held_out() {
        parts.add("decision", DECISION);
    }
    if let Some(how) = train.decision.calibrate {
        parts.add("calibrate", how.name());
    }
    if let Some(threshold) = train.decision.threshold {
        parts.add("threshold", json!(threshold));
    }
}

/// Whether a model is made with rows that it hasn't learned from.
pub(super) fn needs_held_out(run: &RunCx, train: &Train, stage: Stage) -> bool {
    let of_members = |ensemble: &Ensemble| {
        let members = ensemble.members.iter().map(|step| ensemble::member(run, *step));
        ensemble.fusion.learns() || members.into_iter().any(|member| needs_held_out(run, member, Stage::Whole))
    };
    (stage == Stage::Whole && train.decision.needs_held_out()) || train.ensemble.as_ref().is_some_and(of_members)
}

fn fit(cx: &Cx, step: &Step, train: &Train, meta: &TableMeta, previous: Option<&Trained>) -> Result<Trained, Fault> {
    let frame = table::frame(cx, meta.training())?;
    let meaning = features::meaning(train, &frame, &meta.shape)?;
    let table = Table::of_parts(meta.shape.clone(), vec![(Part::Train, (*frame).clone())]);
    learn(train, &table, &meaning, previous, cx.plan.seed, &Told { cx, step: &step.name })
}

/// Where the held-out rows of a step are.
enum Held {
    /// The validation part.
    Part(PartMeta),
    /// Kept out-of-fold answers.
    Folds(Digest),
}

/// The model with what follows it; none if nothing does.
fn decided(
    cx: &Cx,
    step: &Step,
    train: &Train,
    meta: &TableMeta,
    bare: &Done,
    ran: &mut Option<String>,
) -> Result<Option<Done>, Fault> {
    if !train.decision.follows() {
        return Ok(None);
    }
    let model = bare.output("model")?;
    let mut parts = Parts::new("decide");
    parts.add("format", FORMAT);
    parts.add("model", model.to_string());
    decision_key(train, &mut parts);
    let mut held = None;
    if train.decision.needs_held_out() {
        let found = held_out(cx, step, train, meta, ran)?;
        match &found {
            Held::Part(part) => rows_key(train, meta, part, &features::names(train, &meta.shape)?, &mut parts)?,
            Held::Folds(digest) => parts.add("folds", digest.to_string()),
        }
        held = Some(found);
    }
    let done = unit(cx, &label(&cx.plan.name, &step.name, "decide"), &parts, || {
        let trained = Trained::from_bytes(&table::object(&cx.store, &model)?)?;
        let whole = finish(train, trained, |trained| match held {
            Some(Held::Folds(digest)) => OutOfFold::kept(cx, &digest),
            Some(Held::Part(part)) => {
                let frame = table::frame(cx, &part)?;
                let one = answers(train, trained, &frame, &features::Meaning::of(trained))?;
                Ok(OutOfFold { classes: trained.classes.len(), folds: vec![one] })
            }
            None => unreachable!("held-out rows are looked for where they are needed"),
        })?;
        made(cx, &whole)
    })?;
    *ran = ran.take().or(done.ran.clone());
    Ok(Some(done))
}

/// The validation part if it has rows that nothing of the bare model has seen, else its answers out of fold. A model
/// that goes on from another one may have learned rows that are held out today.
fn held_out(cx: &Cx, step: &Step, train: &Train, meta: &TableMeta, ran: &mut Option<String>) -> Result<Held, Fault> {
    let seen = train.update.is_some() || needs_held_out(cx, train, Stage::Bare);
    if let Some(part) = meta.part(Part::Validation).filter(|part| part.rows > 0 && !seen) {
        return Ok(Held::Part(part.clone()));
    }
    let label = label(&cx.plan.name, &step.name, "held-out");
    let kept = cv::run(cx, step, &label, train, Stage::Bare, &Draw::of(cx.plan, train))?;
    *ran = ran.take().or(kept.ran);
    Ok(Held::Folds(kept.digest))
}
