//! Cross-validation's columns, looked up in the table that folds are drawn from.

use super::node::{Cv, Input, Plan};
use crate::data::{Part, Shape};
use crate::source::Fault;
use crate::spec::CvSpec;

/// Checks how folds are drawn. Faults have their routes from the rule.
pub(super) fn cv(spec: &CvSpec, input: Input, plan: &Plan, faults: &mut Vec<Fault>) -> Cv {
    let named = [("time", &spec.time), ("group", &spec.group)];
    let named = named.into_iter().filter_map(|(key, column)| Some((key, column.as_ref()?)));
    if let Some(shape) = drawn_from(plan, input) {
        for (key, column) in named {
            if let Err(fault) = shape.expect(column) {
                let message = format!("{} where the folds are drawn", fault.message);
                faults.push(Fault { message, ..fault }.within(key));
            }
        }
    }
    Cv { folds: spec.folds, time: spec.time.clone(), group: spec.group.clone() }
}

/// The columns of the rows that folds are drawn from: behind the split, or, without one, before the first op that learns.
/// `None` if they aren't known.
fn drawn_from(plan: &Plan, input: Input) -> Option<Shape> {
    let (source, steps) = plan.chain(input);
    let mut shape = plan.sources[source].shape.clone()?;
    let tables: Vec<_> = steps.iter().filter_map(|step| plan.table(*step)).collect();
    let has_split = tables.iter().any(|table| table.split.is_some());
    for node in tables.iter().flat_map(|table| &table.ops) {
        if !has_split && node.op.learns() {
            break;
        }
        let mut faults = Vec::new();
        shape = node.op.shape(&shape, None, &mut faults);
        // It has told its own mistakes.
        if !faults.is_empty() {
            return None;
        }
        if node.op.splits() {
            break;
        }
    }
    Some(shape)
}

/// What the split on the way to a table makes of a part: `None` if nothing splits the rows.
pub(super) fn makes(plan: &Plan, input: Input, part: Part) -> Option<bool> {
    let (_, steps) = plan.chain(input);
    let split = steps.iter().filter_map(|step| plan.table(*step)).find_map(|table| Some(&table.ops[table.split?]));
    split.map(|node| node.op.makes(part))
}
