//! Cross-validation without leaks: in each fold every op between the split and the model is fitted anew.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde_json::json;

use super::ensemble::members_key;
use super::features::{self, Meaning};
use super::fit::{Lesson, Silent, Stage, Told};
use super::ground::{Ground, parted};
use super::held::{FoldAnswers, OutOfFold, answers};
use super::run::Cx;
use super::table::work;
use super::train::{model_key, needs_held_out, whole_key};
use super::tune;
use super::unit::{Made, Parts, unit};
use crate::data::{Part, Table};
use crate::learn::Watch;
use crate::plan::{OpNode, Step, Train};
use crate::source::Fault;
use crate::store::Digest;

pub(super) use super::ground::FoldDraw as Draw;

/// Kept out-of-fold answers.
pub(super) struct Kept {
    pub(super) digest: Digest,
    pub(super) ran: Option<String>,
}

/// The out-of-fold answers of a train step under a draw, from the store or made and kept. `label` names them.
pub(super) fn run(cx: &Cx, step: &Step, label: &str, train: &Train, stage: Stage, draw: &Draw) -> Result<Kept, Fault> {
    let ground = Ground::of(cx.plan, train);
    // What a model of one fold is decided by is part of that fold.
    let validation = needs_held_out(cx, train, stage);
    let mut parts = Parts::new("cv");
    draw.describe(cx.plan.seed, &mut parts);
    ground.describe(cx, validation, &mut parts)?;
    parts.add("features", json!(train.features));
    match stage {
        Stage::Bare => {
            model_key(cx.plan.seed, train, &mut parts);
            members_key(cx, train, &mut parts);
        }
        Stage::Whole => whole_key(cx, train, &mut parts),
    }
    if let Some(tune) = &train.tune {
        tune::nested_key(cx, train, tune, &mut parts)?;
    }
    let done = unit(cx, label, &parts, || {
        let told = Told { cx, step: &step.name };
        let table = ground.table(cx, validation)?;
        let meaning = meaning(cx, train, &ground.after, &table)?;
        let answers = out_of_fold(cx, train, stage, draw, &ground.after, &table, &meaning, &told);
        let bytes = serde_json::to_vec(&answers.map_err(|fault| fault.within("cv"))?).expect("answers are plain data");
        let digest = cx.store.put(&bytes)?;
        Ok(Made::new(BTreeMap::from([("folds".to_owned(), digest)]), json!({"folds": draw.count()})))
    })?;
    Ok(Kept { digest: done.output("folds")?, ran: done.ran })
}

/// What the target's values mean. What the classes are is no secret of a fold: every fold is asked for all of them.
pub(super) fn meaning(cx: &Cx, train: &Train, after: &[&OpNode], table: &Table) -> Result<Meaning, Fault> {
    let whole = work(after, table.clone(), cx)?.table;
    features::meaning(train, whole.training(), &whole.shape)
}

/// What models of the train rows of a table say of rows that they didn't learn from: fold by fold, everything between
/// the table and the answer fitted anew.
#[expect(clippy::too_many_arguments, reason = "a fold knows nothing but what it is told")]
pub(super) fn out_of_fold(
    cx: &Cx,
    train: &Train,
    stage: Stage,
    draw: &Draw,
    after: &[&OpNode],
    table: &Table,
    meaning: &Meaning,
    watch: &dyn Watch,
) -> Result<OutOfFold, Fault> {
    let cuts = draw.folds(train, table.training(), meaning, cx.plan.seed)?;
    let done = AtomicUsize::new(0);
    let answers: Vec<ControlFlow<Fault, FoldAnswers>> = cuts
        .par_iter()
        .map(|fold| {
            let answers = parted(table, fold).and_then(|table| one(cx, train, stage, after, table, meaning));
            watch.progress(done.fetch_add(1, Ordering::Relaxed) + 1, cuts.len(), "folds");
            match answers {
                Ok(answers) => ControlFlow::Continue(answers),
                Err(fault) => ControlFlow::Break(fault),
            }
        })
        .collect();
    let mut kept = Vec::new();
    for (nth, answer) in answers.into_iter().enumerate() {
        match answer {
            ControlFlow::Continue(answers) => kept.push(answers),
            ControlFlow::Break(fault) => {
                return Err(Fault { message: format!("in fold {}: {}", nth + 1, fault.message), ..fault });
            }
        }
    }
    Ok(OutOfFold { classes: meaning.classes.len(), folds: kept })
}

/// The answers of one fold, whose rows to judge on are the test part.
fn one(
    cx: &Cx,
    train: &Train,
    stage: Stage,
    after: &[&OpNode],
    table: Table,
    meaning: &Meaning,
) -> Result<FoldAnswers, Fault> {
    cx.check()?;
    let found = searched(cx, train, after, &table, meaning)?;
    let train = found.as_ref().unwrap_or(train);
    let lesson = Lesson::new(cx, after, table, meaning)?;
    let trained = lesson.model(cx, train, stage, &Silent(cx))?;
    answers(train, &trained, lesson.table.part(Part::Test).expect("a fold has a test part"), meaning)
}

/// The train step with hyper-parameters that are searched on the fold's train rows alone, if they are searched.
fn searched(
    cx: &Cx,
    train: &Train,
    after: &[&OpNode],
    table: &Table,
    meaning: &Meaning,
) -> Result<Option<Train>, Fault> {
    let Some(tune) = &train.tune else { return Ok(None) };
    let Some(draw) = tune::folds(cx, train, tune)? else { return Ok(None) };
    let rows = Table::of_parts(table.shape.clone(), vec![(Part::All, table.training().clone())]);
    tune::inside(cx, train, (tune, &draw), rows, after, meaning).map(Some)
}
