//! What has seen the test rows: ops fitted before the split that an evaluation relies on, rows repeated before it, groups and
//! times that the split tears apart, what the target is made of, and models that go on from one that had another split, or read
//! their features by other means.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::node::{Input, On, Plan, Step, StepKind, Train};
use super::op::OpNode;
use crate::source::{Fault, Severity, list};

/// A warning for each, and an error for rows that would be on both sides of a split.
pub(super) fn faults(plan: &Plan) -> Vec<Fault> {
    let mut warnings = repeated_before(plan);
    warnings.extend(fitted_before(plan));
    warnings.extend(torn(plan));
    warnings.extend(looked_back(plan));
    warnings.extend(plan.steps.iter().filter_map(|step| remade(plan, step)));
    warnings.extend(plan.steps.iter().filter_map(|step| redrawn(plan, step)));
    warnings.extend(plan.steps.iter().filter_map(|step| shifted(plan, step)));
    warnings.retain(|warning| !plan.accepts(warning));
    warnings
}

/// The warning of a model that goes on from its last one, under a split that new rows draw anew.
fn redrawn(plan: &Plan, step: &Step) -> Option<Fault> {
    let StepKind::Train(train) = &step.kind else { return None };
    train.update.as_ref()?;
    let how = plan.split_of(train.input)?.op.canonical();
    if ["hash", "time", "column"].iter().any(|key| !how[*key].is_null()) {
        return None;
    }
    let message = "the split draws its parts anew as data grows: the model before may have learned today's test rows";
    let fault =
        Fault::warning("leak-redrawn", message).help("split by `hash`, `time` or `column`: then a row keeps its part");
    Some(fault.on_key().under(&step.route().key("update")))
}

/// An error for each op before a split that repeats rows.
fn repeated_before(plan: &Plan) -> Vec<Fault> {
    let mut found = BTreeSet::new();
    for (at, _) in
        plan.steps.iter().enumerate().filter(|(at, _)| plan.table(*at).is_some_and(|own| own.split.is_some()))
    {
        let (_, steps) = plan.chain(Input::Step(at));
        found.extend(ops_before_split(plan, &steps).filter(|(step, op)| node(plan, *step, *op).op.repeats_rows()));
    }
    let fault = |(step, op): (usize, usize)| {
        let node = node(plan, step, op);
        let name = node.op.name();
        let message = format!("`{name}` stands before the split, which would put copies of one row on both sides");
        Fault::new("leak-repeated", message).help(format!("put `{name}` behind `split`")).on_key().under(&node.route)
    };
    found.into_iter().map(fault).collect()
}

impl Plan {
    /// Whether the step that a warning points at says that it is meant.
    pub fn accepts(&self, warning: &Fault) -> bool {
        let holds = |step: &Step| warning.route.segments().starts_with(step.route().segments());
        warning.severity == Severity::Warning
            && self.steps.iter().any(|step| holds(step) && step.accept.iter().any(|code| code == warning.code))
    }

    /// The split that a table's rows have passed, if they have passed one.
    pub fn split_of(&self, input: Input) -> Option<&OpNode> {
        split_before(self, input).map(|(step, op)| node(self, step, op))
    }
}

/// Its step, and its place among the ops.
fn split_before(plan: &Plan, input: Input) -> Option<(usize, usize)> {
    let (_, steps) = plan.chain(input);
    steps.iter().find_map(|step| Some((*step, plan.table(*step)?.split?)))
}

/// The models that an evaluation judges on a part of their own table.
fn judged(plan: &Plan) -> impl Iterator<Item = &Train> {
    let evaluations = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Evaluate(evaluate) if matches!(evaluate.on, On::Part(_)) => Some(evaluate),
        _ => None,
    });
    evaluations.flat_map(|evaluate| &evaluate.models).map(|model| super::evaluate::train(plan, *model))
}

/// A warning for each group and each time that a drawn split tears apart. One by a column is judged by its rows, when they
/// are read.
fn torn(plan: &Plan) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for train in judged(plan) {
        let Some(split) = split_before(plan, train.input) else { continue };
        let op = node(plan, split.0, split.1);
        let how = op.op.canonical();
        let by = |key: &str| how[key].as_str();
        if by("column").is_some() || by("time").is_some() {
            continue;
        }
        let at = |fault: Fault| fault.on_key().under(&op.route);
        let group = train.cv.as_ref().and_then(|cv| cv.group.as_ref()).or(plan.roles.group.as_ref());
        let whole = by("group").or(by("hash"));
        if let Some(group) = group.filter(|group| whole != Some(group) && told.insert((split, *group))) {
            let message = format!("rows of one `{group}` belong together, and the split puts them on both sides");
            let help = format!("split by it: `split: {{test: 0.25, group: {group}}}`");
            found.push(at(Fault::warning("leak-group", message).help(help)));
        }
        let Some(time) = plan.roles.time.as_ref().filter(|_| by("group").is_none()) else { continue };
        if told.insert((split, time)) {
            let message = format!(
                "the split is drawn without regard to `{time}`: models learn from rows later than those they are judged on"
            );
            let help = format!("judge them on the latest rows: `split: {{test: 0.25, time: {time}}}`");
            found.push(at(Fault::warning("leak-time", message).help(help)));
        }
    }
    found
}

