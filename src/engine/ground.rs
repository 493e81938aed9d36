//! What folds are drawn from: a train step's rows behind the split, or, without one, before the first op that learns.

use std::collections::BTreeMap;

use polars::prelude::{BooleanChunked, Column, DataFrame};
use serde_json::json;

use super::features::Meaning;
use super::key;
use super::raw::whole;
use super::run::Cx;
use super::table::{self, work};
use super::unit::Parts;
use crate::data::{Part, Table, stats, unexpected, value_at};
use crate::learn::{self, Fold, Task};
use crate::plan::{Cv, Input, OpNode, Plan, Train};
use crate::source::Fault;
use crate::store::Digest;

/// Raised when the same rule draws other folds.
const DRAW: u32 = 2;

/// Where the rows are cut.
enum Base {
    /// A step's first segment.
    Split(usize),
    /// A source and the ops that learn nothing.
    Source(usize),
}

/// The rows that folds are drawn from, and what each fold does with its own.
pub(super) struct Ground<'a> {
    base: Base,
    /// The ops that learn nothing, from a source on.
    before: Vec<&'a OpNode>,
    /// The ops that each fold fits anew.
    pub(super) after: Vec<&'a OpNode>,
}

impl<'a> Ground<'a> {
    /// That of a train step.
    pub(super) fn of(plan: &'a Plan, train: &Train) -> Self {
        let (source, steps) = plan.chain(train.input);
        let tables = steps.iter().map(|step| (*step, plan.table(*step).expect("a table")));
        let split = tables.clone().find_map(|(step, table)| Some((step, table.split?)));
        if let Some((step, at)) = split {
            let place = steps.iter().position(|other| *other == step).expect("it was found there");
            let own = plan.table(step).expect("a table").ops[at + 1..].iter();
            let later = steps[place + 1..].iter().flat_map(|step| &plan.table(*step).expect("a table").ops);
            return Self { base: Base::Split(step), before: Vec::new(), after: own.chain(later).collect() };
        }
        let mut before: Vec<&OpNode> = tables.flat_map(|(_, table)| &table.ops).collect();
        let learns = before.iter().position(|node| node.op.learns()).unwrap_or(before.len());
        let after = before.split_off(learns);
        Self { base: Base::Source(source), before, after }
    }

    /// The parts of a key that say which rows these are, and what is done with them.
    /// The validation part counts where models are decided by it.
    pub(super) fn describe(&self, cx: &Cx, validation: bool, parts: &mut Parts) -> Result<(), Fault> {
        match self.base {
            Base::Split(at) => {
                let meta = &cx.done(at).segments()[0].table;
                key::shape(parts, &meta.shape);
                key::part(parts, meta.training());
                meta.part(Part::Validation).filter(|_| validation).into_iter().for_each(|meta| key::part(parts, meta));
            }
            Base::Source(source) => {
                let identity = cx.identity(source)?;
                parts.add(format!("source.{}", cx.plan.sources[source].spec.name), identity.bytes.to_string());
                parts.add("reading", identity.reading);
                parts.add("protected", json!(cx.plan.protected));
                parts.add("guarded", json!(cx.plan.guarded));
            }
        }
        let ops: Vec<&OpNode> = self.before.iter().chain(&self.after).copied().collect();
        key::ops(parts, &ops, cx)
    }

    /// The rows to learn from, and the validation part if that is asked for.
    pub(super) fn table(&self, cx: &Cx, validation: bool) -> Result<Table, Fault> {
        match self.base {
            Base::Split(at) => {
                let meta = &cx.done(at).segments()[0].table;
                let rows = |meta| Ok::<_, Fault>((*table::frame(cx, meta)?).clone());
                let parts = match meta.part(Part::Validation).filter(|_| validation) {
                    Some(held) => vec![(Part::Train, rows(meta.training())?), (Part::Validation, rows(held)?)],
                    None => vec![(Part::All, rows(meta.training())?)],
                };
                Ok(Table::of_parts(meta.shape.clone(), parts))
            }
            Base::Source(source) => Ok(work(&self.before, (*cx.table(source)?).clone(), cx)?.table),
        }
    }
}

impl Ground<'_> {
    /// The rows of all parts.
    pub(super) fn all_rows(&self, cx: &Cx) -> Result<Table, Fault> {
        let Base::Split(at) = self.base else { return self.table(cx, false) };
        whole(&table::load(cx, &cx.done(at).segments()[0].table)?)
    }

    /// The parts of a key that say which rows these are, and what is done with them.
    pub(super) fn describe_all(&self, cx: &Cx, parts: &mut Parts) -> Result<(), Fault> {
        self.describe(cx, false, parts)?;
        if let Base::Split(at) = self.base {
            let others = cx.done(at).segments()[0].table.parts.iter().filter(|meta| !meta.part.trains());
            others.for_each(|meta| key::part(parts, meta));
        }
        Ok(())
    }

    /// The recipes that lead to these rows.
    pub(super) fn recipes(&self, cx: &Cx, input: Input) -> Vec<Digest> {
        let (_, steps) = cx.plan.chain(input);
        match self.base {
            Base::Split(at) => {
                let place = steps.iter().position(|step| *step == at).expect("it is on the way");
                let before = steps[..place].iter().flat_map(|step| cx.done(*step).segments());
                before.chain(cx.done(at).segments().first()).map(|segment| segment.recipe).collect()
            }
            Base::Source(_) => unreachable!("the plan lets only rows that are split be joined again"),
        }
    }
}

