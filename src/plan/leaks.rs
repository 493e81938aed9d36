//! What has seen the test rows: ops fitted before the split that an evaluation relies on, and models that go on from one
//! that had another split.

use std::collections::BTreeSet;

use super::node::{Plan, Step, StepKind};
use crate::source::Fault;

/// A warning for each.
pub(super) fn warnings(plan: &Plan) -> Vec<Fault> {
    let mut warnings = fitted_before(plan);
    warnings.extend(plan.steps.iter().filter_map(|step| redrawn(plan, step)));
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
            let node = &plan.table(step).expect("a table").ops[op];
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
    let Some(at) = steps.iter().position(|step| plan.table(*step).is_some_and(|table| table.split.is_some())) else {
        return Vec::new();
    };
    steps[..=at]
        .iter()
        .flat_map(|step| {
            let table = plan.table(*step).expect("a table");
            let until = table.split.unwrap_or(table.ops.len());
            table.ops[..until].iter().enumerate().filter(|(_, node)| node.op.learns()).map(|(op, _)| (*step, op))
        })
        .collect()
}
