//! Cross-validation without leaks: in each fold every op between the split and the model is fitted anew.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::features::{self, Meaning};
use super::fit::{Ready, Silent, Told, ready, whole};
use super::ground::{FoldDraw, Ground, parted};
use super::run::Cx;
use super::table::work;
use super::train::model_key;
use super::unit::{Made, Parts, label, unit};
use crate::data::{Part, Table};
use crate::learn::{self, Prediction, Watch};
use crate::plan::{Cv, OpNode, Step, Train};
use crate::seal::Trained;
use crate::source::Fault;
use crate::store::Digest;

/// What the models of the folds say of the rows that they didn't learn from. Any metric can be computed of it later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutOfFold {
    /// How many classes; 0 for numbers.
    pub(super) classes: usize,
    /// Fold by fold.
    pub(super) folds: Vec<FoldAnswers>,
}

/// One fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FoldAnswers {
    /// The true classes.
    pub(super) codes: Vec<u32>,
    /// The true numbers.
    pub(super) numbers: Vec<f64>,
    /// What the model says: probabilities row by row, or numbers.
    pub(super) values: Vec<f64>,
}

impl FoldAnswers {
    /// As a metric reads it.
    pub(super) fn scored(&self, classes: usize) -> (learn::Target, Prediction) {
        if classes == 0 {
            return (learn::Target::Numbers(self.numbers.clone()), Prediction::Numbers(self.values.clone()));
        }
        let truth = learn::Target::Classes { codes: self.codes.clone(), count: classes };
        (truth, Prediction::Probabilities { classes, values: self.values.clone() })
    }
}

pub(super) struct Kept {
    pub(super) digest: Digest,
    pub(super) ran: Option<String>,
}

/// Cross-validates a train step.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train, rule: &Cv) -> Result<Kept, Fault> {
    let ground = Ground::of(cx.plan, train);
    let draw = FoldDraw::of(cx.plan, train, rule);
    let mut parts = Parts::new("cv");
    ground.describe(cx, &mut parts)?;
    draw.describe(cx.plan.seed, &mut parts);
    model_key(cx.plan.seed, train, &mut parts);
    parts.add("features", json!(train.features));
    let done = unit(cx, &label(&cx.plan.name, &step.name, "cv"), &parts, || {
        let told = Told { cx, step: &step.name };
        let table = ground.table(cx)?;
        let meaning = meaning(cx, train, &ground.after, &table)?;
        let answers = out_of_fold(cx, train, &draw, &ground.after, &table, &meaning, &told);
        let bytes = serde_json::to_vec(&answers.map_err(|fault| fault.within("cv"))?).expect("answers are plain data");
        let digest = cx.store.put(&bytes)?;
        Ok(Made::new(BTreeMap::from([("folds".to_owned(), digest)]), json!({"folds": rule.folds})))
    })?;
    Ok(Kept { digest: done.output("folds")?, ran: done.ran })
}

/// What the target's values mean. What the classes are is no secret of a fold: every fold is asked for all of them.
pub(super) fn meaning(cx: &Cx, train: &Train, after: &[&OpNode], table: &Table) -> Result<Meaning, Fault> {
    let whole = work(after, table.clone(), cx.plan)?.table;
    features::meaning(train, whole.training(), &whole.shape)
}

/// What models of these rows say of rows that they didn't learn from: fold by fold, everything between the table and
/// the answer fitted anew.
pub(super) fn out_of_fold(
    cx: &Cx,
    train: &Train,
    draw: &FoldDraw,
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
            let answers = parted(table, fold).and_then(|table| one(cx, train, after, table, meaning));
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
fn one(cx: &Cx, train: &Train, after: &[&OpNode], table: Table, meaning: &Meaning) -> Result<FoldAnswers, Fault> {
    cx.check()?;
    let ready = ready(cx, train, after, table)?;
    let trained = whole(cx, train, &ready, meaning, &Silent(cx))?;
    answers(&ready, &trained, meaning)
}

/// What a fold's model says of the fold's test part.
pub(super) fn answers(ready: &Ready, trained: &Trained, meaning: &Meaning) -> Result<FoldAnswers, Fault> {
    let test = ready.table.part(Part::Test).expect("a fold has a test part");
    let prediction = trained.predict(&features::matrix(test, &trained.features, trained.missing)?)?;
    let truth = features::answers(test, &trained.target, meaning)?;
    let values = match prediction {
        Prediction::Probabilities { values, .. } | Prediction::Numbers(values) => values,
    };
    let (codes, numbers) = match truth {
        learn::Target::Classes { codes, .. } => (codes, Vec::new()),
        learn::Target::Numbers(numbers) => (Vec::new(), numbers),
    };
    Ok(FoldAnswers { codes, numbers, values })
}
