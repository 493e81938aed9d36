//! Evaluate steps: metrics are pure and kept; the verdict is worked out at every run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::coverage::at_split;
use super::event::{Event, Outcome};
use super::features;
use super::judge::{Costs, Judgement, ModelReport, verdict};
use super::judging::{Candidate, judge, recipes, sliced};
use super::leaks;
use super::locked;
use super::outcome::{Payload, StepDone};
use super::reason;
use super::run::Cx;
use super::seal::Way;
use super::table;
use super::unit::{Made, Parts, label, unit};
use crate::data::Part;
use crate::plan::{Evaluate, On, Step, StepKind};
use crate::source::Fault;
use crate::store::{Digest, Store};

/// Raised when reports change their form, or metrics their bits.
const FORMAT: u32 = 4;

/// What is kept beside a report, whose curves are in its object alone.
#[derive(Serialize, Deserialize)]
struct Kept {
    models: Vec<ModelReport>,
    /// How long each model takes to predict 1,000 rows, in seconds: no part of the report, which is the same at every run.
    predicting: Vec<f64>,
}

/// What is known of each model that was judged, curves and all, from the object of a judgement.
///
/// # Errors
/// If the object is gone, or holds no reports.
pub fn reports(store: &Store, report: &Digest) -> Result<Vec<ModelReport>, Fault> {
    serde_json::from_slice(&table::object(store, report)?).map_err(|error| {
        Fault::new("broken-record", "the report can't be read").because(error).help("run with `--force`")
    })
}

/// Runs an evaluate step.
pub(super) fn run(cx: &Cx, step: &Step, evaluate: &Evaluate) -> Result<StepDone, Fault> {
    let candidates = evaluate.models.iter().map(|model| candidate(cx, *model)).collect::<Result<Vec<_>, _>>()?;
    let parts = key(cx, evaluate, &candidates)?;
    let done = unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        let mut kept = Kept { models: Vec::new(), predicting: Vec::new() };
        for (nth, candidate) in candidates.iter().enumerate() {
            let judged = judge(cx, step, evaluate, candidate)?;
            kept.models.push(judged.report);
            kept.predicting.push(judged.seconds);
            cx.progress(nth + 1, candidates.len(), "models");
        }
        let digest = cx.store.put(&crate::store::canonical(&json!(kept.models)))?;
        for model in &mut kept.models {
            model.curves = None;
        }
        Ok(Made::new(BTreeMap::from([("report".to_owned(), digest)]), json!(kept)))
    })?;
    let Kept { models, predicting } = Kept::deserialize(&done.record.meta).map_err(|error| {
        Fault::new("broken-record", "the record of this step can't be read").because(error).help("run with `--force`")
    })?;
    let costs = |(model, predict_seconds): (&ModelReport, f64), candidate: &Candidate| Costs {
        fit_seconds: candidate.seconds,
        predict_seconds,
        bytes: model.bytes,
    };
    let costs = models.iter().zip(predicting).zip(&candidates).map(|(of, candidate)| costs(of, candidate)).collect();
    let names: Vec<String> = evaluate.models.iter().map(|model| cx.plan.steps[*model].name.clone()).collect();
    let verdict = verdict(&models, evaluate.best, &evaluate.gates);
    if verdict.ranked_by == Some("test") && models.len() > 1 {
        let fault = Fault::warning(
            "ranked-by-test",
            "the models are ranked by the rows they are judged on, so the winner's score flatters it",
        )
        .help("give every model `cv: 5`, or the split a `validation` part");
        cx.tell(Event::Warning { step: step.name.clone(), fault: fault.within("best").under(&step.route()) });
    }
    let chosen = |candidate: &Candidate| candidate.by_validation(cx);
    if verdict.ranked_by == Some("validation") && candidates.iter().any(chosen) {
        let fault = Fault::warning(
            "ranked-by-validation",
            "the models are ranked by validation rows that decided something of them, so such a one's score flatters it",
        )
        .help("give every model `cv: 5`: then they are ranked by that");
        cx.tell(Event::Warning { step: step.name.clone(), fault: fault.within("best").under(&step.route()) });
    }
    let (leaks, looked) = leaks::find(cx, step, evaluate, &candidates)?;
    let leaks = leaks::tell(cx, step, evaluate, &candidates, leaks)?;
    let summary = summary(&names, &models, evaluate, verdict.best);
    let metrics: BTreeMap<&String, &BTreeMap<String, f64>> =
        names.iter().zip(models.iter().map(|model| &model.scores.metrics)).collect();
    if let Some(lock) = cx.locked {
        locked::check_metrics(lock, &step.name, &json!(metrics))?;
    }
    let report = done.output("report")?;
    let ran = done.ran.as_ref().or(looked.as_ref());
    Ok(StepDone {
        outcome: if ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: match ran {
            Some(reason) => reason::with_names(reason, names.iter().map(String::as_str)),
            None => reason::UNCHANGED.to_owned(),
        },
        key: done.key,
        outputs: BTreeMap::from([("report".to_owned(), report)]),
        metrics: Some(json!(metrics)),
        summary,
        payload: Payload::Judged(Box::new(Judgement { names, models, costs, verdict, leaks, report })),
    })
}

