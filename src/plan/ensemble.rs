//! An ensemble: its members looked up, and whether they go together.

use super::node::{Input, Plan, StepKind, Train};
use crate::data::{Selector, Shape};
use crate::learn::{Fusion, FusionParams, Task, ensemble_entry};
use crate::source::{Data, Fault, Node, Route, decode, suggest};
use crate::spec::TrainSpec;

/// Several models as one.
pub struct Ensemble {
    /// The members' train steps, in the order they are named.
    pub members: Vec<usize>,
    /// How their answers become one.
    pub fusion: Fusion,
    /// What each member reads: the columns that it picks of, and the one among them that says how much rows count.
    pub(super) reads: Vec<(Selector, Option<String>)>,
}

impl Ensemble {
    /// The columns that its members learn from, in the table's order.
    pub(super) fn picks(&self, shape: &Shape, target: &str) -> Result<Vec<String>, Fault> {
        let mut picked = std::collections::HashSet::new();
        for (features, weight) in &self.reads {
            let of_member = features.resolve(shape)?;
            picked.extend(of_member.into_iter().filter(|name| name != target && Some(name) != weight.as_ref()));
        }
        Ok(shape.names().filter(|name| picked.contains(*name)).map(str::to_owned).collect())
    }
}

/// Reads and checks the hyper-parameters. Faults have their routes from `with`.
pub(super) fn fusion(with: Option<&Node>, meant: impl Fn(Fault) -> Fault) -> Result<Fusion, Vec<Fault>> {
    let nothing = Node::made(Data::Map(Vec::new()), 0..0);
    let mut faults = Vec::new();
    match decode::<FusionParams>(with.unwrap_or(&nothing), &mut faults).as_ref().map(Fusion::check) {
        Some(Ok(fusion)) => Ok(fusion),
        Some(Err(found)) => Err(found),
        None => Err(faults.into_iter().map(&meant).map(explained).collect()),
    }
}

/// An ensemble without members is told what they are.
fn explained(fault: Fault) -> Fault {
    if fault.code == "missing-field" {
        fault.help(format!("write `with: {}`", ensemble_entry().example))
    } else {
        fault
    }
}

/// Looks the members up. Faults have their routes from the step.
pub(super) fn ensemble(
    spec: &TrainSpec,
    fusion: Fusion,
    input: Input,
    train: &Train,
    plan: &Plan,
    faults: &mut Vec<Fault>,
) -> Option<Ensemble> {
    let before = faults.len();
    if let Some(fault) = train.task.and_then(|task| fusion.unfit(task)) {
        faults.push(fault.within("with"));
    }
    for (key, said) in [("features", spec.features.is_some()), ("weights", spec.weights.is_some())] {
        if said {
            let message = format!("an ensemble has no `{key}`: its members have their own");
            faults.push(Fault::new("no-meaning", message).help("say it in the members").on_key().within(key));
        }
    }
    let mut members = Vec::new();
    for (index, name) in &spec.members {
        let route = Route::of(["with", "of"]).index(*index);
        let fault = match plan.step(name).map(|step| (step, &plan.steps[step].kind)) {
            Some((step, _)) if members.contains(&step) => {
                Some(Fault::new("duplicate-name", format!("`{name}` is named twice")))
            }
            Some((step, StepKind::Train(member))) => {
                members.push(step);
                apart(name, member, input, train)
            }
            Some(_) => {
                let trained = plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Train(_)));
                let help = suggest(name, trained.map(|step| step.name.as_str()));
                Some(Fault::new("not-a-model", format!("`{name}` trains no model")).maybe_help(help))
            }
            None if plan.source(name).is_some() => {
                Some(Fault::new("not-a-model", format!("`{name}` is a source, not a model")))
            }
            // A step that isn't in the plan has told its own mistakes.
            None => return None,
        };
        faults.extend(fault.map(|fault| fault.under(&route)));
    }
    if faults.len() > before {
        return None;
    }
    let reads = members.iter().flat_map(|member| super::evaluate::train(plan, *member).reads()).collect();
    Some(Ensemble { members, fusion, reads })
}

/// Why a model can't be a member, if it can't.
fn apart(name: &str, member: &Train, input: Input, train: &Train) -> Option<Fault> {
    if member.input != input {
        let message = format!("`{name}` learns from another table than this ensemble");
        return Some(Fault::new("not-comparable", message).help("let all of them `train` on one table"));
    }
    if member.target != train.target {
        let message =
            format!("`{name}` predicts `{}`, and this ensemble `{}`", member.target.column, train.target.column);
        return Some(Fault::new("not-comparable", message).help("let all of them have one `target`"));
    }
    if member.task != train.task {
        let does = |task: Option<Task>| task.map_or("what the data says", Task::name);
        let message = format!("`{name}` does {}, and this ensemble {}", does(member.task), does(train.task));
        return Some(Fault::new("not-comparable", message).help("let all of them have one `task`"));
    }
    None
}
