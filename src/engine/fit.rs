//! From rows to a trained model, with everything that belongs to it.

use polars::prelude::DataFrame;

use super::cv::{Draw, out_of_fold};
use super::decide::finish;
use super::ensemble;
use super::event::Event;
use super::features::{self, Meaning};
use super::held::{OutOfFold, answers};
use super::run::Cx;
use super::table::work_told;
use super::train::needs_held_out;
use super::update;
use crate::data::{Part, Table, positions};
use crate::learn::{Estimator, Target, TargetScale, Task, Training, Transformed, Watch};
use crate::plan::{OpNode, Train};
use crate::recipe::RowStep;
use crate::seal::{Feature, Trained};
use crate::source::{Fault, Route};

/// Which model of a train step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// As it was learned.
    Bare,
    /// With what follows: calibrated, and with its threshold.
    Whole,
}

/// Rows to learn from, as they were before the ops that learn and as they are after them: ready for any model.
pub(super) struct Lesson<'a> {
    after: &'a [&'a OpNode],
    cut: Table,
    /// The table after the last op.
    pub(super) table: Table,
    /// What leads from the rows before the ops to those after them, one by one.
    pub(super) recipe: Vec<RowStep>,
    meaning: &'a Meaning,
}

impl<'a> Lesson<'a> {
    /// Fits the ops on the train rows of a table, and applies them to all of its parts.
    pub(super) fn new(cx: &Cx, after: &'a [&'a OpNode], cut: Table, meaning: &'a Meaning) -> Result<Self, Fault> {
        let worked = work_told(after, cut.clone(), cx, &|_| cx.check())?;
        Ok(Self { after, cut, table: worked.table, recipe: worked.recipe, meaning })
    }

    /// A train step's model.
    pub(super) fn model(&self, cx: &Cx, train: &Train, stage: Stage, watch: &dyn Watch) -> Result<Trained, Fault> {
        let bare = match &train.ensemble {
            Some(of) => ensemble::learn(cx, self, train, of, watch)?,
            None => learn(train, &self.table, self.meaning, None, cx.plan.seed, watch)?,
        };
        match stage {
            Stage::Bare => Ok(bare),
            Stage::Whole => finish(train, bare, |bare| {
                self.held_out(cx, train, Stage::Bare, bare, &Draw::of(cx.plan, train), watch)
            }),
        }
    }

    /// What a model says of rows that it hasn't learned from: the validation part, unless something of the model was
    /// decided by that; else what models like it say fold by fold.
    pub(super) fn held_out(
        &self,
        cx: &Cx,
        train: &Train,
        stage: Stage,
        trained: &Trained,
        draw: &Draw,
        watch: &dyn Watch,
    ) -> Result<OutOfFold, Fault> {
        let unseen = |rows: &&DataFrame| rows.height() > 0 && !needs_held_out(cx, train, stage);
        if let Some(rows) = self.table.part(Part::Validation).filter(unseen) {
            let one = answers(train, trained, rows, self.meaning)?;
            return Ok(OutOfFold { classes: self.meaning.classes.len(), folds: vec![one] });
        }
        out_of_fold(cx, train, stage, draw, self.after, &self.cut, self.meaning, watch)
    }
}

/// Learns a model from the train rows of a table; from `previous` on if there is one that it can go on from.
pub(super) fn learn(
    train: &Train,
    table: &Table,
    meaning: &Meaning,
    previous: Option<&Trained>,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Trained, Fault> {
    let frame = table.training();
    let names = features::names(train, &table.shape)?;
    let inputs = features::inputs(frame, &names)?;
    let (previous, inputs) = update::going_on(train, meaning, previous, inputs, watch);
    let missing = train.model.takes_missing();
    let x = features::matrix(frame, &inputs, missing)?;
    let y = features::answers(frame, &train.target.column, meaning)?;
    let weights = features::weights(train, frame, &y)?;
    let fit = |previous: Option<&Trained>| {
        let mut y = y.clone();
        let mut scale = None;
        if let (Some(transform), Target::Numbers(numbers)) = (train.decision.transform, &mut y) {
            // What the previous model has learned on its scale goes on there.
            let found = match previous.and_then(|previous| previous.estimator.bare().1) {
                Some(known) => known.clone(),
                None => transform.fit(numbers).map_err(|fault| fault.within("target_transform"))?,
            };
            there(&found, numbers, table, &train.target.column)?;
            scale = Some(found);
        }
        let mut data = Training::new(&x, &y).seeded(seed).watched(watch);
        if let Some(weights) = &weights {
            data = data.weighted(weights);
        }
        let estimator = update::fit(train, previous, data)?;
        Ok::<_, Fault>(estimator.map(|estimator| match scale {
            Some(transform) => Estimator::Transformed(Transformed { inner: Box::new(estimator), transform }),
            None => estimator,
        }))
    };
    let gone_on = if previous.is_some() { fit(previous)? } else { None };
    let estimator = match gone_on {
        Some(estimator) => estimator,
        // Anew, and so on a scale of its own.
        None => fit(None)?.expect("only a previous model can't be gone on from"),
    };
    Ok(as_trained(train, meaning, (inputs, missing), frame.height() as u64, estimator))
}

/// An estimator with what its numbers mean; `inputs` are its features, and whether a row may lack one.
pub(super) fn as_trained(
    train: &Train,
    meaning: &Meaning,
    inputs: (Vec<Feature>, bool),
    rows: u64,
    estimator: Estimator,
) -> Trained {
    let (features, missing) = inputs;
    Trained {
        model: train.model_name.to_owned(),
        version: train.model.version(),
        target: train.target.column.clone(),
        kind: meaning.kind,
        task: meaning.task,
        classes: meaning.classes.clone(),
        positive: meaning.positive.filter(|_| meaning.task == Task::Classification),
        threshold: None,
        features,
        missing,
        rows,
        estimator,
    }
}

/// Brings the target of the train rows to another scale.
fn there(scale: &TargetScale, numbers: &mut [f64], table: &Table, target: &str) -> Result<(), Fault> {
    for (row, number) in numbers.iter_mut().enumerate() {
        let Some(found) = scale.there(*number) else {
            let position = positions(table.training())?.get(row).map_or(row as i64, |position| position);
            let message = format!(
                "the target `{target}` is {number} in row {} of the source, and `{}` takes {}",
                position + 1,
                scale.transform().name(),
                scale.transform().takes()
            );
            let fault = Fault::new("out-of-range", message).help("filter such rows, or take another transform");
            return Err(fault.within("target_transform"));
        };
        *number = found;
    }
    Ok(())
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
        let fault = fault.under(&Route::of(["steps", self.step, "model"]));
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
