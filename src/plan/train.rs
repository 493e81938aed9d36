//! A train step: its model decoded by name, its target and features looked up.

use super::cv::cv;
use super::decision::decision;
use super::ensemble;
use super::node::{Input, Plan, Target, Train, unfit};
use super::tune::{self, tune};
use crate::data::{Kind, Selector, Shape};
use crate::learn::{
    BROUGHT, Brought, CheckedModel, ENSEMBLE, Fusion, Model, ModelEntry, ModelVisitor, Task, ensemble_entry,
    find_model, models, with_model,
};
use crate::source::{Data, Fault, Node, Route, Segment, decode};
use crate::spec::{Roles, Spec, TargetSpec, TrainSpec, Weights};

/// Checks a train step. Faults have their routes from the step.
pub(super) fn train(
    spec: &TrainSpec,
    (input, shape): (Input, Option<&Shape>),
    pipeline: &Spec,
    plan: &Plan,
    faults: &mut Vec<Fault>,
) -> Option<Train> {
    let is_ensemble = spec.model == ENSEMBLE;
    let entry = match is_ensemble {
        true => Ok(ensemble_entry()),
        false if spec.brought => Ok(&BROUGHT),
        false => find_model(&spec.model),
    };
    let entry = entry.map_err(|fault| faults.push(fault.within("model"))).ok();
    let (model, fusion) = entry.map_or((None, None), |entry| learner(spec, entry, faults));
    let Some(target) = spec.target.as_ref().or(pipeline.target.as_ref()) else {
        let fault = Fault::new("no-target", "nothing says which column to predict");
        faults.push(fault.help("write `target: COLUMN` at the top of the file or in this step").within("train"));
        return None;
    };
    let mut kind = None;
    if let Some(shape) = shape {
        match shape.expect(&target.column) {
            Ok(found) => kind = Some(found),
            Err(fault) if spec.target.is_some() => faults.push(fault.within("target")),
            Err(fault) => faults.push(
                Fault {
                    message: format!("the target `{}` isn't among the columns of this table", target.column),
                    ..fault
                }
                .within("train"),
            ),
        }
    }
    let task = spec.task.or_else(|| kind.map(|kind| task_of(kind, target.positive.is_some())));
    if let Some(fault) = kind.and_then(|kind| unpredictable(kind, task, &target.column)) {
        faults.push(fault.within("train"));
    }
    let features = spec.features.clone().unwrap_or_else(Selector::all);
    if let Some(shape) = shape.filter(|_| !is_ensemble) {
        check_features(spec, entry, &features, shape, target, &pipeline.roles, faults);
    }
    let decision = decision(&spec.decision, task, &target.column, faults);
    let rule = spec.cv.as_ref().map(|rule| {
        let mut found = Vec::new();
        let rule = cv(rule, input, plan, &mut found);
        faults.extend(found.into_iter().map(|fault| fault.within("cv")));
        rule
    });
    let entry = entry?;
    if spec.update.is_some() && !entry.updates {
        faults.push(not_updated(entry).on_key().within("update"));
    } else if spec.update.is_some() && spec.tune.is_some() {
        let fault = Fault::new("bad-tune", "a model that goes on from the last one keeps its hyper-parameters");
        faults.push(fault.help("take `tune` or `update` away").on_key().within("tune"));
    }
    if let Some(task) = task.filter(|task| !entry.tasks.contains(task)) {
        let other = match task {
            Task::Classification => "has classes",
            Task::Regression => "has numbers",
        };
        let fault = Fault::new(
            "wrong-task",
            format!("`{}` does no {}, and the target `{}` {other}", entry.name, task.name(), target.column),
        );
        faults.push(fault.help("take a model of the other kind, or say `task:`").within("model"));
    }
    let searched = if is_ensemble { None } else { tune(&tune::Place { spec, input, task, plan }, entry, faults) };
    let (tune, model) = match searched {
        Some((tune, model)) => (Some(Box::new(tune)), model),
        None => (None, model?),
    };
    let mut train = Train {
        input,
        model_name: entry.name,
        model,
        target: Target { column: target.column.clone(), positive: target.positive.clone() },
        task,
        features,
        weights: spec.weights.clone(),
        cv: rule,
        decision,
        update: spec.update.map(|_| None),
        ensemble: None,
        brought: None,
        tune,
    };
    if let Some(fusion) = fusion {
        train.ensemble = Some(ensemble::ensemble(spec, fusion, input, &train, plan, faults)?);
    }
    Some(train)
}

fn not_updated(entry: &ModelEntry) -> Fault {
    let able = models().iter().filter(|entry| entry.updates).map(|entry| entry.name);
    Fault::new("no-update", format!("`{}` can't go on from what it learned before", entry.name))
        .help(format!("leave `update` out, or take one of {}", crate::source::list(able)))
}

/// What a target of that type asks for.
pub(super) fn task_of(kind: Kind, has_positive: bool) -> Task {
    if has_positive || kind == Kind::Bool || kind.is_string() { Task::Classification } else { Task::Regression }
}

fn unpredictable(kind: Kind, task: Option<Task>, column: &str) -> Option<Fault> {
    let fits = match task? {
        Task::Classification => kind != Kind::Text && !kind.is_temporal(),
        Task::Regression => kind.is_numeric() || kind == Kind::Bool,
    };
    (!fits).then(|| Fault::new("wrong-type", format!("the target `{column}` is {kind}, which can't be predicted")))
}

