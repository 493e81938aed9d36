//! A deploy step: what it registers.

use super::evaluate::metric;
use super::node::{Deploy, Plan, StepKind};
use super::request::kept_from_onnx;
use crate::data::Part;
use crate::source::{Fault, suggest};
use crate::spec::{DeploySpec, TargetKind};

/// Checks a deploy step. Faults have their routes from the step.
pub(super) fn deploy(spec: &DeploySpec, plan: &Plan, faults: &mut Vec<Fault>) -> Option<Deploy> {
    let step = plan.step(&spec.step);
    let fits = |kind: &StepKind| matches!(kind, StepKind::Train(_) | StepKind::Evaluate(_));
    match step.map(|step| &plan.steps[step].kind) {
        Some(StepKind::Evaluate(evaluate)) if evaluate.models.len() > 1 && evaluate.best.is_none() => {
            let fault =
                Fault::new("no-best", format!("`{}` compares models, and nothing says which one wins", spec.step));
            faults.push(fault.help(format!("write `best: METRIC` in `{}`", spec.step)).within("deploy"));
        }
        Some(kind) if fits(kind) => {}
        Some(_) => {
            let models = plan.steps.iter().filter(|step| fits(&step.kind)).map(|step| step.name.as_str());
            let fault =
                Fault::new("not-a-model", format!("`{}` is a table, and only a model can be deployed", spec.step));
            faults.push(fault.maybe_help(suggest(&spec.step, models)).within("deploy"));
            return None;
        }
        None if plan.sources.iter().any(|source| source.spec.name == spec.step) => {
            faults.push(
                Fault::new("not-a-model", format!("`{}` is a source, and only a model can be deployed", spec.step))
                    .within("deploy"),
            );
        }
        None => {}
    }
    if let Some(kind) = step.map(|step| &plan.steps[step].kind).filter(|_| spec.refit.is_some()) {
        faults.extend(unparted(kind, plan));
    }
    if spec.targets.iter().any(|target| matches!(target, TargetKind::Onnx { .. })) {
        let models = match step.map(|step| &plan.steps[step].kind) {
            Some(StepKind::Evaluate(evaluate)) => evaluate.models.clone(),
            _ => step.into_iter().collect(),
        };
        faults.extend(kept_from_onnx(plan, &models).map(|fault| fault.within("to")));
    }
    let twin = plan.steps.iter().find_map(|step| match &step.kind {
        StepKind::Deploy(other) if other.name == spec.name && other.alias == spec.alias => Some(&step.name),
        _ => None,
    });
    if let Some(twin) = twin {
        let message = format!("`{}` ({}) is deployed by `{twin}` already", spec.name, spec.alias);
        faults.push(Fault::new("deployed-twice", message).help("give it another `as` or `alias`").within("as"));
    }
    let step = step?;
    let on = match &plan.steps[step].kind {
        StepKind::Evaluate(evaluate) => evaluate.on.part().unwrap_or(Part::Test),
        _ => Part::Test,
    };
    promotion(spec, plan, step, on, faults);
    Some(Deploy {
        step,
        name: spec.name.clone(),
        alias: spec.alias.clone(),
        promote_if: spec.promote_if.clone(),
        on,
        refit: spec.refit.is_some(),
        targets: spec.targets.clone(),
    })
}

/// The metrics judge what the models predict, and there are rows to judge on.
fn promotion(spec: &DeploySpec, plan: &Plan, step: usize, on: Part, faults: &mut Vec<Fault>) {
    let train = match &plan.steps[step].kind {
        StepKind::Train(train) => train,
        StepKind::Evaluate(evaluate) => super::evaluate::train(plan, evaluate.models[0]),
        _ => return,
    };
    for bound in &spec.promote_if {
        if let Err(fault) = metric(&bound.metric, train.task) {
            faults.push(fault.on_key().within(&bound.metric).within("promote_if"));
        }
    }
    let (_, steps) = plan.chain(train.input);
    let tables = steps.into_iter().filter_map(|step| plan.table(step));
    let makes = tables.filter_map(|table| Some(table.ops[table.split?].op.makes(on))).next();
    if !spec.promote_if.is_empty() && makes != Some(true) {
        let message = format!("there is no {on} part to compare the model with the `{}` on", spec.alias);
        let fault = Fault::new("no-part", message).help("put `split: {test: 0.25}` among the ops before training");
        faults.push(fault.on_key().within("promote_if"));
    }
}

/// Where nothing splits the rows, a model has learned from all of them already.
fn unparted(kind: &StepKind, plan: &Plan) -> Option<Fault> {
    let train = match kind {
        StepKind::Train(train) => train,
        StepKind::Evaluate(evaluate) => super::evaluate::train(plan, *evaluate.models.first()?),
        _ => return None,
    };
    let (_, steps) = plan.chain(train.input);
    let is_split = steps.into_iter().any(|step| plan.table(step).is_some_and(|table| table.split.is_some()));
    let fault = Fault::new("no-part", "nothing splits the rows: the model has learned from all of them already");
    (!is_split).then(|| fault.help("leave `refit` out").on_key().within("refit"))
}
