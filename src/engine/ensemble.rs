//! Ensembles: several trained models put together, with whatever is learned of how to.

use rayon::prelude::*;
use serde_json::json;

use super::cv::{self, Draw};
use super::decide::known;
use super::features::{self, Meaning};
use super::fit::{Lesson, Silent, Stage, as_trained};
use super::held::{FoldAnswers, OutOfFold, answers};
use super::outcome::TableMeta;
use super::run::{Cx, RunCx};
use super::table;
use super::train::{made, model_key, needs_held_out, rows_key, whole_key};
use super::unit::{Done, Parts, label, unit};
use crate::data::{Matrix, Part, Shape};
use crate::learn::{
    CheckedModel, Ensemble as Estimators, Estimator, Hard, Member, Method, Target, Task, Training, Watch,
    answer_columns,
};
use crate::plan::{Ensemble, Step, StepKind, Train};
use crate::seal::{Feature, Trained};
use crate::source::Fault;

/// The train step of a member, with the hyper-parameters that its search has found if it has one.
pub(super) fn member<'a>(run: &'a RunCx, step: usize) -> &'a Train {
    match &run.plan.steps[step].kind {
        StepKind::Train(train) => run.settled(step).unwrap_or(train),
        _ => unreachable!("the plan lets only train steps be members"),
    }
}

/// The train steps of all members.
fn of<'a>(run: &'a RunCx, ensemble: &Ensemble) -> Vec<&'a Train> {
    ensemble.members.iter().map(|step| member(run, *step)).collect()
}

/// What the members are, as parts of the key of an ensemble that is made anew in each fold.
pub(super) fn members_key(run: &RunCx, train: &Train, parts: &mut Parts) {
    let Some(ensemble) = &train.ensemble else { return };
    let plan = run.plan;
    for (nth, member) in of(run, ensemble).into_iter().enumerate() {
        let mut own = Parts::default();
        whole_key(run, member, &mut own);
        own.add("features", json!(member.features));
        own.0.into_iter().for_each(|(path, value)| parts.add(format!("of[{nth}].{path}"), value));
    }
    if ensemble.fusion.learns() {
        let mut draw = Parts::default();
        Draw::of(plan, train).describe(plan.seed, &mut draw);
        draw.0.into_iter().for_each(|(path, value)| parts.add(format!("of.{path}"), value));
    }
}

/// Puts the models of the members' steps together. What they say of held-out rows is kept member by member.
pub(super) fn run(
    cx: &Cx,
    step: &Step,
    train: &Train,
    ensemble: &Ensemble,
    meta: &TableMeta,
    ran: &mut Option<String>,
) -> Result<Done, Fault> {
    let mut parts = Parts::new("train");
    model_key(cx.plan.seed, train, &mut parts);
    let digests: Vec<_> = ensemble.members.iter().map(|step| cx.done(*step).outputs["model"]).collect();
    for (nth, digest) in digests.iter().enumerate() {
        parts.add(format!("of[{nth}].model"), digest.to_string());
    }
    let members = of(cx, ensemble);
    // What decided a member can't weigh it as well.
    let seen = members.iter().any(|member| needs_held_out(cx, member, Stage::Whole));
    let validation = meta.part(Part::Validation).filter(|part| part.rows > 0 && !seen);
    let mut folds = Vec::new();
    if ensemble.fusion.learns() {
        match validation {
            Some(part) => {
                let names = features::names(train, &meta.shape)?;
                rows_key(train, meta, part, &names, &mut parts)?;
                for member in &members {
                    rows_key(member, meta, part, &[], &mut parts)?;
                }
            }
            None => {
                let draw = Draw::of(cx.plan, train);
                for (nth, member) in members.iter().enumerate() {
                    let label = label(&cx.plan.name, &step.name, &format!("of[{nth}]"));
                    let kept = cv::run(cx, step, &label, member, Stage::Whole, &draw)?;
                    *ran = ran.take().or(kept.ran);
                    parts.add(format!("of[{nth}].folds"), kept.digest.to_string());
                    folds.push(kept.digest);
                }
            }
        }
    }
    unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        let trained = digests
            .iter()
            .map(|digest| Trained::from_bytes(&table::object(&cx.store, digest)?))
            .collect::<Result<Vec<_>, Fault>>()?;
        let held = match validation {
            _ if !ensemble.fusion.learns() => Vec::new(),
            Some(part) => {
                let frame = table::frame(cx, part)?;
                let one =
                    |(member, trained): (&&Train, &Trained)| answers(member, trained, &frame, &Meaning::of(trained));
                members.iter().zip(&trained).map(one).collect::<Result<Vec<_>, Fault>>()?
            }
            None => folds
                .iter()
                .map(|digest| Ok(OutOfFold::kept(cx, digest)?.joined()))
                .collect::<Result<Vec<_>, Fault>>()?,
        };
        cx.check()?;
        made(cx, &put_together(cx, train, ensemble, &trained, held, &meta.shape, &Silent(cx))?)
    })
}

