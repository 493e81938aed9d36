//! `matrix`: one step per combination of values, each under a name of its own: `forest@max_depth=4`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::source::{Data, Entry, Fault, Node, Route, Templates, list, render_all};

/// The most combinations that one step is taken for.
const MOST: usize = 1000;
/// How many names are told in advice.
const TOLD: usize = 3;

/// The values of `matrix.x` in the steps that were made.
#[derive(Default)]
pub(super) struct Matrices {
    /// By the names of the made steps.
    pub(super) values: BTreeMap<String, BTreeMap<String, Json>>,
    /// The names of the made steps, by the name that was written.
    names: BTreeMap<String, Vec<String>>,
    /// Steps whose matrix is wrong, as they were written.
    pub(super) wrong: Vec<Entry>,
}

/// Makes the steps of every matrix in place, and lets names that mean all of them name all of them. Faults have
/// their routes from the document's root.
pub(super) fn expand(steps: &mut Node, templates: &Templates, faults: &mut Vec<Fault>) -> Matrices {
    let mut matrices = Matrices::default();
    let Data::Map(entries) = &mut steps.data else { return matrices };
    if entries.iter().all(|entry| entry.value.get("matrix").is_none()) {
        return matrices;
    }
    let written = std::mem::take(entries);
    for entry in written {
        if entry.value.get("matrix").is_none() {
            entries.push(entry);
            continue;
        }
        let mut found = Vec::new();
        let route = Route::of(["steps", &entry.key, "matrix"]);
        entries.extend(one(&entry, templates, &mut matrices, &mut found));
        if !found.is_empty() {
            matrices.wrong.push(entry);
        }
        faults.extend(found.into_iter().map(|fault| fault.under(&route)));
    }
    for entry in entries {
        refer(entry, &matrices, faults);
    }
    matrices
}

/// The steps of one matrix, of those of its values that are right. Faults have their routes from the matrix.
fn one(entry: &Entry, templates: &Templates, matrices: &mut Matrices, faults: &mut Vec<Fault>) -> Vec<Entry> {
    let mut node = entry.value.get("matrix").cloned().expect("it was looked for");
    render_all(&mut node, templates, &|_| false, faults);
    let axes = axes(&node, faults);
    let count = axes.iter().map(|(_, values)| values.len()).try_fold(1usize, usize::checked_mul);
    if count.is_none_or(|count| count > MOST) {
        faults.push(Fault::new("out-of-range", format!("a matrix makes {MOST} steps at most")).on_key());
        return Vec::new();
    }
    let mut combinations: Vec<Vec<(&str, &Node)>> = vec![Vec::new()];
    for (name, values) in &axes {
        let longer = combinations.iter().flat_map(|combination| {
            values.iter().map(move |value| [combination.as_slice(), &[(*name, *value)]].concat())
        });
        combinations = longer.collect();
    }
    let mut made = Vec::new();
    for combination in combinations {
        let said: Vec<String> = combination.iter().map(|(name, value)| format!("{name}={}", value.text)).collect();
        let key = format!("{}@{}", entry.key, said.join(","));
        let values = combination.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect();
        matrices.values.insert(key.clone(), values);
        matrices.names.entry(entry.key.clone()).or_default().push(key.clone());
        let mut value = entry.value.clone();
        if let Data::Map(fields) = &mut value.data {
            fields.retain(|field| field.key != "matrix");
        }
        made.push(Entry { key, key_span: entry.key_span.clone(), value });
    }
    made
}

/// The names and those of their values that are right. Faults have their routes from the matrix.
fn axes<'a>(node: &'a Node, faults: &mut Vec<Fault>) -> Vec<(&'a str, Vec<&'a Node>)> {
    let wrong = |message: String| Fault::new("wrong-type", message).help("write `matrix: {max_depth: [4, 8]}`");
    if node.entries().is_empty() {
        faults.push(wrong(format!("a matrix is a map of names and their values, and this is {}", node.what())));
    }
    let mut axes = Vec::new();
    for entry in node.entries() {
        let route = Route::of([entry.key.as_str()]);
        let Data::Seq(values) = &entry.value.data else {
            faults.push(wrong(format!("`{}` takes a list of values", entry.key)).under(&route));
            continue;
        };
        if values.is_empty() {
            faults.push(wrong(format!("`{}` has no values", entry.key)).under(&route));
        }
        let mut right: Vec<&Node> = Vec::new();
        for (nth, value) in values.iter().enumerate() {
            let route = route.index(nth);
            if matches!(value.data, Data::Seq(_) | Data::Map(_) | Data::Null) || value.text.contains(['\n', '\0']) {
                faults
                    .push(wrong(format!("a value is a word or a number, and this is {}", value.what())).under(&route));
            } else if right.iter().any(|other| other.text == value.text) {
                faults.push(Fault::new("duplicate-name", format!("`{}` is there twice", value.text)).under(&route));
            } else {
                right.push(value);
            }
        }
        axes.push((entry.key.as_str(), right));
    }
    axes
}

/// Verbs that work on one table or model.
const SINGLE: [&str; 4] = ["clean", "transform", "train", "deploy"];
/// Keys that name several steps.
const SEVERAL: [&str; 2] = ["evaluate", "inputs"];

/// Lets the names of one step's references that stand for a matrix stand for all of its steps.
fn refer(step: &mut Entry, matrices: &Matrices, faults: &mut Vec<Fault>) {
    let route = Route::of(["steps", &step.key]);
    let Data::Map(fields) = &mut step.value.data else { return };
    for field in fields {
        if SEVERAL.contains(&field.key.as_str()) {
            several(&mut field.value, matrices);
        } else if field.key == "with"
            && let Data::Map(settings) = &mut field.value.data
        {
            // The members of an ensemble.
            settings.iter_mut().filter(|setting| setting.key == "of").for_each(|of| several(&mut of.value, matrices));
        } else if SINGLE.contains(&field.key.as_str())
            && let Some(names) = field.value.as_str().and_then(|name| matrices.names.get(name))
        {
            let shown = list(names.iter().take(TOLD).map(String::as_str));
            let message = format!("`{}` is {} steps, and `{}` works on one", field.value.text, names.len(), field.key);
            let help = if field.key == "deploy" {
                format!("compare them: deploy a step that says `evaluate: {}` and `best:`", field.value.text)
            } else {
                format!("name one of them, as {shown}, or give this step the same matrix")
            };
            faults.push(Fault::new("many-steps", message).help(help).under(&route.key(&field.key)));
        }
    }
}

fn several(node: &mut Node, matrices: &Matrices) {
    let all = |item: &Node| -> Vec<Node> {
        match item.as_str().and_then(|name| matrices.names.get(name)) {
            Some(names) => names.iter().map(|name| Node::made(Data::Str(name.clone()), item.span.clone())).collect(),
            None => vec![item.clone()],
        }
    };
    match &mut node.data {
        Data::Str(_) => {
            let found = all(node);
            if found.len() != 1 || found[0].text != node.text {
                *node = Node::made(Data::Seq(found), node.span.clone());
            }
        }
        Data::Seq(items) => *items = items.iter().flat_map(all).collect(),
        _ => {}
    }
}
