//! Evaluate steps: metrics are pure and kept; the verdict is worked out at every run.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::coverage::at_split;
use super::event::{Event, Outcome};
use super::features::{self, Meaning};
use super::held::OutOfFold;
use super::judge::{ClassScores, Judgement, ModelReport, Scores, SliceReport, verdict};
use super::locked;
use super::outcome::{Payload, StepDone, TableMeta};
use super::reason;
use super::run::Cx;
use super::table;
use super::unit::{Made, Parts, label, unit};
use crate::data::{Part, positions, unexpected, value_at};
use crate::learn::{self, Goal, Prediction, Scored, Target, confusion, find_metric, report, score};
use crate::plan::{Evaluate, Input, Step, StepKind, Train};
use crate::seal::Trained;
use crate::source::Fault;
use crate::store::Digest;

/// What is judged: a model, its table, and where its out-of-fold predictions are.
struct Candidate<'a> {
    train: &'a Train,
    model: Digest,
    folds: Option<Digest>,
    table: TableMeta,
}

/// Runs an evaluate step.
pub(super) fn run(cx: &Cx, step: &Step, evaluate: &Evaluate) -> Result<StepDone, Fault> {
    let candidates = evaluate.models.iter().map(|model| candidate(cx, *model)).collect::<Result<Vec<_>, _>>()?;
    let parts = key(cx, evaluate, &candidates)?;
    let done = unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        let models =
            candidates.iter().map(|candidate| judge(cx, step, evaluate, candidate)).collect::<Result<Vec<_>, _>>()?;
        let digest = cx.store.put(&crate::store::canonical(&json!(models)))?;
        Ok(Made::new(BTreeMap::from([("report".to_owned(), digest)]), json!(models)))
    })?;
    let models: Vec<ModelReport> = Vec::deserialize(&done.record.meta).map_err(|error| {
        Fault::new("broken-record", "the record of this step can't be read").because(error).help("run with `--force`")
    })?;
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
    let summary = summary(&names, &models, evaluate, verdict.best);
    let metrics: BTreeMap<&String, &BTreeMap<String, f64>> =
        names.iter().zip(models.iter().map(|model| &model.scores.metrics)).collect();
    if let Some(lock) = cx.locked {
        locked::check_metrics(lock, &step.name, &json!(metrics))?;
    }
    let report = done.output("report")?;
    Ok(StepDone {
        outcome: if done.ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: match &done.ran {
            Some(reason) => reason::with_names(reason, names.iter().map(String::as_str)),
            None => reason::UNCHANGED.to_owned(),
        },
        key: done.key,
        outputs: BTreeMap::from([("report".to_owned(), report)]),
        metrics: Some(json!(metrics)),
        summary,
        payload: Payload::Judged(Box::new(Judgement { names, models, verdict, report })),
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
    let Payload::Model { digest, folds } = cx.done(step).payload else {
        unreachable!("a train step leaves a model");
    };
    Ok(Candidate { train, model: digest, folds, table: table::meta(cx, train.input)? })
}

fn key(cx: &Cx, evaluate: &Evaluate, candidates: &[Candidate]) -> Result<Parts, Fault> {
    let mut parts = Parts::new("evaluate");
    parts.add("on", evaluate.on.name());
    parts.add("metrics", json!(evaluate.metrics));
    for (nth, candidate) in candidates.iter().enumerate() {
        parts.add(format!("models[{nth}].model"), candidate.model.to_string());
        if let Some(folds) = candidate.folds {
            parts.add(format!("models[{nth}].cv"), folds.to_string());
        }
        for part in [Some(evaluate.on), Some(Part::Validation)].into_iter().flatten() {
            let Some(meta) = candidate.table.part(part) else { continue };
            let names = features::names(candidate.train, &candidate.table.shape)?;
            for name in names.iter().chain([&candidate.train.target.column, &table::POSITIONS.to_owned()]) {
                let digest = table::digest_of(meta, name, &candidate.table.shape)?;
                parts.add(format!("rows.{part}.{name}"), digest.to_string());
            }
            parts.add(format!("models[{nth}].of.{part}"), json!(at_split(cx, candidate.train, part)));
        }
    }
    for (column, input) in &evaluate.slices {
        let meta = table::meta(cx, *input)?;
        let part = meta.part(evaluate.on).map_or(Part::All, |part| part.part);
        let part = table::needed(&meta, part)?;
        parts.add(format!("slices.{column}"), table::digest_of(part, column, &meta.shape)?.to_string());
        parts.add(format!("slices.{column}.rows"), table::digest_of(part, table::POSITIONS, &meta.shape)?.to_string());
    }
    Ok(parts)
}

fn judge(cx: &Cx, step: &Step, evaluate: &Evaluate, candidate: &Candidate) -> Result<ModelReport, Fault> {
    let trained = Trained::from_bytes(&table::object(&cx.store, &candidate.model)?)?;
    let judged = answers(cx, candidate, &trained, evaluate.on)?;
    warn_of_strangers(cx, step, &judged, &trained);
    let of = at_split(cx, candidate.train, evaluate.on).unwrap_or(judged.truth.rows());
    let mut metrics = BTreeMap::new();
    for name in &evaluate.metrics {
        let value = scored(name, &judged.truth, &judged.prediction, &trained, trained.threshold)
            .map_err(|fault| Fault { message: format!("`{name}`: {}", fault.message), ..fault }.within("metrics"))?;
        metrics.insert((*name).to_owned(), value);
    }
    let scores = Scores { rows: judged.truth.rows(), of, metrics };
    let validation = match candidate.table.part(Part::Validation) {
        Some(meta) if meta.rows > 0 => {
            let judged = answers(cx, candidate, &trained, Part::Validation)?;
            let of = at_split(cx, candidate.train, Part::Validation).unwrap_or(judged.truth.rows());
            Some(Scores { of, ..defined(evaluate, &judged.truth, &judged.prediction, &trained, trained.threshold) })
        }
        _ => None,
    };
    let (cv, cv_std) = folds(cx, evaluate, candidate, &trained)?;
    let (classes, matrix) = per_class(&trained, &judged)?;
    let mut slices = Vec::new();
    for (column, input) in &evaluate.slices {
        slices.extend(slice(cx, evaluate, column, *input, &judged, &trained)?);
    }
    Ok(ModelReport { scores, validation, cv, cv_std, classes, confusion: matrix, slices })
}

/// The true answers of a part's rows and the model's, and where the rows stand in their source.
struct Judged {
    truth: Target,
    prediction: Prediction,
    rows: Vec<i64>,
}

fn answers(cx: &Cx, candidate: &Candidate, trained: &Trained, part: Part) -> Result<Judged, Fault> {
    let frame = table::frame(cx, table::needed(&candidate.table, part)?)?;
    if frame.height() == 0 {
        return Err(Fault::new("no-rows", format!("the {part} part has no rows left to judge on"))
            .help("look at what the ops after the split drop"));
    }
    let meaning = Meaning::of(trained);
    let truth = features::answers(&frame, &trained.target, &meaning)?;
    let prediction = trained.predict(&features::matrix(&frame, &trained.features, trained.missing)?)?;
    let prediction = widened(prediction, &truth);
    let rows = positions(&frame)?.iter().map(|row| row.unwrap_or(-1)).collect();
    Ok(Judged { truth, prediction, rows })
}

/// A class that only the judged rows have gets probability 0.
fn widened(prediction: Prediction, truth: &Target) -> Prediction {
    match (prediction, truth) {
        (Prediction::Probabilities { classes, values }, Target::Classes { count, .. }) if *count > classes => {
            let wide = values
                .chunks(classes)
                .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, count - classes)));
            Prediction::Probabilities { classes: *count, values: wide.collect() }
        }
        (prediction, _) => prediction,
    }
}