/// How rows are drawn into folds: as the file says, else as the split tells its own rows apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FoldDraw {
    folds: usize,
    time: Option<String>,
    group: Option<String>,
}

/// How many folds are drawn where nothing is said of it.
const FOLDS: usize = 5;

impl FoldDraw {
    /// That of a train step: by its `cv`, or else as it would be by default.
    pub(super) fn of(plan: &Plan, train: &Train) -> Self {
        match &train.cv {
            Some(rule) => Self::by(plan, train, rule),
            None => Self::by(plan, train, &Cv { folds: FOLDS, time: None, group: None }),
        }
    }

    /// That of a rule for the rows of a train step.
    pub(super) fn by(plan: &Plan, train: &Train, rule: &Cv) -> Self {
        let (_, steps) = plan.chain(train.input);
        let tables = steps.iter().filter_map(|step| plan.table(*step));
        let split = tables.filter_map(|table| Some(table.ops[table.split?].op.canonical())).next();
        let column = |key: &str| split.as_ref().and_then(|split| split[key].as_str()).map(str::to_owned);
        let time = if rule.group.is_some() { None } else { rule.time.clone().or_else(|| column("time")) };
        let group = if time.is_some() { None } else { rule.group.clone().or_else(|| column("group")) };
        Self { folds: rule.folds, time, group }
    }

    /// How many folds.
    pub(super) fn count(&self) -> usize {
        self.folds
    }

    /// The parts of a key that say so.
    pub(super) fn describe(&self, seed: u64, parts: &mut Parts) {
        self.describe_as("cv", parts);
        parts.add("seed", seed);
    }

    /// The same under another name, without the seed.
    pub(super) fn describe_as(&self, name: &str, parts: &mut Parts) {
        parts.add(name, json!({"folds": self.folds, "time": self.time, "group": self.group}));
        parts.add("draw", DRAW);
    }

    /// The folds of these rows.
    pub(super) fn folds(
        &self,
        train: &Train,
        frame: &DataFrame,
        meaning: &Meaning,
        seed: u64,
    ) -> Result<Vec<Fold>, Fault> {
        if let Some(column) = &self.time {
            return learn::time_folds(self.folds, &moments(frame, column)?);
        }
        let strata = strata(frame, train, meaning)?;
        match &self.group {
            Some(column) => learn::group_folds(self.folds, &groups(frame, column)?, strata.as_deref(), seed),
            None => learn::folds(self.folds, frame.height(), strata.as_deref(), seed),
        }
    }
}

/// Which group each row is of, as a number.
fn groups(frame: &DataFrame, name: &str) -> Result<Vec<u32>, Fault> {
    let column = column(frame, name, "group")?;
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let texts: Vec<String> = (0..column.len()).map(|row| value_at(column, row).to_string()).collect();
    for text in &texts {
        let next = known.len() as u32;
        known.entry(text.clone()).or_insert(next);
    }
    Ok(texts.iter().map(|text| known[text]).collect())
}

/// The rows of each moment, from the earliest to the latest.
fn moments(frame: &DataFrame, name: &str) -> Result<Vec<Vec<usize>>, Fault> {
    let column = column(frame, name, "time")?;
    let values: Vec<_> = (0..column.len()).map(|row| value_at(column, row)).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].order(&values[*b]).then(a.cmp(b)));
    Ok(order.chunk_by(|a, b| values[*a].order(&values[*b]).is_eq()).map(<[usize]>::to_vec).collect())
}

fn column<'a>(frame: &'a DataFrame, name: &str, key: &str) -> Result<&'a Column, Fault> {
    frame.column(name).map_err(|_| {
        Fault::new("unknown-column", format!("there is no column `{name}` where the folds are drawn")).within(key)
    })
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

/// The rows of a table that a fold learns from, those that it is judged on as its test part, and the validation part.
pub(super) fn parted(table: &Table, fold: &Fold) -> Result<Table, Fault> {
    let frame = table.training();
    let rows = |rows: &[usize]| {
        let mut mask = vec![false; frame.height()];
        for row in rows {
            mask[*row] = true;
        }
        frame.filter(&mask.into_iter().map(Some).collect::<BooleanChunked>()).map_err(unexpected)
    };
    let mut parts = vec![(Part::Train, rows(&fold.train)?), (Part::Test, rows(&fold.test)?)];
    if let Some(held) = table.part(Part::Validation) {
        parts.insert(1, (Part::Validation, held.clone()));
    }
    Ok(Table::of_parts(table.shape.clone(), parts))
}