fn summary(names: &[String], models: &[ModelReport], evaluate: &Evaluate, best: Option<usize>) -> String {
    let Some(winner) = best else {
        return format!("{} models", models.len());
    };
    let shown: Vec<String> = evaluate
        .metrics
        .iter()
        .filter_map(|metric| Some(format!("{metric} {:.4}", models[winner].scores.get(metric)?)))
        .collect();
    format!("best: {} ({})", names[winner], shown.join(", "))
}

fn candidate<'a>(cx: &Cx<'a>, step: usize) -> Result<Candidate<'a>, Fault> {
    let StepKind::Train(train) = &cx.plan.steps[step].kind else {
        unreachable!("the plan lets only train steps stand here");
    };
    let Payload::Model { digest, folds, seconds, .. } = cx.done(step).payload else {
        unreachable!("a train step leaves a model");
    };
    Ok(Candidate { train, model: digest, folds, table: table::meta(cx, train.input)?, seconds })
}

fn key(cx: &Cx, evaluate: &Evaluate, candidates: &[Candidate]) -> Result<Parts, Fault> {
    let mut parts = Parts::new("evaluate");
    parts.add("format", FORMAT);
    parts.add("on", evaluate.on.part().map_or("table", Part::name));
    if let On::Table(input) = evaluate.on {
        let meta = table::meta(cx, input)?;
        for (name, digest) in &meta.training().columns {
            parts.add(format!("rows.table.{name}"), digest.to_string());
        }
    }
    parts.add("metrics", json!(evaluate.metrics));
    for (nth, candidate) in candidates.iter().enumerate() {
        parts.add(format!("models[{nth}].model"), candidate.model.to_string());
        if let Some(folds) = candidate.folds {
            parts.add(format!("models[{nth}].cv"), folds.to_string());
        }
        if evaluate.on.part().is_none() || evaluate.importance.is_some() {
            for (place, recipe) in recipes(cx, candidate.train).into_iter().enumerate() {
                parts.add(format!("recipe[{nth}.{place}]"), recipe.to_string());
            }
        }
        for part in [evaluate.on.part(), Some(Part::Validation)].into_iter().flatten() {
            let Some(meta) = candidate.table.part(part) else { continue };
            let names = features::names(candidate.train, &candidate.table.shape)?;
            for name in names.iter().chain([&candidate.train.target.column, &table::POSITIONS.to_owned()]) {
                let digest = table::digest_of(meta, name, &candidate.table.shape)?;
                parts.add(format!("rows.{part}.{name}"), digest.to_string());
            }
            parts.add(format!("models[{nth}].of.{part}"), json!(at_split(cx, candidate.train, part)));
        }
    }
    if let Some(importance) = evaluate.importance {
        parts.add("importance.metric", importance.metric);
        parts.add("importance.repeats", importance.repeats);
        parts.add("seed", cx.plan.seed);
        // The raw rows of a part are those of the source.
        if evaluate.on.part().is_some() {
            Way::of(cx, candidates[0].train)?.describe(cx, &mut parts)?;
        }
    }
    for (column, input) in &evaluate.slices {
        let meta = table::meta(cx, *input)?;
        let part = sliced(&meta, evaluate)?;
        parts.add(format!("slices.{column}"), table::digest_of(part, column, &meta.shape)?.to_string());
        parts.add(format!("slices.{column}.rows"), table::digest_of(part, table::POSITIONS, &meta.shape)?.to_string());
    }
    Ok(parts)
}

/// The kept metrics as JSON: model → metric → value.
pub(super) fn metrics(judgement: &Judgement) -> Json {
    let models = judgement.names.iter().zip(judgement.models.iter().map(|model| &model.scores.metrics));
    json!(models.collect::<BTreeMap<_, _>>())
}