/// A metric of some rows. A class that the train rows don't have is a wrong answer, and for two classes it is not the
/// positive one: it doesn't turn a metric of two classes into an average over three.
fn scored(
    name: &str,
    truth: &Target,
    prediction: &Prediction,
    trained: &Trained,
    threshold: Option<f64>,
) -> Result<f64, Fault> {
    let positive = trained.positive.unwrap_or_default();
    let entry = find_metric(name)?;
    let called = threshold.filter(|_| Goal::maximize(name).is_ok()).map(|at| prediction.decided(positive, at));
    let prediction = called.as_ref().unwrap_or(prediction);
    if let (2, Target::Classes { codes, count: 3 }, Prediction::Probabilities { classes: 3, values }) =
        (trained.classes.len(), truth, prediction)
        && ["precision", "recall", "f1", "roc_auc"].contains(&name)
    {
        let codes = codes.iter().map(|code| if *code == 2 { 1 - positive } else { *code }).collect();
        let values = values.chunks(3).flat_map(|row| row[..2].iter().copied()).collect();
        let truth = &Target::Classes { codes, count: 2 };
        let prediction = &Prediction::Probabilities { classes: 2, values };
        return score(entry, &Scored { truth, prediction, positive });
    }
    score(entry, &Scored { truth, prediction, positive })
}

/// Tells that the judged rows have a class that no model can know.
fn warn_of_strangers(cx: &Cx, step: &Step, judged: &Judged, trained: &Trained) {
    let Target::Classes { codes, .. } = &judged.truth else { return };
    let strangers = codes.iter().filter(|code| **code as usize >= trained.classes.len()).count();
    if strangers > 0 {
        let message = format!(
            "{strangers} of the judged rows have a class that no train row has: no model can be right about them"
        );
        let fault =
            Fault::warning("unknown-class", message).help("stratify the split by the target, or drop such rows");
        cx.tell(Event::Warning { step: step.name.clone(), fault: fault.within("evaluate").under(&step.route()) });
    }
}

