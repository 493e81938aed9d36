//! Names to places, and an order in which each step comes after what it works on.

use std::collections::{BTreeMap, HashMap};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::source::{Fault, Route, suggest};
use crate::spec::{Origin, Spec, StepSpec, Verb};

/// A reference by name, and where it stands.
struct Reference<'a> {
    name: &'a str,
    route: Route,
}

fn references(step: &StepSpec) -> Vec<Reference<'_>> {
    let here = step.route();
    let one = |name, key: &str| vec![Reference { name, route: here.key(key) }];
    match &step.verb {
        Verb::Table(table) => {
            let key = if table.verb == crate::spec::VerbKind::Clean { "clean" } else { "transform" };
            let others = table.ops.iter().filter(|op| op.when).flat_map(|op| &op.others);
            let others = others.map(|(name, route)| Reference { name, route: route.clone() });
            one(&table.input, key).into_iter().chain(others).collect()
        }
        Verb::Train(train) => {
            let members = train.members.iter().map(|(index, name)| {
                let route = here.key("with").key("of").index(*index);
                Reference { name, route }
            });
            one(&train.table, "train").into_iter().chain(members).collect()
        }
        Verb::Brought(brought) => vec![
            Reference { name: &brought.program, route: here.clone() },
            Reference { name: &brought.train.table, route: here.key("input") },
        ],
        Verb::Deploy(deploy) => one(&deploy.step, "deploy"),
        Verb::Evaluate(evaluate) => evaluate
            .models
            .iter()
            .enumerate()
            .map(|(index, name)| Reference { name, route: here.key("evaluate").index(index) })
            .chain(evaluate.table().map(|name| Reference { name, route: here.key("on") }))
            .collect(),
        Verb::Run(run) => {
            run.inputs.iter().map(|input| Reference { name: &input.name, route: here.join(&input.route) }).collect()
        }
    }
}

/// What the names of a file stand for.
struct Names<'a> {
    spec: &'a Spec,
    sources: HashMap<&'a str, usize>,
    steps: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn new(spec: &'a Spec) -> Self {
        // The first of a name counts: the second has told its own mistake.
        let sources = spec.sources.iter().enumerate().rev().map(|(place, source)| (source.name.as_str(), place));
        let steps = spec.steps.iter().enumerate().rev().map(|(place, step)| (step.name.as_str(), place));
        Self { spec, sources: sources.collect(), steps: steps.collect() }
    }

    /// The step behind a name: its own, or that of the program that leaves what is named. None for a source from outside.
    fn step(&self, name: &str) -> Result<Option<usize>, ()> {
        if let Some(source) = self.sources.get(name) {
            return Ok(match &self.spec.sources[*source].origin {
                Origin::Program { step, .. } => self.steps.get(step.as_str()).copied(),
                _ => None,
            });
        }
        if let Some(step) = self.steps.get(name) {
            return Ok(Some(*step));
        }
        let (step, output) = name.rsplit_once('.').ok_or(())?;
        let step = *self.steps.get(step).ok_or(())?;
        match &self.spec.steps[step].verb {
            Verb::Run(run) if run.outputs.iter().any(|known| known.name == output) => Ok(Some(step)),
            _ => Err(()),
        }
    }

    fn needs(&self, step: usize) -> Vec<usize> {
        let references = references(&self.spec.steps[step]).into_iter();
        let mut needs: Vec<usize> =
            references.filter_map(|reference| self.step(reference.name).ok().flatten()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }
}

/// The steps in an order that runs; steps of a cycle and those that name nothing known are left out, their mistakes told.
pub(super) fn order(spec: &Spec, faults: &mut Vec<Fault>) -> Vec<usize> {
    let names = Names::new(spec);
    let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(spec.steps.len(), spec.steps.len());
    let nodes: Vec<NodeIndex> = (0..spec.steps.len()).map(|place| graph.add_node(place)).collect();
    for (place, step) in spec.steps.iter().enumerate() {
        for reference in references(step) {
            match names.step(reference.name) {
                Ok(Some(input)) => drop(graph.add_edge(nodes[input], nodes[place], ())),
                Ok(None) => {}
                Err(()) => faults.push(unknown(spec, step, &reference)),
            }
        }
    }
    // Not Tarjan's: it recurses, and a chain may be long.
    let components = kosaraju_scc(&graph);
    let mut order = Vec::new();
    for component in components {
        let first = component[0];
        if component.len() > 1 || graph.contains_edge(first, first) {
            let members: Vec<usize> = component.iter().map(|node| graph[*node]).collect();
            faults.push(cycle(&names, &members));
            continue;
        }
        order.push(graph[first]);
    }
    stable(&names, order)
}

/// Of the orders that run, the one nearest to the file's.
fn stable(names: &Names, found: Vec<usize>) -> Vec<usize> {
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let known: std::collections::HashSet<usize> = found.iter().copied().collect();
    for place in &found {
        let inputs: Vec<usize> = names.needs(*place).into_iter().filter(|input| known.contains(input)).collect();
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
        .under(&reference.route)
}

/// The whole path of a cycle, from the step that comes first in the file.
fn cycle(names: &Names, members: &[usize]) -> Fault {
    let spec = names.spec;
    let start = *members.iter().min().expect("a cycle has steps");
    let mut path = vec![start];
    loop {
        let last = *path.last().expect("begun");
        // Some input is in the cycle: prefer one that isn't on the path yet.
        let inputs: Vec<usize> = names.needs(last).into_iter().filter(|place| members.contains(place)).collect();
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
    let shown: Vec<String> = path.iter().map(|place| format!("`{}`", spec.steps[*place].name)).collect();
    let first = &spec.steps[path[0]];
    let next = path[1];
    let reference = references(first).into_iter().find(|reference| names.step(reference.name) == Ok(Some(next)));
    let route = reference.map_or_else(|| first.route(), |reference| reference.route);
    Fault::new("cycle", format!("a step can't work on its own result: {}", shown.join(" → "))).under(&route)
}
