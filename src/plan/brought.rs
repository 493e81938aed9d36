//! A model that a program leaves: what it reads and predicts is checked as if it were trained here.

use serde_json::Value as Json;

use super::build::start;
use super::node::{Plan, StepKind, Train};
use super::train::train;
use crate::learn::Task;
use crate::source::{Fault, Route, Segment};
use crate::spec::{BroughtSpec, Spec};

/// A model that a program brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Brought {
    /// The step that runs the program.
    pub step: usize,
    /// Its output.
    pub output: String,
    /// The classes, in the order of the model's probabilities; none if nothing was said.
    pub classes: Vec<Json>,
}

impl StepKind {
    /// Where a model comes from, if a program brings it.
    pub fn brought(&self) -> Option<&Brought> {
        match self {
            StepKind::Train(train) => train.brought.as_ref(),
            _ => None,
        }
    }
}

/// Checks a model of a program. Faults have their routes from the output.
pub(super) fn brought(spec: &BroughtSpec, plan: &Plan, pipeline: &Spec, faults: &mut Vec<Fault>) -> Option<Train> {
    let mut found = Vec::new();
    let made = start(&spec.train.table, "train", plan, &mut found)
        .and_then(|(input, shape, _)| train(&spec.train, (input, shape), pipeline, plan, &mut found));
    faults.extend(found.into_iter().map(placed));
    let made = made?;
    if made.task == Some(Task::Regression) && !spec.classes.is_empty() {
        let message = format!("the target `{}` has numbers, and no classes", made.target.column);
        faults.push(Fault::new("wrong-task", message).help("leave `classes` out").within("classes"));
    }
    if made.task == Some(Task::Classification) && spec.classes.len() == 1 {
        let fault = Fault::new("out-of-range", "a model tells at least two classes apart");
        faults.push(fault.help("name all of them, in the order of its probabilities").within("classes"));
    }
    let (output, classes) = (spec.output.clone(), spec.classes.clone());
    Some(Train { brought: Some(Brought { step: plan.step(&spec.program)?, output, classes }), ..made })
}

/// What is said under `train` in a train step is said under `input` here.
fn placed(mut fault: Fault) -> Fault {
    if fault.route.segments().first() == Some(&Segment::Key("train".to_owned())) {
        fault.route = Route::of(["input"]);
    }
    fault
}
