//! The keys at the top of a pipeline file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{OutputSpec, SourceSpec, StepSpec, Verb, WatchSpec};
use crate::data::Value;
use crate::source::{Data, Document, Fault, Fields, Node, Route};

/// A pipeline as it was written.
pub struct Spec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The column to predict.
    pub target: Option<TargetSpec>,
    /// Columns that no model is trained on.
    pub roles: Roles,
    /// What every random choice derives from.
    pub seed: u64,
    /// The values of `params.x`, overrides applied.
    pub params: BTreeMap<String, Value>,
    /// The environment variables that the file may use; their values count in keys.
    pub env: Vec<String>,
    /// Those that count in no key and never show.
    pub secrets: Vec<String>,
    /// The tables from outside, and after them those that programs leave.
    pub sources: Vec<SourceSpec>,
    /// The graph.
    pub steps: Vec<StepSpec>,
    /// What starts a run while it is watched.
    pub watch: WatchSpec,
    /// Rows in, expected rows out.
    pub tests: Vec<TestSpec>,
}

/// The column to predict, and which of two classes is the positive one.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetSpec {
    /// The column.
    pub column: String,
    /// The positive class, as it was written.
    pub positive: Option<Json>,
}

impl TargetSpec {
    /// From `species` or `{column: status, positive: bad}`.
    pub(super) fn read(node: &Node, route: &Route, faults: &mut Vec<Fault>) -> Option<Self> {
        if let Data::Str(column) = &node.data {
            return Some(Self { column: column.clone(), positive: None });
        }
        let mut fields = Fields::new(node, route.clone(), "a target is a column, or");
        let column = fields.need("column", "name the column to predict");
        let positive = fields.node("positive").map(Node::to_json);
        faults.extend(fields.finish());
        Some(Self { column: column?, positive })
    }
}

/// Columns that no model is trained on, but that travel with their rows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// What identifies a row.
    pub id: Option<String>,
    /// When it happened.
    pub time: Option<String>,
    /// What it belongs to.
    pub group: Option<String>,
    /// Columns kept for slices.
    #[serde(default)]
    pub held: Vec<String>,
}

impl Roles {
    /// Every column that has a role, with the key that gives it.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = [("id", &self.id), ("time", &self.time), ("group", &self.group)];
        let named = named.into_iter().filter_map(|(role, column)| Some((role, column.as_deref()?)));
        named.chain(self.held.iter().map(|column| ("held", column.as_str())))
    }
}

/// A test of the pipeline: rows in, expected rows out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestSpec {
    /// What it shows.
    pub name: String,
    /// Rows by source.
    pub given: BTreeMap<String, Vec<Map<String, Json>>>,
    /// Rows by step.
    pub expect: BTreeMap<String, Vec<Map<String, Json>>>,
}

impl Spec {
    /// From a tree whose templates are rendered. Mistakes go to `faults`; what could be read is returned all the same, so
    /// that what builds on it can be checked too.
    pub(super) fn decode(document: &Document, params: BTreeMap<String, Value>, faults: &mut Vec<Fault>) -> Self {
        let mut top = Fields::new(&document.root, Route::here(), "a pipeline");
        let name: String = top.need("name", "give the pipeline a name: `name: penguins`").unwrap_or_default();
        if !name.is_empty() && !is_name(&name) {
            top.fault(
                Fault::new("bad-name", format!("`{name}` isn't a name"))
                    .help("use letters, digits, `-` and `_`")
                    .within("name"),
            );
        }
        let description = top.take("description");
        let target = top.node("target").and_then(|node| TargetSpec::read(node, &Route::of(["target"]), faults));
        let roles = top.take("roles").unwrap_or_default();
        let seed = top.take("seed").unwrap_or(0);
        top.node("params");
        top.node("profiles");
        let env = top.take("env").unwrap_or_default();
        let secrets = top.take("secrets").unwrap_or_default();
        let mut sources =
            top.node("sources").map(|node| named(node, "sources", faults, SourceSpec::read)).unwrap_or_default();
        let mut steps: Vec<StepSpec> =
            top.node("steps").map(|node| named(node, "steps", faults, StepSpec::read)).unwrap_or_default();
        let none = match document.root.get("steps") {
            None => Some(Fault::new("missing-field", "`steps` is missing").on_key()),
            // A matrix without values has told its own mistake.
            Some(node) if node.entries().is_empty() && document.matrices.is_empty() => {
                let empty = matches!(node.data, Data::Map(_) | Data::Null);
                empty.then(|| Fault::new("missing-field", "there are no steps").within("steps"))
            }
            Some(_) => None,
        };
        if let Some(fault) = none {
            top.fault(fault.help("a pipeline has at least one step"));
        }
        let tests = top.take("tests").unwrap_or_default();
        let watch = top.node("watch").map(|node| WatchSpec::read(node, faults)).unwrap_or_default();
        faults.extend(top.finish());
        for step in &steps {
            if sources.iter().any(|source| source.name == step.name) {
                let message = format!("`{}` is a source already", step.name);
                faults.push(Fault::new("duplicate-name", message).on_key().under(&step.route()));
            }
        }
        let made = programs_of(&steps)
            .flat_map(|(step, outputs)| outputs.iter().filter_map(move |output| SourceSpec::of_program(step, output)));
        sources.extend(made);
        let models = programs_of(&steps);
        let models: Vec<StepSpec> = models
            .flat_map(|(step, outputs)| outputs.iter().filter_map(move |output| StepSpec::of_program(step, output)))
            .collect();
        steps.extend(models);
        super::run::name_models(&mut steps);
        Self { name, description, target, roles, seed, params, env, secrets, sources, steps, watch, tests }
    }
}

/// The steps that run programs, each with what it leaves.
fn programs_of(steps: &[StepSpec]) -> impl Iterator<Item = (&StepSpec, &[OutputSpec])> {
    steps.iter().filter_map(|step| match &step.verb {
        Verb::Run(run) => Some((step, run.outputs.as_slice())),
        _ => None,
    })
}

/// Letters, digits, `-` and `_`.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// Each entry of a map of named things.
fn named<T>(
    node: &Node,
    key: &str,
    faults: &mut Vec<Fault>,
    read: fn(&str, &Node, &Route, &mut Vec<Fault>) -> Option<T>,
) -> Vec<T> {
    let route = Route::of([key]);
    if !matches!(node.data, Data::Map(_)) {
        let message = format!("`{key}` is a map of names, and this is {}", node.what());
        faults.push(Fault::new("wrong-type", message).under(&route));
    }
    let mut found = Vec::new();
    for entry in node.entries() {
        let route = route.key(&entry.key);
        // The steps of a matrix have names of gristmill's making.
        let own = entry.key.split_once('@').map_or(entry.key.as_str(), |(name, _)| name);
        if !is_name(own) || own.len() < entry.key.len() && !entry.key.contains('=') {
            let fault = Fault::new("bad-name", format!("`{}` isn't a name", entry.key));
            faults.push(fault.help("use letters, digits, `-` and `_`").on_key().under(&route));
        }
        found.extend(read(&entry.key, &entry.value, &route, faults));
    }
    found
}
