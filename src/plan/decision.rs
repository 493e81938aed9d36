//! What is done with a model's answers: checked against its task.

use crate::learn::{Calibrate, Goal, Task, Transform};
use crate::source::Fault;
use crate::spec::{DecisionSpec, ThresholdSpec};

/// What is done with a model's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decision {
    /// How probabilities are calibrated.
    pub calibrate: Option<Calibrate>,
    /// From which probability on a row is called positive.
    pub threshold: Option<Threshold>,
    /// The scale on which the target is learned.
    pub transform: Option<Transform>,
}

impl Decision {
    /// Whether there is something to be done once the model is learned.
    pub fn follows(&self) -> bool {
        self.calibrate.is_some() || self.threshold.is_some()
    }

    /// Whether that is learned from rows that the model hasn't learned from.
    pub fn needs_held_out(&self) -> bool {
        self.calibrate.is_some() || matches!(self.threshold, Some(Threshold::Best(_)))
    }
}

/// From which probability on a row is called positive.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// This one.
    At(f64),
    /// The best of all.
    Best(Goal),
}

/// Checks what a train step says of its answers. Faults have their routes from the step.
pub(super) fn decision(spec: &DecisionSpec, task: Option<Task>, target: &str, faults: &mut Vec<Fault>) -> Decision {
    let only = |wanted: Task, key: &str, what: &str| {
        let other = task.filter(|task| *task != wanted)?;
        let has = if other == Task::Regression { "has numbers" } else { "has classes" };
        let message = format!("`{key}` is for {what}, and the target `{target}` {has}");
        Some(Fault::new("wrong-task", message).help("leave it out, or say `task:`").on_key().within(key))
    };
    if spec.calibrate.is_some() {
        faults.extend(only(Task::Classification, "calibrate", "probabilities"));
    }
    if spec.threshold.is_some() {
        faults.extend(only(Task::Classification, "threshold", "two classes"));
    }
    if spec.transform.is_some() {
        faults.extend(only(Task::Regression, "target_transform", "numbers"));
    }
    let threshold = spec.threshold.as_ref().and_then(|threshold| match threshold {
        ThresholdSpec::At(at) => Some(Threshold::At(*at)),
        ThresholdSpec::Cost { missed, alarm } => Some(Threshold::Best(Goal::Cost { missed: *missed, alarm: *alarm })),
        ThresholdSpec::Maximize(metric) => {
            let goal =
                Goal::maximize(metric).map_err(|fault| faults.push(fault.within("maximize").within("threshold")));
            Some(Threshold::Best(goal.ok()?))
        }
    });
    Decision { calibrate: spec.calibrate, threshold, transform: spec.transform }
}
