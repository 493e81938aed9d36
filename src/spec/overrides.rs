//! Values of params from outside the file, from weak to strong: a file, the environment, the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::profiles;
use crate::data::Value;
use crate::source::{Data, Document, Fault, Node, Route, suggest};

/// What a command line and its environment say of params.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--profile NAME`.
    pub profile: Option<String>,
    /// `--params FILE`.
    pub files: Vec<PathBuf>,
    /// `GRISTMILL_PARAM_X`.
    pub environment: Vec<(String, String)>,
    /// `--set x=…`.
    pub set: Vec<String>,
}

/// The prefix of environment variables that set params.
const PREFIX: &str = "GRISTMILL_PARAM_";

impl Overrides {
    /// With what the process' environment says.
    #[must_use]
    pub fn with_environment(mut self) -> Self {
        self.environment =
            std::env::vars().filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_owned(), value))).collect();
        self.environment.sort();
        self
    }

    /// Whether anything is overridden.
    pub fn any(&self) -> bool {
        !(self.profile.is_none() && self.files.is_empty() && self.environment.is_empty() && self.set.is_empty())
    }

    /// Changes the params of a document in place. Faults of what isn't in the document have no route, and are returned.
    pub(super) fn apply(&self, root: &mut Node, inside: &mut Vec<Fault>) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(profiles::apply(root, self.profile.as_deref(), inside));
        for file in &self.files {
            match read(file) {
                Ok(entries) => {
                    for (name, text) in entries {
                        faults.extend(set(root, &name, &text, &format!("`{}`", file.display())).err());
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
        for (name, text) in &self.environment {
            let exact = declared(root).into_iter().find(|known| known.eq_ignore_ascii_case(name));
            let by = format!("{PREFIX}{name}");
            match exact {
                Some(name) => faults.extend(set(root, &name, text, &by).err()),
                // An environment is for all pipelines, and this one need not have the param.
                None => {
                    faults.push(Fault::warning("unknown-param", format!("{by}: there is no param of that name here")))
                }
            }
        }
        for assignment in &self.set {
            match assignment.split_once('=') {
                Some((name, text)) => faults.extend(set(root, name.trim(), text, "--set").err()),
                None => faults.push(
                    Fault::new("bad-override", format!("`--set {assignment}` sets nothing"))
                        .help("write `--set trees=300`"),
                ),
            }
        }
        faults
    }
}

fn read(file: &PathBuf) -> Result<Vec<(String, String)>, Fault> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::new("missing-file", format!("can't read `{name}`")).because(error))?;
    let document = Document::parse(&name, &text).map_err(|mut found| {
        let first = found.swap_remove(0);
        Fault::new("bad-override", format!("`{name}`, line {}: {}", first.line, first.message))
    })?;
    Ok(document.root.entries().iter().map(|entry| (entry.key.clone(), entry.value.text.clone())).collect())
}

pub(super) fn declared(root: &Node) -> Vec<String> {
    let params = root.get("params").map(Node::entries).unwrap_or_default();
    params.iter().map(|entry| entry.key.clone()).collect()
}

/// Gives a declared param another value of its type.
pub(super) fn set(root: &mut Node, name: &str, text: &str, by: &str) -> Result<(), Fault> {
    let known = declared(root);
    let Data::Map(top) = &mut root.data else { return Ok(()) };
    let params = top.iter_mut().find(|entry| entry.key == "params").map(|entry| &mut entry.value.data);
    let entry = match params {
        Some(Data::Map(entries)) => entries.iter_mut().find(|entry| entry.key == name),
        _ => None,
    };
    let Some(entry) = entry else {
        return Err(Fault::new("unknown-param", format!("{by}: there is no param `{name}`"))
            .maybe_help(suggest(name, known.iter().map(String::as_str))));
    };
    let span = entry.value.span.clone();
    let value = match (&entry.value.data, Node::plain(text, span.clone()).data) {
        (Data::Str(_), _) => Data::Str(text.to_owned()),
        (Data::Float(_), Data::Int(number)) => Data::Float(number as f64),
        (Data::Int(_), value @ Data::Int(_))
        | (Data::Float(_), value @ Data::Float(_))
        | (Data::Bool(_), value @ Data::Bool(_))
        | (Data::Null, value) => value,
        (declared, _) => {
            let what = match declared {
                Data::Int(_) => "a whole number",
                Data::Float(_) => "a number",
                Data::Bool(_) => "true or false",
                _ => {
                    let message = format!("{by}: `{name}` is a list or a map, which can't be overridden");
                    return Err(Fault::new("bad-override", message).help("change it in the file"));
                }
            };
            return Err(Fault::new(
                "bad-override",
                format!("{by}: `{name}` is declared as {what}, and `{text}` isn't"),
            ));
        }
    };
    entry.value = Node::made(value, span);
    Ok(())
}

/// The params as typed values for expressions. Lists and maps are for templates alone.
pub(super) fn values(root: &Node) -> BTreeMap<String, Value> {
    let params = root.get("params").map(Node::entries).unwrap_or_default();
    params
        .iter()
        .filter_map(|entry| {
            let value = match &entry.value.data {
                Data::Null => Value::Null,
                Data::Bool(flag) => Value::Bool(*flag),
                Data::Int(number) => Value::Int(*number),
                Data::Float(number) => Value::float(*number),
                Data::Str(text) => Value::str(text),
                Data::Seq(_) | Data::Map(_) => return None,
            };
            Some((entry.key.clone(), value))
        })
        .collect()
}

/// The params for templates.
pub(super) fn json(root: &Node) -> BTreeMap<String, Json> {
    let params = root.get("params").map(Node::entries).unwrap_or_default();
    params.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}

/// The environment variables that the file names, or a fault for each that isn't set.
pub(super) fn environment(root: &Node, faults: &mut Vec<Fault>) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    for key in ["env", "secrets"] {
        let Some(node) = root.get(key) else { continue };
        let route = Route::of([key]);
        let Data::Seq(items) = &node.data else {
            faults.push(
                Fault::new("wrong-type", format!("`{key}` is a list of names of environment variables")).under(&route),
            );
            continue;
        };
        for (index, item) in items.iter().enumerate().filter(|_| key == "env") {
            match std::env::var(&item.text) {
                Ok(value) => {
                    found.insert(item.text.clone(), Json::String(value));
                }
                Err(_) => {
                    // What names it has nothing to add.
                    found.insert(item.text.clone(), Json::Null);
                    let message = format!("the environment variable `{}` isn't set", item.text);
                    faults.push(Fault::new("missing-env", message).under(&route.index(index)));
                }
            }
        }
    }
    found
}
