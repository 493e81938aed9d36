//! Names to places, and an order in which each step comes after what it works on.

use std::collections::{BTreeMap, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::source::{Fault, Route, suggest};
use crate::spec::{Spec, StepSpec, Verb};

/// A reference by name, and where it stands below its step.
struct Reference<'a> {
    name: &'a str,
    route: Route,
}

fn references(step: &StepSpec) -> Vec<Reference<'_>> {
    let one = |name, key: &str| vec![Reference { name, route: Route::of([key]) }];
    match &step.verb {
        Verb::Table(table) => {
            let key = if table.verb == crate::spec::VerbKind::Clean { "clean" } else { "transform" };
            one(&table.input, key)
        }
        Verb::Train(train) => one(&train.table, "train"),
        Verb::Deploy(deploy) => one(&deploy.step, "deploy"),
        Verb::Evaluate(evaluate) => evaluate
            .models
            .iter()
            .enumerate()
            .map(|(index, name)| Reference { name, route: Route::of(["evaluate"]).index(index) })
            .collect(),
    }
}

/// The steps in an order that runs; steps of a cycle and those that name nothing known are left out, their mistakes told.
pub(super) fn order(spec: &Spec, faults: &mut Vec<Fault>) -> Vec<usize> {
    let places: HashMap<&str, usize> =
        spec.steps.iter().enumerate().map(|(place, step)| (step.name.as_str(), place)).collect();
    let mut graph: DiGraph<usize, usize> = DiGraph::with_capacity(spec.steps.len(), spec.steps.len());
    let nodes: Vec<NodeIndex> = (0..spec.steps.len()).map(|place| graph.add_node(place)).collect();
    for (place, step) in spec.steps.iter().enumerate() {
        for (nth, reference) in references(step).into_iter().enumerate() {
            // A source of that name comes first: a step beside it has told its own mistake.
            if spec.sources.iter().any(|source| source.name == reference.name) {
                continue;
            }
            if let Some(input) = places.get(reference.name) {
                graph.add_edge(nodes[*input], nodes[place], nth);
            } else {
                faults.push(unknown(spec, step, &reference));
            }
        }
    }
    // Components come in reverse topological order.
    let components = tarjan_scc(&graph);
    let mut order = Vec::new();
    for component in components.into_iter().rev() {
        let first = component[0];
        if component.len() > 1 || graph.contains_edge(first, first) {
            let members: Vec<usize> = component.iter().map(|node| graph[*node]).collect();
            faults.push(cycle(spec, &members));
            continue;
        }
        order.push(graph[first]);
    }
    stable(spec, order, &places)
}

/// Of the orders that run, the one nearest to the file's.
fn stable(spec: &Spec, found: Vec<usize>, places: &HashMap<&str, usize>) -> Vec<usize> {
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let known: std::collections::HashSet<usize> = found.iter().copied().collect();
    for place in &found {
        let mut inputs: Vec<usize> = references(&spec.steps[*place])
            .iter()
            .filter_map(|reference| places.get(reference.name))
            .copied()
            .filter(|input| known.contains(input))
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        waiting.insert(*place, inputs.len());
        for input in inputs {
            users.entry(input).or_default().push(*place);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(place, _)| *place).collect();
    let mut order = Vec::new();
    while let Some(place) = ready.pop_first() {
        order.push(place);
        for user in users.get(&place).into_iter().flatten() {
            let left = waiting.get_mut(user).expect("every user waits");
            *left -= 1;
            if *left == 0 {
                ready.insert(*user);
            }
        }
    }
    order
}

fn unknown(spec: &Spec, step: &StepSpec, reference: &Reference) -> Fault {
    let names = spec.steps.iter().map(|step| step.name.as_str());
    let names = names.chain(spec.sources.iter().map(|source| source.name.as_str())).filter(|name| *name != step.name);
    Fault::new("unknown-step", format!("there is no step or source `{}`", reference.name))
        .maybe_help(suggest(reference.name, names))
        .under(&step.route().join(&reference.route))
}

/// The whole path of a cycle, from the step that comes first in the file.
fn cycle(spec: &Spec, members: &[usize]) -> Fault {
    let start = *members.iter().min().expect("a cycle has steps");
    let mut path = vec![start];
    loop {
        let step = &spec.steps[*path.last().expect("begun")];
        let next = references(step)
            .into_iter()
            .filter_map(|reference| members.iter().copied().find(|place| spec.steps[*place].name == reference.name));
        // Some input is in the cycle: prefer one that isn't on the path yet.
        let inputs: Vec<usize> = next.collect();
        let fresh = inputs.iter().copied().find(|place| !path.contains(place));
        match fresh {
            Some(place) => path.push(place),
            None => {
                let back = inputs.first().copied().unwrap_or(start);
                let from = path.iter().position(|place| *place == back).unwrap_or(0);
                path.drain(..from);
                path.push(back);
                break;
            }
        }
    }
    let names: Vec<String> = path.iter().map(|place| format!("`{}`", spec.steps[*place].name)).collect();
    let first = &spec.steps[path[0]];
    let reference = references(first).into_iter().find(|reference| reference.name == spec.steps[path[1]].name);
    let route = reference.map(|reference| reference.route).unwrap_or_default();
    Fault::new("cycle", format!("a step can't work on its own result: {}", names.join(" → ")))
        .under(&first.route().join(&route))
}
