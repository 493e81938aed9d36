//! An evaluate step: its models compared on one part of one split, by metrics that fit their task.

use std::collections::BTreeSet;

use super::node::{Evaluate, Input, On, Plan, StepKind, Train};
use crate::data::Part;
use crate::learn::{Task, find_metric, metrics};
use crate::ops::Entry;
use crate::recipe::offspring;
use crate::source::{Fault, Route, suggest};
use crate::spec::{EvaluateSpec, Over};

/// How it is told which columns matter to a model: by shuffling their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Importance {
    /// How often.
    pub repeats: usize,
    /// The metric whose loss is told.
    pub metric: &'static str,
}

/// Checks an evaluate step. Faults have their routes from the step.
pub(super) fn evaluate(spec: &EvaluateSpec, plan: &Plan, faults: &mut Vec<Fault>) -> Option<Evaluate> {
    let models = models(spec, plan, faults);
    let trains: Vec<&Train> = models.iter().flatten().map(|model| train(plan, *model)).collect();
    let task = trains.iter().find_map(|train| train.task);
    let names =
        if spec.metrics.is_empty() { defaults(task) } else { spec.metrics.iter().map(String::as_str).collect() };
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match metric(name, task) {
            Ok(name) => found.push(name),
            Err(fault) => faults.push(fault.under(&Route::of(["metrics"]).index(index))),
        }
    }
    let best = spec
        .best
        .as_ref()
        .and_then(|name| computed(name, &found, task).map_err(|fault| faults.push(fault.within("best"))).ok());
    for gate in &spec.gates {
        let at = |fault: Fault| fault.on_key().within(&gate.name()).within("require");
        // Rows that ops refused have no slice.
        let is_coverage = gate.metric == "coverage" && gate.over == Over::Rows;
        if !is_coverage && let Err(fault) = computed(&gate.metric, &found, task) {
            faults.push(at(fault));
        }
        if gate.over != Over::Rows && spec.slices.is_empty() {
            let fault = Fault::new("no-slices", format!("`{}` is over slices, and there are none", gate.name()));
            faults.push(at(fault.help("say by which columns: `slices: [island]`")));
        }
    }
    let importance = spec.importance.as_ref().and_then(|asked| {
        let metric = match &asked.metric {
            Some(name) => {
                let fault = |fault: Fault| fault.within("metric").within("importance");
                computed(name, &found, task).map_err(|found| faults.push(fault(found))).ok()
            }
            None => best.or(found.first().copied()),
        };
        metric.map(|metric| Importance { repeats: asked.repeats, metric })
    });
    let models = models?;
    let on = on(spec, plan, faults)?;
    comparable(spec, plan, &trains, on, faults);
    if models.len() > 1 && spec.best.is_none() && !spec.gates.is_empty() {
        let fault = Fault::new("no-best", "`require` judges the winner, and nothing says which model wins");
        faults.push(fault.help("write `best: METRIC`").on_key().within("require"));
    }
    let slices = spec
        .slices
        .iter()
        .enumerate()
        .filter_map(|(index, column)| {
            let found = match on {
                On::Part(_) => slice(column, plan, trains[0]),
                On::Table(input) => slice_of(column, plan, input),
            };
            found.map_err(|fault| faults.push(fault.under(&Route::of(["slices"]).index(index)))).ok()
        })
        .collect();
    // Of models of which some are no part of this run, the others are compared.
    let (part, rest): (Vec<usize>, Vec<usize>) = models.into_iter().partition(|model| plan.steps[*model].off.is_none());
    let models = if part.is_empty() { rest } else { part };
    Some(Evaluate { models, on, metrics: found, best, slices, importance, gates: spec.gates.clone() })
}

/// The train step at a place that is one.
pub(super) fn train(plan: &Plan, step: usize) -> &Train {
    match &plan.steps[step].kind {
        StepKind::Train(train) => train,
        _ => unreachable!("an evaluate step names train steps"),
    }
}

