//! The columns that selectors leave alone: targets, what only they are made from, and roles.

use std::collections::BTreeSet;

use super::node::{Step, StepKind};
use crate::spec::{Spec, Verb};

/// The columns to predict.
pub(super) fn targets(spec: &Spec) -> BTreeSet<String> {
    let own = spec.steps.iter().filter_map(|step| match &step.verb {
        Verb::Train(train) => train.target.as_ref(),
        Verb::Brought(brought) => brought.train.target.as_ref(),
        _ => None,
    });
    spec.target.iter().chain(own).map(|target| target.column.clone()).collect()
}

/// The columns of `targets` and those that nothing else is computed from.
pub(super) fn unasked(targets: &BTreeSet<String>, steps: &[Step]) -> BTreeSet<String> {
    let derived: Vec<(String, BTreeSet<String>)> = steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Table(table) => Some(&table.ops),
            _ => None,
        })
        .flatten()
        .flat_map(|op| op.op.derives())
        .collect();
    let mut found = targets.clone();
    loop {
        let before = found.len();
        let ingredients: BTreeSet<&String> =
            derived.iter().filter(|(made, _)| found.contains(made)).flat_map(|(_, from)| from).collect();
        let others: BTreeSet<&String> =
            derived.iter().filter(|(made, _)| !found.contains(made)).flat_map(|(_, from)| from).collect();
        let only: Vec<String> = ingredients.difference(&others).map(|column| (*column).clone()).collect();
        found.extend(only);
        if found.len() == before {
            return found;
        }
    }
}
