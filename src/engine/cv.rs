//! Cross-validation without leaks: in each fold every op between the split and the model is fitted anew.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use polars::prelude::{BooleanChunked, DataFrame};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::features::{self, Meaning};
use super::key;
use super::run::Cx;
use super::table::{self, work, work_told};
use super::train::{Told, learn, model_key};
use super::unit::{Made, Parts, label, unit};
use crate::data::{Part, Table, stats, unexpected, value_at};
use crate::learn::{self, Fold, Prediction, Task, Watch};
use crate::plan::{Cv, OpNode, Step, Train};
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

/// Where the folds are cut: behind the split, or, without one, before the first op that learns.
enum Base {
    /// A step's first segment.
    Split(usize),
    /// A source and the ops that learn nothing.
    Source(usize),
}

/// Cross-validates a train step.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train, rule: &Cv) -> Result<Kept, Fault> {
    let (base, before, after) = cut(cx, train);
    let draw = FoldDraw::of(cx, train, rule);
    let mut parts = Parts::new("cv");
    parts.add("cv", json!({"folds": rule.folds, "time": draw.time, "group": draw.group}));
    match base {
        Base::Split(at) => {
            let meta = &cx.done(at).segments()[0].table;
            key::shape(&mut parts, &meta.shape);
            key::part(&mut parts, meta.training());
        }
        Base::Source(source) => {
            let identity = cx.identity(source)?;
            parts.add(format!("source.{}", cx.plan.sources[source].spec.name), identity.bytes.to_string());
            parts.add("reading", identity.reading);
        }
    }
    let ops: Vec<&OpNode> = before.iter().chain(&after).copied().collect();
    key::ops(&mut parts, &ops, cx.plan);
    parts.add("seed", cx.plan.seed);
    model_key(cx.plan.seed, train, &mut parts);
    parts.add("features", json!(train.features));
    let done = unit(cx, &label(&cx.plan.name, &step.name, "cv"), &parts, || {
        let table = match base {
            Base::Split(at) => {
                let meta = &cx.done(at).segments()[0].table;
                Table::of_parts(meta.shape.clone(), vec![(Part::All, (*table::frame(cx, meta.training())?).clone())])
            }
            Base::Source(source) => work(&before, (*cx.table(source)?).clone(), cx.plan)?.table,
        };
        let answers = folds(cx, step, train, &draw, &table, &after)?;
        let bytes = serde_json::to_vec(&answers).expect("answers are plain data");
        let digest = cx.store.put(&bytes)?;
        Ok(Made::new(BTreeMap::from([("folds".to_owned(), digest)]), json!({"folds": rule.folds})))
    })?;
    Ok(Kept { digest: done.output("folds")?, ran: done.ran })
}

/// How rows are drawn into folds: as the file says, else as the split tells its own rows apart.
struct FoldDraw {
    folds: usize,
    time: Option<String>,
    group: Option<String>,
}

impl FoldDraw {
    fn of(cx: &Cx, train: &Train, rule: &Cv) -> Self {
        let (_, steps) = cx.plan.chain(train.input);
        let tables = steps.iter().filter_map(|step| cx.plan.table(*step));
        let split = tables.filter_map(|table| Some(table.ops[table.split?].op.canonical())).next();
        let column = |key: &str| split.as_ref().and_then(|split| split[key].as_str()).map(str::to_owned);
        let time = rule.time.clone().or_else(|| column("time"));
        let group = if time.is_some() { None } else { column("group") };
        Self { folds: rule.folds, time, group }
    }
}

/// Folds are told as a whole; each still ends when it is no longer wanted.
struct Silent<'a>(&'a Cx<'a>);

impl Watch for Silent<'_> {
    fn cancelled(&self) -> bool {
        self.0.stopped()
    }
}

/// Folds in which the rows of one value stay together.
fn by_group(folds: usize, frame: &DataFrame, name: &str, seed: u64) -> Result<Vec<Fold>, Fault> {
    let column = frame.column(name).map_err(unexpected)?;
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in 0..column.len() {
        groups.entry(value_at(column, row).to_string()).or_default().push(row);
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    let rows = |of: &[usize]| {
        let mut rows: Vec<usize> = of.iter().flat_map(|group| groups[*group].iter().copied()).collect();
        rows.sort_unstable();
        rows
    };
    let cuts = learn::folds(folds, groups.len(), None, seed)?;
    Ok(cuts.iter().map(|fold| Fold { train: rows(&fold.train), test: rows(&fold.test) }).collect())
}

/// The base, the ops before it that learn nothing, and the ops that each fold runs.
fn cut<'a>(cx: &Cx<'a>, train: &Train) -> (Base, Vec<&'a OpNode>, Vec<&'a OpNode>) {
    let plan = cx.plan;
    let (source, steps) = plan.chain(train.input);
    let tables = steps.iter().map(|step| (*step, plan.table(*step).expect("a table")));
    let split = tables.clone().find_map(|(step, table)| Some((step, table.split?)));
    if let Some((step, at)) = split {
        let place = steps.iter().position(|other| *other == step).expect("it was found there");
        let own = plan.table(step).expect("a table").ops[at + 1..].iter();
        let later = steps[place + 1..].iter().flat_map(|step| &plan.table(*step).expect("a table").ops);
        return (Base::Split(step), Vec::new(), own.chain(later).collect());
    }
    let mut before: Vec<&OpNode> = tables.flat_map(|(_, table)| &table.ops).collect();
    let learns = before.iter().position(|node| node.op.learns()).unwrap_or(before.len());
    let after = before.split_off(learns);
    (Base::Source(source), before, after)
}