fn models(spec: &EvaluateSpec, plan: &Plan, faults: &mut Vec<Fault>) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for (index, name) in spec.models.iter().enumerate() {
        let route = Route::of(["evaluate"]).index(index);
        match plan.step(name).map(|step| (step, &plan.steps[step].kind)) {
            Some((step, StepKind::Train(_))) if found.contains(&step) => {
                faults.push(Fault::new("duplicate-name", format!("`{name}` is named twice")).under(&route));
            }
            Some((step, StepKind::Train(_))) => found.push(step),
            Some(_) => {
                let trained = plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Train(_)));
                let help = suggest(name, trained.map(|step| step.name.as_str()));
                faults.push(
                    Fault::new("not-a-model", format!("`{name}` trains no model")).maybe_help(help).under(&route),
                );
            }
            // A source, or a step whose own mistakes are told already.
            None if plan.sources.iter().any(|source| source.spec.name == *name) => {
                faults.push(Fault::new("not-a-model", format!("`{name}` is a source, not a model")).under(&route));
            }
            None => {}
        }
    }
    if spec.models.is_empty() {
        faults.push(Fault::new("missing-field", "there is no model to evaluate").within("evaluate"));
    }
    (found.len() == spec.models.len() && !found.is_empty()).then_some(found)
}

/// The part or the table that models are judged on.
fn on(spec: &EvaluateSpec, plan: &Plan, faults: &mut Vec<Fault>) -> Option<On> {
    let Some(name) = spec.table() else {
        let part = spec.on.as_deref().and_then(Part::named);
        return Some(On::Part(part.unwrap_or(Part::Test)));
    };
    let input = match plan.step(name) {
        Some(step) => Input::Step(step),
        // A name that leads nowhere has told its mistake.
        None => return plan.source(name).map(|source| On::Table(Input::Source(source))),
    };
    let Input::Step(step) = input else { return None };
    let wrong = match plan.table(step) {
        None => Some(format!("`{name}` is no table, and models are judged on rows")),
        Some(table) if table.is_split => Some(format!("`{name}` is split, and all rows of another table are judged")),
        Some(_) => None,
    };
    match wrong {
        Some(message) => {
            let fault = Fault::new("wrong-on", message);
            faults.push(
                fault.help("name `test`, `validation`, `train`, a source, or a table without a split").within("on"),
            );
            None
        }
        None => Some(On::Table(input)),
    }
}

/// One task, one target, one split, and a part to judge on.
fn comparable(spec: &EvaluateSpec, plan: &Plan, trains: &[&Train], on: On, faults: &mut Vec<Fault>) {
    let split = |train: &Train| {
        let (_, steps) = plan.chain(train.input);
        steps.into_iter().find(|step| plan.table(*step).is_some_and(|table| table.split.is_some()))
    };
    let first = split(trains[0]);
    for (index, train) in trains.iter().enumerate().skip(1) {
        let message = if train.target != trains[0].target {
            Some("predicts another target than the first model")
        } else if split(train) != first {
            Some("learned from another split than the first model, so their scores can't be compared")
        } else {
            None
        };
        if let Some(message) = message {
            let fault = Fault::new("not-comparable", format!("`{}` {message}", spec.models[index]));
            faults.push(
                fault
                    .help("let all models learn from tables after one split")
                    .under(&Route::of(["evaluate"]).index(index)),
            );
        }
    }
    let On::Part(on) = on else { return };
    let makes = first.and_then(|step| {
        let table = plan.table(step)?;
        Some(table.ops[table.split?].op.makes(on))
    });
    if makes != Some(true) {
        let message = match makes {
            None => format!("there is no {on} part to judge on: nothing splits the rows"),
            _ => format!("there is no {on} part to judge on: the split doesn't make one"),
        };
        let help = "put `split: {test: 0.25}` among the ops before training";
        faults.push(Fault::new("no-part", message).help(help).within(if spec.on.is_some() {
            "on"
        } else {
            "evaluate"
        }));
    }
}

fn defaults(task: Option<Task>) -> Vec<&'static str> {
    match task {
        Some(Task::Regression) => vec!["rmse", "mae", "r2"],
        _ => vec!["accuracy", "f1", "log_loss"],
    }
}

