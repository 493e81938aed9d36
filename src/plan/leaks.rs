//! Ops that have seen the test rows: fitted before the split that an evaluation relies on.

use std::collections::BTreeSet;

use super::node::{Plan, StepKind};
use crate::source::Fault;

/// A warning for each fitted op before a split.
pub(super) fn warnings(plan: &Plan) -> Vec<Fault> {
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
