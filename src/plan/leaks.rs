//! What has seen the test rows: ops fitted before the split that an evaluation relies on, rows repeated before it, and
//! models that go on from one that had another split, or read their features by other means.

use std::collections::BTreeSet;

use super::node::{Input, Plan, Step, StepKind};
use super::op::OpNode;
use crate::source::{Fault, list};

/// A warning for each, and an error for rows that would be on both sides of a split.
pub(super) fn faults(plan: &Plan) -> Vec<Fault> {
    let mut warnings = repeated_before(plan);
    warnings.extend(fitted_before(plan));
    warnings.extend(plan.steps.iter().filter_map(|step| redrawn(plan, step)));
    warnings.extend(plan.steps.iter().filter_map(|step| shifted(plan, step)));
    warnings
}

/// The warning of a model that goes on from its last one, under a split that new rows draw anew.
fn redrawn(plan: &Plan, step: &Step) -> Option<Fault> {
    let StepKind::Train(train) = &step.kind else { return None };
    train.update.as_ref()?;
    let (_, steps) = plan.chain(train.input);
    let split = steps.iter().find_map(|step| plan.table(*step).and_then(|table| Some(&table.ops[table.split?])))?;
    let how = split.op.canonical();
    if ["hash", "time", "column"].iter().any(|key| !how[*key].is_null()) {
        return None;
    }
    let message = "the split draws its parts anew as data grows: the model before may have learned today's test rows";
    let fault = Fault::warning("leak", message).help("split by `hash`, `time` or `column`: then a row keeps its part");
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
        Fault::new("leak", message).help(format!("put `{name}` behind `split`")).on_key().under(&node.route)
    };
    found.into_iter().map(fault).collect()
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
    let fault = Fault::warning("features-shift", message).help(help);
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
                "leak",
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