fn check_features(
    spec: &TrainSpec,
    entry: Option<&ModelEntry>,
    features: &Selector,
    shape: &Shape,
    target: &TargetSpec,
    roles: &Roles,
    faults: &mut Vec<Fault>,
) {
    if let Some(Weights::Column(column)) = &spec.weights {
        match shape.expect(column) {
            Ok(kind) if !kind.is_numeric() => {
                faults.push(
                    Fault::new("wrong-type", format!("`{column}` is {kind}, and weights are numbers"))
                        .within("weights"),
                );
            }
            Ok(_) => {}
            Err(fault) => faults.push(fault.help("say `balanced`, or name a column").within("weights")),
        }
    }
    let picked = match features.select(shape) {
        Ok(picked) => picked,
        Err(found) => {
            faults.extend(found.into_iter().map(|fault| fault.within("features")));
            return;
        }
    };
    for column in picked {
        if column == target.column {
            faults.push(
                features
                    .blame(
                        &column,
                        Fault::new(
                            "target-as-feature",
                            format!("`{column}` is what to predict, and can't be a feature"),
                        ),
                    )
                    .within("features"),
            );
            continue;
        }
        let role = roles.columns().find(|(_, name)| *name == column).map(|(role, _)| role);
        if role.is_some() || shape.guarded.contains(&column) {
            let what = match role {
                Some(role) => format!("`{column}` has the role `{role}`, and no model is trained on it"),
                None => format!("`{column}` is made from the target or a column that is held back"),
            };
            faults.push(features.blame(&column, Fault::new("held-back", what)).within("features"));
            continue;
        }
        let Some(fault) = entry
            .zip(shape.known(&column))
            .and_then(|(entry, kind)| unfit(entry.name, entry.categories, &column, kind))
        else {
            continue;
        };
        let place = if spec.features.is_some() { "features" } else { "train" };
        faults.push(if place == "features" { features.blame(&column, fault) } else { fault }.within(place));
    }
}

/// The model, and how it fuses others if it is an ensemble. None with a search: then `with` is checked beside the values
/// that are searched.
fn learner(
    spec: &TrainSpec,
    entry: &ModelEntry,
    faults: &mut Vec<Fault>,
) -> (Option<Box<dyn CheckedModel>>, Option<Fusion>) {
    if spec.brought {
        return (Some(Box::new(Brought {})), None);
    }
    if spec.model != ENSEMBLE {
        return (if spec.tune.is_none() { model(spec, entry, faults) } else { None }, None);
    }
    if spec.tune.is_some() {
        let fault = Fault::new("bad-tune", "an ensemble has no hyper-parameters to search");
        faults.push(fault.help("tune the models that it is made of").on_key().within("tune"));
    }
    match ensemble::fusion(spec.with.as_ref(), |fault| meant(fault, entry)) {
        Ok(fusion) => (Some(Box::new(fusion.clone())), Some(fusion)),
        Err(found) => {
            faults.extend(found.into_iter().map(|fault| fault.within("with")));
            (None, None)
        }
    }
}

fn model(spec: &TrainSpec, entry: &ModelEntry, faults: &mut Vec<Fault>) -> Option<Box<dyn CheckedModel>> {
    let nothing = Node::made(Data::Null, 0..0);
    let found = read_model(entry, spec.with.as_ref().unwrap_or(&nothing));
    found.map_err(|found| faults.extend(found.into_iter().map(|fault| fault.within("with")))).ok()
}

/// The model with hyper-parameters as they are written, or all that is wrong with them.
pub(super) fn read_model(entry: &ModelEntry, with: &Node) -> Result<Box<dyn CheckedModel>, Vec<Fault>> {
    let found = with_model(entry.name, Read { node: with }).expect("a model of the catalogue");
    found.map_err(|found| found.into_iter().map(|fault| meant(fault, entry)).collect())
}

struct Read<'a> {
    node: &'a Node,
}

impl ModelVisitor for Read<'_> {
    type Out = Result<Box<dyn CheckedModel>, Vec<Fault>>;

    fn visit<M: Model>(self) -> Self::Out {
        let mut faults = Vec::new();
        let params = decode::<M::Params>(self.node, &mut faults);
        match params.map(M::check) {
            Some(Ok(model)) => Ok(Box::new(model)),
            Some(Err(found)) => Err(found),
            None => Err(faults),
        }
    }
}

/// What scikit-learn and others call a hyper-parameter is the nearest name, however far its letters are.
fn meant(fault: Fault, entry: &ModelEntry) -> Fault {
    let Some(Segment::Key(key)) = fault.route.segments().last().cloned() else {
        return fault;
    };
    if fault.code != "unknown-key" || fault.route != Route::of([key.as_str()]) {
        return fault;
    }
    let lower = key.to_lowercase();
    let ours = entry.synonyms.iter().find(|(other, _)| *other == key || *other == lower).map(|(_, ours)| *ours);
    let ours = ours.or_else(|| entry.hyper.iter().map(|hyper| hyper.name).find(|name| *name == lower));
    let message = format!("`{}` has no hyper-parameter `{key}`", entry.name);
    let help = ours.map(|ours| format!("did you mean `{ours}`?"));
    Fault { message, ..fault }.maybe_help(help)
}
