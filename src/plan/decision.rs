//! What is done with a model's answers: checked against its task.

use super::node::{Decision, Threshold};
use crate::learn::{Goal, Task};
use crate::source::Fault;
use crate::spec::{DecisionSpec, ThresholdSpec};

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