fn folds(
    cx: &Cx,
    step: &Step,
    train: &Train,
    draw: &FoldDraw,
    table: &Table,
    after: &[&OpNode],
) -> Result<OutOfFold, Fault> {
    let frame = table.training();
    // What the classes are is no secret of a fold: the names of all of them are asked for from every fold.
    let whole = work(after, table.clone(), cx.plan)?.table;
    let meaning = features::meaning(train, whole.training(), &whole.shape)?;
    let at = |fault: Fault| fault.within("cv");
    let cuts = match (&draw.time, &draw.group) {
        (Some(column), _) => learn::time_folds(draw.folds, &by_time(frame, column)?),
        (None, Some(column)) => by_group(draw.folds, frame, column, cx.plan.seed),
        (None, None) => {
            learn::folds(draw.folds, frame.height(), strata(frame, train, &meaning)?.as_deref(), cx.plan.seed)
        }
    }
    .map_err(at)?;
    let told = Told { cx, step: &step.name };
    let done = AtomicUsize::new(0);
    let answers: Vec<ControlFlow<Fault, FoldAnswers>> = cuts
        .par_iter()
        .map(|fold| match one(cx, train, fold, table, after, &meaning) {
            Ok(answers) => {
                told.progress(done.fetch_add(1, Ordering::Relaxed) + 1, cuts.len(), "folds");
                ControlFlow::Continue(answers)
            }
            Err(fault) => ControlFlow::Break(fault),
        })
        .collect();
    let mut kept = Vec::new();
    for (nth, answer) in answers.into_iter().enumerate() {
        match answer {
            ControlFlow::Continue(answers) => kept.push(answers),
            ControlFlow::Break(fault) => {
                return Err(at(Fault { message: format!("in fold {}: {}", nth + 1, fault.message), ..fault }));
            }
        }
    }
    Ok(OutOfFold { classes: meaning.classes.len(), folds: kept })
}

fn by_time(frame: &DataFrame, name: &str) -> Result<Vec<usize>, Fault> {
    let column = frame.column(name).map_err(|_| {
        Fault::new("unknown-column", format!("there is no column `{name}` at the split")).within("time")
    })?;
    let values: Vec<_> = (0..column.len()).map(|row| value_at(column, row)).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].order(&values[*b]).then(a.cmp(b)));
    Ok(order)
}

/// The class of each row, where the target is there before the ops.
fn strata(frame: &DataFrame, train: &Train, meaning: &Meaning) -> Result<Option<Vec<u32>>, Fault> {
    let Ok(column) = frame.column(&train.target.column) else {
        return Ok(None);
    };
    if meaning.task == Task::Regression {
        return Ok(None);
    }
    let classes: Vec<_> = stats::value_counts(column).into_iter().map(|(value, _)| value).collect();
    let place = |row| classes.iter().position(|class| *class == value_at(column, row)).unwrap_or(classes.len());
    Ok(Some((0..column.len()).map(|row| place(row) as u32).collect()))
}

fn one(
    cx: &Cx,
    train: &Train,
    fold: &Fold,
    table: &Table,
    after: &[&OpNode],
    meaning: &Meaning,
) -> Result<FoldAnswers, Fault> {
    cx.check()?;
    let frame = table.training();
    let rows = |rows: &[usize]| {
        let mut mask = vec![false; frame.height()];
        for row in rows {
            mask[*row] = true;
        }
        frame.filter(&mask.into_iter().map(Some).collect::<BooleanChunked>()).map_err(unexpected)
    };
    let parts = vec![(Part::Train, rows(&fold.train)?), (Part::Test, rows(&fold.test)?)];
    let worked = work_told(after, Table::of_parts(table.shape.clone(), parts), cx.plan, &|_| cx.check())?.table;
    let names = features::names(train, &worked.shape)?;
    let trained = learn(train, worked.training(), &names, meaning, cx.plan.seed, &Silent(cx))?;
    let test = worked.part(Part::Test).expect("it was made");
    let prediction = trained.predict(&features::matrix(test, &trained.features, trained.missing)?)?;
    let truth = features::answers(test, &train.target.column, meaning)?;
    let values = match prediction {
        Prediction::Probabilities { values, .. } | Prediction::Numbers(values) => values,
    };
    let (codes, numbers) = match truth {
        learn::Target::Classes { codes, .. } => (codes, Vec::new()),
        learn::Target::Numbers(numbers) => (Vec::new(), numbers),
    };
    Ok(FoldAnswers { codes, numbers, values })
}
