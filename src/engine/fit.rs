//! From rows to a trained model, with everything that belongs to it.

use polars::prelude::DataFrame;

use super::event::Event;
use super::features::{self, Meaning};
use super::run::Cx;
use super::table::work_told;
use crate::data::Table;
use crate::learn::{Task, Training, Watch};
use crate::plan::{OpNode, Train};
use crate::seal::Trained;
use crate::source::Fault;

/// Rows whose ops are fitted: ready for any model that learns from this table.
pub(super) struct Ready {
    /// The table after the last op.
    pub(super) table: Table,
    /// The columns to learn from.
    pub(super) names: Vec<String>,
}

/// Fits the ops on the train rows of a table, and applies them to all of its parts.
pub(super) fn ready(cx: &Cx, train: &Train, after: &[&OpNode], table: Table) -> Result<Ready, Fault> {
    let table = work_told(after, table, cx.plan, &|_| cx.check())?.table;
    let names = features::names(train, &table.shape)?;
    Ok(Ready { table, names })
}

/// Learns the whole model of a train step from the train rows of a table.
pub(super) fn whole(
    cx: &Cx,
    train: &Train,
    ready: &Ready,
    meaning: &Meaning,
    watch: &dyn Watch,
) -> Result<Trained, Fault> {
    learn(train, ready.table.training(), &ready.names, meaning, cx.plan.seed, watch)
}

/// Learns a model from the rows of a frame.
pub(super) fn learn(
    train: &Train,
    frame: &DataFrame,
    names: &[String],
    meaning: &Meaning,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Trained, Fault> {
    let inputs = features::inputs(frame, names)?;
    let missing = train.model.takes_missing();
    let x = features::matrix(frame, &inputs, missing)?;
    let y = features::answers(frame, &train.target.column, meaning)?;
    let weights = features::weights(train, frame, &y)?;
    let mut data = Training::new(&x, &y).seeded(seed).watched(watch);
    if let Some(weights) = &weights {
        data = data.weighted(weights);
    }
    let estimator = train.model.fit(&data)?;
    Ok(Trained {
        model: train.model_name.to_owned(),
        version: train.model.version(),
        target: train.target.column.clone(),
        kind: meaning.kind,
        task: meaning.task,
        classes: meaning.classes.clone(),
        positive: meaning.positive.filter(|_| meaning.task == Task::Classification),
        features: inputs,
        missing,
        rows: frame.height() as u64,
        estimator,
    })
}

/// Passes on what a fit tells.
pub(super) struct Told<'a> {
    pub(super) cx: &'a Cx<'a>,
    pub(super) step: &'a str,
}

impl Watch for Told<'_> {
    fn progress(&self, done: usize, total: usize, unit: &'static str) {
        self.cx.tell(Event::Progress { step: self.step.to_owned(), done, total, unit });
    }

    fn cancelled(&self) -> bool {
        self.cx.stopped()
    }

    fn warn(&self, fault: Fault) {
        self.cx.tell(Event::Warning { step: self.step.to_owned(), fault });
    }
}

/// One fit of many is not told by itself; it still ends when it is no longer wanted.
pub(super) struct Silent<'a>(pub(super) &'a Cx<'a>);

impl Watch for Silent<'_> {
    fn cancelled(&self) -> bool {
        self.0.stopped()
    }
}