/// A warning for each op that looks back at the target, where a split is drawn without regard to time: a train row then holds
/// the answer of a test row before it.
fn looked_back(plan: &Plan) -> Vec<Fault> {
    let mut found = BTreeMap::new();
    for train in judged(plan) {
        let Some(split) = plan.split_of(train.input) else { continue };
        let how = split.op.canonical();
        if ["time", "column"].iter().any(|key| !how[*key].is_null()) {
            continue;
        }
        let target = &train.target.column;
        let (_, steps) = plan.chain(train.input);
        let ops = steps.iter().filter_map(|step| plan.table(*step)).flat_map(|table| &table.ops);
        for op in ops.filter(|op| matches!(op.op.name(), "lag" | "rolling")) {
            let said = op.op.canonical();
            if !mentions(&said["columns"], target) {
                continue;
            }
            // A past that the split keeps whole stays on its side.
            let whole = ["group", "hash"].iter().filter_map(|key| how[*key].as_str()).next();
            if whole.is_some_and(|column| mentions(&said["partition_by"], column)) {
                continue;
            }
            let message =
                format!("`{}` of `{target}` puts answers of test rows into train rows after them", op.op.name());
            let time = said["order_by"].as_str().unwrap_or("TIME");
            let help = format!("judge on the latest rows: `split: {{test: 0.25, time: {time}}}`");
            let fault = Fault::warning("leak-lag", message).help(help);
            found.insert(op.route.clone(), fault.on_key().under(&op.route));
        }
    }
    found.into_values().collect()
}

/// Whether a selector, as it is written, names a column.
fn mentions(selector: &Json, column: &str) -> bool {
    match selector {
        Json::String(name) => name == column,
        Json::Array(names) => names.iter().any(|name| name == column),
        Json::Object(names) => names.contains_key(column),
        _ => false,
    }
}

/// The warning of a model that reads all that its target is made of.
fn remade(plan: &Plan, step: &Step) -> Option<Fault> {
    let StepKind::Train(train) = &step.kind else { return None };
    let Input::Step(table) = train.input else { return None };
    let read: BTreeSet<String> = train.picks(plan.table(table)?.shape.as_ref()?).ok()?.into_iter().collect();
    let (_, steps) = plan.chain(train.input);
    let ops = steps.iter().filter_map(|step| plan.table(*step)).flat_map(|table| &table.ops);
    let target = &train.target.column;
    let made = ops.flat_map(|op| op.op.derives()).rfind(|(name, _)| name == target);
    let (_, from) = made.filter(|(_, from)| !from.is_empty() && from.is_subset(&read))?;
    let from = list(from.iter().map(String::as_str));
    let fault = Fault::warning("leak-target", format!("`{target}` is made of {from}, which the model reads"));
    let help = format!("leave what isn't known beforehand out: `features: {{except: [{}]}}`", from.replace('`', ""));
    Some(fault.help(help).on_key().under(&step.route()))
}

/// The warning of a model that keeps sums of its features from run to run, while ops fit those to the rows of each.
fn shifted(plan: &Plan, step: &Step) -> Option<Fault> {
    let StepKind::Train(train) = &step.kind else { return None };
    if train.update.is_none() || !train.model.remembers() {
        return None;
    }
    let (_, steps) = plan.chain(train.input);
    let ops = steps.iter().filter_map(|step| plan.table(*step)).flat_map(|table| &table.ops);
    let names: BTreeSet<&str> = ops.filter(|node| node.op.learns()).map(|node| node.op.name()).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("the model before has read its features as {} had learned them then", list(names));
    let help = "where that changes with the rows, let ops that learn nothing make the features, as `derive`";
    let fault = Fault::warning("leak-shift", message).help(help);
    Some(fault.on_key().under(&step.route().key("update")))
}

/// A warning for each fitted op before a split.
fn fitted_before(plan: &Plan) -> Vec<Fault> {
    let mut relied = BTreeSet::new();
    for step in &plan.steps {
        let StepKind::Evaluate(evaluate) = &step.kind else { continue };
        for model in &evaluate.models {
            relied.extend(before_split(plan, *model));
        }
    }
    relied
        .into_iter()
        .map(|(step, op)| {
            let node = node(plan, step, op);
            let name = node.op.name();
            Fault::warning(
                "leak-fitted",
                format!("`{name}` learns from all rows, the test rows too: an evaluation relies on a split after it"),
            )
            .help(format!("put `split` before `{name}`"))
            .on_key()
            .under(&node.route)
        })
        .collect()
}

/// Each fitted op before the split on the way to a model.
fn before_split(plan: &Plan, model: usize) -> Vec<(usize, usize)> {
    let (_, steps) = plan.chain(super::evaluate::train(plan, model).input);
    let fitted = |(step, op): &(usize, usize)| {
        let op = &node(plan, *step, *op).op;
        op.learns() && !op.repeats_rows()
    };
    ops_before_split(plan, &steps).filter(fitted).collect()
}

/// Each op before the split on a chain of tables; none if nothing splits the rows.
fn ops_before_split<'a>(plan: &'a Plan, steps: &'a [usize]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let at = steps.iter().position(|step| plan.table(*step).is_some_and(|table| table.split.is_some()));
    steps[..at.map_or(0, |at| at + 1)].iter().flat_map(|step| {
        let table = plan.table(*step).expect("a table");
        (0..table.split.unwrap_or(table.ops.len())).map(|op| (*step, op))
    })
}

fn node(plan: &Plan, step: usize, op: usize) -> &OpNode {
    &plan.table(step).expect("a table").ops[op]
}
