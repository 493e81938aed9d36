//! A table step: its ops decoded by name, and its columns followed through them.

use std::collections::BTreeMap;

use super::build;
use super::node::{Input, Plan, TableStep};
use super::op::OpNode;
use crate::data::{Shape, Value};
use crate::expr::Scope;
use crate::ops::find;
use crate::source::Fault;
use crate::spec::{OpSpec, TableSpec, VerbKind};

/// What a step begins with.
pub(super) struct Start<'a> {
    pub(super) input: Input,
    /// The columns, if they are known.
    pub(super) shape: Option<&'a Shape>,
    /// Whether rows are marked as train or test already.
    pub(super) is_split: bool,
    /// The column to predict.
    pub(super) target: Option<&'a str>,
    /// The file's parameters.
    pub(super) params: &'a BTreeMap<String, Value>,
}

/// Faults about columns, which can't be told where the columns aren't known.
const ABOUT_COLUMNS: [&str; 3] = ["unknown-column", "wrong-type", "ambiguous-column"];

/// Checks a table step. Faults have their routes from the document's root.
pub(super) fn table(spec: &TableSpec, start: Start, plan: &Plan, faults: &mut Vec<Fault>) -> TableStep {
    let mut shape = start.shape.cloned();
    let mut is_split = start.is_split;
    let mut ops = Vec::new();
    let mut split = None;
    for written in &spec.ops {
        let Some(mut node) = read(written, shape.as_ref(), start.params, faults) else {
            // What comes after can't know its columns.
            shape = None;
            continue;
        };
        if !written.when {
            continue;
        }
        if !meet(&mut node, written, plan, faults) {
            shape = None;
            continue;
        }
        if node.op.splits() {
            if is_split {
                let fault = Fault::new("second-split", "the rows are split already, and a table has one split at most");
                faults.push(fault.help("take one of the two away").on_key().under(&node.route));
            } else {
                split = Some(ops.len());
            }
            is_split = true;
        }
        if node.rows.is_some() && !node.op.drops_rows() {
            let fault =
                Fault::new("bad-rows", format!("`rows` is for ops that drop rows, and `{}` doesn't", node.op.name()));
            faults.push(fault.on_key().within("rows").under(&node.route.parent()));
        }
        if node.op.needs_target() && start.target.is_none() {
            let fault = Fault::new(
                "no-target",
                format!("`{}` looks at the target, and nothing says which column it is", node.op.name()),
            );
            faults.push(fault.help("write `target: COLUMN` at the top of the file").on_key().under(&node.route));
        }
        if let Some(before) = &shape {
            let mut found = Vec::new();
            let mut after = node.op.shape(before, None, &mut found);
            if found.is_empty() {
                guard(&node, before, &mut after);
            }
            faults.extend(found.into_iter().map(|fault| node.place(fault)));
            shape = Some(after);
        }
        ops.push(node);
    }
    let verb = if spec.verb == VerbKind::Clean { "clean" } else { "transform" };
    TableStep { verb, input: start.input, ops, split, is_split, shape }
}

/// Protects what an op makes of guarded columns, told by what it would do with placeholders for what it learns.
fn guard(node: &OpNode, before: &Shape, after: &mut Shape) {
    if before.guarded.is_empty() {
        return;
    }
    let Ok(steps) = node.op.lower(&node.op.placeholder(before), before) else { return };
    for name in node.guarded(&steps, &before.guarded) {
        after.guard(&name);
    }
}

/// Lets an op meet the other tables that it names. False if one of them isn't there, or is no table to be joined.
fn meet(node: &mut OpNode, written: &OpSpec, plan: &Plan, faults: &mut Vec<Fault>) -> bool {
    for (name, route) in &written.others {
        let mut found = Vec::new();
        let Some((input, shape, is_split)) = build::start(name, "", plan, &mut found) else {
            faults.extend(found.into_iter().map(|fault| Fault { route: route.clone(), ..fault }));
            return false;
        };
        if is_split {
            let message = format!("the rows of `{name}` are split, and would be met by rows of other parts");
            let fault = Fault::new("split-table", message).help("name the table before its split");
            faults.push(fault.under(route));
            return false;
        }
        node.op.meet(name, shape);
        node.others.push((name.clone(), input));
    }
    true
}

fn read(
    written: &OpSpec,
    shape: Option<&Shape>,
    params: &BTreeMap<String, Value>,
    faults: &mut Vec<Fault>,
) -> Option<OpNode> {
    let entry = match find(&written.name) {
        Ok(entry) => entry,
        Err(mut fault) => {
            if written.bare {
                fault.at = crate::source::At::Value;
            }
            faults.push(fault.under(&written.route));
            return None;
        }
    };
    let unknown = Shape::default();
    let scope = Scope { shape: shape.unwrap_or(&unknown), params };
    match (entry.read)(&written.argument, &scope) {
        Ok(op) => {
            let short = entry.short(&written.argument);
            Some(OpNode { op, others: Vec::new(), rows: written.rows, route: written.route.clone(), short })
        }
        Err(found) => {
            let told = found.into_iter().filter(|fault| shape.is_some() || !ABOUT_COLUMNS.contains(&fault.code));
            faults.extend(told.map(|fault| fault.under(&written.route)));
            None
        }
    }
}