/// The ensemble of members that learn from the rows of a lesson.
pub(super) fn learn(
    cx: &Cx,
    lesson: &Lesson,
    train: &Train,
    ensemble: &Ensemble,
    watch: &dyn Watch,
) -> Result<Trained, Fault> {
    let members = of(cx, ensemble);
    let draw = Draw::of(cx.plan, train);
    let one = |member: &&Train| {
        let trained = lesson.model(cx, member, Stage::Whole, &Silent(cx))?;
        let held = match ensemble.fusion.learns() {
            true => Some(lesson.held_out(cx, member, Stage::Whole, &trained, &draw, &Silent(cx))?.joined()),
            false => None,
        };
        Ok((trained, held))
    };
    // Each is done before the first mistake is told: so it is the same one every time.
    let made: Vec<Result<_, Fault>> = members.par_iter().map(one).collect();
    let (trained, held): (Vec<_>, Vec<_>) = made.into_iter().collect::<Result<Vec<_>, Fault>>()?.into_iter().unzip();
    put_together(cx, train, ensemble, &trained, held.into_iter().flatten().collect(), &lesson.table.shape, watch)
}

fn put_together(
    cx: &Cx,
    train: &Train,
    ensemble: &Ensemble,
    members: &[Trained],
    held: Vec<FoldAnswers>,
    shape: &Shape,
    watch: &dyn Watch,
) -> Result<Trained, Fault> {
    let first = &members[0];
    let meaning = Meaning::of(first);
    if members.iter().any(|member| Meaning::of(member) != meaning) {
        return Err(Fault::new("not-comparable", "the members have learned different classes")
            .help("run their steps again")
            .within("with"));
    }
    let outputs = first.estimator.outputs();
    let last = match ensemble.fusion.fixed(first.task, members.len(), outputs) {
        Some(fixed) => fixed,
        None => combine(&ensemble.fusion, first, held, cx.plan.seed, watch).map_err(|fault| fault.within("with"))?,
    };
    let features = together(members, shape);
    let votes = ensemble.fusion.method() == Method::Vote;
    let place = |feature: &Feature| features.iter().position(|other| other.name == feature.name);
    let member = |trained: &Trained| Member {
        columns: trained.features.iter().filter_map(place).map(|place| place as u32).collect(),
        estimator: trained.estimator.clone().settled(),
        hard: votes.then(|| Hard { threshold: trained.threshold, positive: trained.positive.unwrap_or(1) }),
    };
    let estimators = Estimators::new(features.len(), members.iter().map(member).collect(), last);
    let missing = members.iter().all(|member| member.missing);
    let rows = members.iter().map(|member| member.rows).max().unwrap_or_default();
    Ok(as_trained(train, &meaning, (features, missing), rows, Estimator::Ensemble(estimators)))
}

/// The features that the members read together, in the table's order.
fn together(members: &[Trained], shape: &Shape) -> Vec<Feature> {
    let find = |name: &str| members.iter().flat_map(|member| &member.features).find(|feature| feature.name == name);
    shape.names().filter_map(find).cloned().collect()
}

/// Learns how to make one answer of the members' answers to held-out rows.
fn combine(
    fusion: &dyn CheckedModel,
    like: &Trained,
    held: Vec<FoldAnswers>,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Estimator, Fault> {
    let held: Vec<FoldAnswers> = match like.task {
        Task::Classification => held.into_iter().map(|held| known(held, like.classes.len())).collect(),
        Task::Regression => held,
    };
    let first = &held[0];
    if held.iter().any(|other| other.codes != first.codes || other.numbers != first.numbers) {
        return Err(Fault::new("not-comparable", "the members answer other held-out rows").help("run with `--force`"));
    }
    let (outputs, rows) = (like.estimator.outputs(), first.codes.len().max(first.numbers.len()));
    let width = answer_columns(like.task, outputs);
    let mut names = Vec::new();
    let mut values = Vec::with_capacity(held.len() * width * rows);
    for (nth, held) in held.iter().enumerate() {
        for column in outputs - width..outputs {
            names.push(format!("of[{nth}].{column}"));
            values.extend(held.values.iter().skip(column).step_by(outputs));
        }
    }
    let x = Matrix::new(names, rows, values);
    let y = match like.task {
        Task::Classification => Target::Classes { codes: first.codes.clone(), count: outputs },
        Task::Regression => Target::Numbers(first.numbers.clone()),
    };
    let data = Training::new(&x, &y).seeded(seed).watched(watch);
    // Rows count as the members say, if they agree.
    match first.weights().filter(|_| held.iter().all(|other| other.weights == first.weights)) {
        Some(weights) => fusion.fit(&data.weighted(weights)),
        None => fusion.fit(&data),
    }
}