/// The metric of that name, if it judges the task.
pub(super) fn metric(name: &str, task: Option<Task>) -> Result<&'static str, Fault> {
    let entry = find_metric(name)?;
    if let Some(task) = task.filter(|task| *task != entry.task) {
        let known = metrics().iter().filter(|other| other.task == task).map(|other| other.name);
        return Err(Fault::new(
            "wrong-metric",
            format!("`{name}` judges {}, and this is {}", entry.task.name(), task.name()),
        )
        .help(format!("there is {}", crate::source::list(known))));
    }
    Ok(entry.name)
}

fn computed(name: &str, computed: &[&'static str], task: Option<Task>) -> Result<&'static str, Fault> {
    if let Some(found) = computed.iter().find(|other| **other == name) {
        return Ok(found);
    }
    metric(name, task)?;
    Err(Fault::new("metric-not-computed", format!("`{name}` isn't computed here"))
        .help(format!("add it: `metrics: [{}, {name}]`", computed.join(", "))))
}

/// Where on the way a column is given other values by an op that learns (save by filling its gaps): it is scaled, say.
fn first_rewriting(column: &str, plan: &Plan, source: usize, tables: &[Input]) -> usize {
    let Some(mut shape) = plan.sources[source].shape.clone() else {
        return tables.len();
    };
    for (place, input) in tables.iter().enumerate() {
        let Input::Step(step) = input else { continue };
        for node in &plan.table(*step).expect("a chain is of tables").ops {
            let mut faults = Vec::new();
            node.op.shape(&shape, None, &mut faults);
            if !faults.is_empty() {
                // It has told its own mistakes, and what it would do can't be told.
                return tables.len();
            }
            let learned = node.op.placeholder(&shape);
            let steps = node.op.lower(&learned, &shape).unwrap_or_default();
            let from = BTreeSet::from([column.to_owned()]);
            let rewrites = shape.known(column).is_some() && offspring(&steps, &from).contains(column);
            if rewrites && node.op.learns() && node.op.name() != "fill_missing" {
                return place;
            }
            shape = node.op.shape(&shape, Some(&learned), &mut Vec::new());
        }
    }
    tables.len()
}

/// A column of the table that is judged.
fn slice_of(column: &str, plan: &Plan, input: Input) -> Result<(String, Input), Fault> {
    let shape = match input {
        Input::Source(source) => plan.sources[source].shape.as_ref(),
        Input::Step(step) => plan.table(step).and_then(|table| table.shape.as_ref()),
    };
    match shape {
        Some(shape) if shape.known(column).is_none() => Err(shape.unknown(column)),
        _ => Ok((column.to_owned(), input)),
    }
}

/// The last table on the way to the model that has the column, so that its values are those before encoding.
fn slice(column: &str, plan: &Plan, train: &Train) -> Result<(String, Input), Fault> {
    let (source, steps) = plan.chain(train.input);
    let mut tables: Vec<Input> = steps.into_iter().map(Input::Step).collect();
    tables.insert(0, Input::Source(source));
    let shape = |input: &Input| match input {
        Input::Source(source) => plan.sources[*source].shape.as_ref(),
        Input::Step(step) => plan.table(*step).and_then(|table| table.shape.as_ref()),
    };
    // Before a table whose rows a request begins with, rows were others.
    let begins = |input: &Input| match input {
        Input::Source(_) => false,
        Input::Step(step) => plan.table(*step).expect("a table").ops.iter().any(|node| node.op.entry() == Entry::All),
    };
    let first = tables.iter().rposition(begins).unwrap_or(0);
    let before = first_rewriting(column, plan, source, &tables);
    let last = tables[first.min(before)..before]
        .iter()
        .rev()
        .find(|input| shape(input).is_none_or(|shape| shape.known(column).is_some()));
    if let Some(input) = last {
        return Ok((column.to_owned(), *input));
    }
    let known: BTreeSet<&str> = tables.iter().filter_map(shape).flat_map(|shape| shape.names()).collect();
    Err(Fault::new("unknown-column", format!("no table on the way to the models has a column `{column}`"))
        .maybe_help(suggest(column, known)))
}
