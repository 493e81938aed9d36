//! The fields of a request, told before any row is read.

use std::collections::BTreeSet;

use super::node::{Plan, StepKind, Train};
use crate::data::{Field, Shape};
use crate::recipe::{RowStep, prune};
use crate::seal::{InputField, onnx};
use crate::source::Fault;

/// The raw columns that the models of a deploy step ask for, in the source's order. `None` if the columns aren't known.
/// Of several candidates all are counted: which one wins isn't known yet.
pub fn request(plan: &Plan, step: usize) -> Option<Vec<Field>> {
    let StepKind::Deploy(deploy) = &plan.steps[step].kind else {
        return None;
    };
    let models = match &plan.steps[deploy.step].kind {
        StepKind::Evaluate(evaluate) => evaluate.models.clone(),
        _ => vec![deploy.step],
    };
    let mut fields: Vec<Field> = Vec::new();
    for model in models {
        let StepKind::Train(train) = &plan.steps[model].kind else {
            return None;
        };
        for field in asked(plan, train)?.0 {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    Some(fields)
}

/// Why none of these models can go into ONNX, as far as can be told before ops have learned; `None` if one may.
pub(super) fn kept_from_onnx(plan: &Plan, models: &[usize]) -> Option<Fault> {
    let kept = |model: &usize| {
        let StepKind::Train(train) = &plan.steps[*model].kind else { return None };
        let (fields, steps) = asked(plan, train)?;
        let fields: Vec<InputField> =
            fields.iter().map(|field| InputField::new(&field.name, field.kind, None, &[])).collect();
        onnx::check(&fields, &steps).err()
    };
    let kept: Vec<Fault> = models.iter().map(kept).collect::<Option<_>>()?;
    kept.into_iter().next()
}

/// The columns that a request brings, after an op whose row steps are these.
pub fn enter(raw: &mut Shape, steps: &[RowStep], after: &Shape) {
    for step in steps {
        let RowStep::Ask { columns, anew } = step else { continue };
        if *anew {
            *raw = after.clone();
        }
        for name in columns {
            if let Some(kind) = after.known(name) {
                raw.set(name, kind);
            }
        }
    }
}

/// The columns that requests to a model may bring. `None` if they aren't known before data is read.
pub fn brings(plan: &Plan, train: &Train) -> Option<Shape> {
    Some(walked(plan, train)?.0)
}

/// The recipe with placeholders for what ops will learn, cut down to what the model reads; and the fields it reads.
fn asked(plan: &Plan, train: &Train) -> Option<(Vec<Field>, Vec<RowStep>)> {
    let (raw, shape, recipe) = walked(plan, train)?;
    let features: BTreeSet<String> = train.picks(&shape).ok()?.into_iter().collect();
    let pruned = prune(&recipe, &features, &plan.unasked);
    let fields = raw.fields.iter().filter(|field| pruned.inputs.contains(&field.name)).cloned().collect();
    Some((fields, pruned.steps))
}

/// The columns of a request, those that the model reads, and the row steps between, with placeholders for what ops learn.
fn walked(plan: &Plan, train: &Train) -> Option<(Shape, Shape, Vec<RowStep>)> {
    let (source, steps) = plan.chain(train.input);
    let raw = plan.sources[source].shape.as_ref()?;
    let mut raw = raw.clone();
    let mut shape = raw.clone();
    let mut recipe: Vec<RowStep> = Vec::new();
    for node in steps.iter().flat_map(|step| &plan.table(*step).expect("a chain is of tables").ops) {
        let learned = node.op.placeholder(&shape);
        let steps = node.op.lower(&learned, &shape).ok()?;
        let guarded = node.guarded(&steps, &shape.guarded);
        shape = node.op.shape(&shape, Some(&learned), &mut Vec::new());
        guarded.iter().for_each(|name| shape.guard(name));
        enter(&mut raw, &steps, &shape);
        if node.op.serves(node.rows) {
            recipe.extend(steps);
        }
    }
    Some((raw, shape, recipe))
}