/// The metrics that these rows define.
fn defined(
    evaluate: &Evaluate,
    truth: &Target,
    prediction: &Prediction,
    trained: &Trained,
    threshold: Option<f64>,
) -> Scores {
    let value = |name: &str| scored(name, truth, prediction, trained, threshold).ok();
    let metrics = evaluate.metrics.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect();
    Scores { rows: truth.rows(), of: truth.rows(), metrics }
}

type FoldScores = (Option<BTreeMap<String, f64>>, Option<BTreeMap<String, f64>>);

/// Mean and spread of each metric over the folds.
fn folds(cx: &Cx, evaluate: &Evaluate, candidate: &Candidate, trained: &Trained) -> Result<FoldScores, Fault> {
    let Some(digest) = candidate.folds else {
        return Ok((None, None));
    };
    let kept = OutOfFold::kept(cx, &digest)?;
    let mut by_metric: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for fold in &kept.folds {
        let (truth, prediction) = fold.scored(kept.classes);
        if truth.rows() == 0 {
            continue;
        }
        for (name, value) in defined(evaluate, &truth, &prediction, trained, fold.threshold).metrics {
            by_metric.entry(name).or_default().push(value);
        }
    }
    // A metric that some fold doesn't define has no mean over the folds.
    by_metric.retain(|_, values| values.len() == kept.folds.len());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let std = |values: &[f64]| {
        (values.iter().map(|value| (value - mean(values)).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    let means = by_metric.iter().map(|(name, values)| (name.clone(), mean(values))).collect();
    let stds = by_metric.iter().map(|(name, values)| (name.clone(), std(values))).collect();
    Ok((Some(means), Some(stds)))
}

fn per_class(trained: &Trained, judged: &Judged) -> Result<(Vec<ClassScores>, Vec<Vec<u64>>), Fault> {
    if trained.task == learn::Task::Regression {
        return Ok((Vec::new(), Vec::new()));
    }
    let called = trained.threshold.map(|at| judged.prediction.decided(trained.positive.unwrap_or_default(), at));
    let prediction = called.as_ref().unwrap_or(&judged.prediction);
    let found = report(&judged.truth, prediction)?;
    let name =
        |place: usize| trained.classes.get(place).map_or("(not in the train rows)".to_owned(), ToString::to_string);
    let classes = found.classes.iter().enumerate().map(|(place, class)| ClassScores {
        class: name(place),
        precision: class.precision,
        recall: class.recall,
        f1: class.f1,
        support: class.support,
    });
    Ok((classes.collect(), confusion(&judged.truth, prediction)?))
}

/// The scores of the rows with each value of a column, by the values that the column had before it was encoded.
fn slice(
    cx: &Cx,
    evaluate: &Evaluate,
    column: &str,
    input: Input,
    judged: &Judged,
    trained: &Trained,
) -> Result<Vec<SliceReport>, Fault> {
    let meta = table::meta(cx, input)?;
    let part = meta.part(evaluate.on).map_or(Part::All, |part| part.part);
    let frame = table::frame(cx, table::needed(&meta, part)?)?;
    let values = frame.column(column).map_err(unexpected)?;
    let place: HashMap<i64, usize> =
        positions(&frame)?.iter().enumerate().filter_map(|(row, position)| Some((position?, row))).collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (row, position) in judged.rows.iter().enumerate() {
        let value = place.get(position).map_or("?".to_owned(), |at| value_at(values, *at).to_string());
        groups.entry(value).or_default().push(row);
    }
    Ok(groups
        .into_iter()
        .map(|(value, rows)| {
            let truth = judged.truth.take(&rows);
            let prediction = taken(&judged.prediction, &rows);
            let scores = defined(evaluate, &truth, &prediction, trained, trained.threshold);
            SliceReport { column: column.to_owned(), value, scores }
        })
        .collect())
}

fn taken(prediction: &Prediction, rows: &[usize]) -> Prediction {
    match prediction {
        Prediction::Numbers(numbers) => Prediction::Numbers(rows.iter().map(|row| numbers[*row]).collect()),
        Prediction::Probabilities { classes, values } => Prediction::Probabilities {
            classes: *classes,
            values: rows.iter().flat_map(|row| values[row * classes..(row + 1) * classes].iter().copied()).collect(),
        },
    }
}

/// The kept metrics as JSON: model → metric → value.
pub(super) fn metrics(judgement: &Judgement) -> Json {
    let models = judgement.names.iter().zip(judgement.models.iter().map(|model| &model.scores.metrics));
    json!(models.collect::<BTreeMap<_, _>>())
}
