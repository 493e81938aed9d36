//! From a file's text to a spec: overrides, then templates, then types.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::{Overrides, Spec, overrides};
use crate::source::{Data, Diagnostic, Document, Fault, Node, Route, Templates, render_all};

/// A pipeline file that could be read as YAML.
pub struct Loaded {
    /// Its text, for messages, with overrides applied and templates rendered.
    pub document: Document,
    /// What it says.
    pub spec: Spec,
    /// Its mistakes so far.
    pub faults: Vec<Fault>,
}

/// Reads a pipeline file's text. `name` is how messages name the file.
///
/// # Errors
/// Mistakes in the YAML itself, which leave nothing to look at.
pub fn load(name: &str, text: &str, overridden: &Overrides, root: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let mut document = Document::parse(name, text)?;
    let mut faults = overridden.apply(&mut document.root);
    let params = overrides::values(&document.root);
    render(&mut document.root, root, &mut faults);
    let spec = Spec::decode(&document, params, &mut faults);
    Ok(Loaded { document, spec, faults })
}

/// Keys at the top whose values are no templates.
const PLAIN: [&str; 4] = ["params", "env", "secrets", "tests"];

fn render(document: &mut Node, root: &Path, faults: &mut Vec<Fault>) {
    let mut names = BTreeMap::from([
        ("params".to_owned(), overrides::json(document)),
        ("env".to_owned(), overrides::environment(document, faults)),
    ]);
    let keyed = Templates::new(names.clone());
    let free = document.to_json().to_string().contains("git.").then(|| {
        names.insert("git".to_owned(), git(root));
        Templates::new(names)
    });
    let Data::Map(entries) = &mut document.data else { return };
    for entry in entries {
        if PLAIN.contains(&entry.key.as_str()) || entry.key.starts_with("x-") {
            continue;
        }
        let mut found = Vec::new();
        let route = Route::of([entry.key.as_str()]);
        if entry.key == "description" {
            render_all(&mut entry.value, free.as_ref().unwrap_or(&keyed), &mut found);
        } else {
            if entry.key == "steps" {
                unkeyed(&mut entry.value, free.as_ref().unwrap_or(&keyed), &mut found);
            }
            render_all(&mut entry.value, &keyed, &mut found);
        }
        faults.extend(found.into_iter().map(|fault| fault.under(&route)));
    }
}

/// Descriptions, tags and registered names count in no key, so they may name the commit.
fn unkeyed(steps: &mut Node, templates: &Templates, faults: &mut Vec<Fault>) {
    let Data::Map(steps) = &mut steps.data else { return };
    for step in steps {
        let Data::Map(fields) = &mut step.value.data else { continue };
        for field in fields.iter_mut().filter(|field| matches!(field.key.as_str(), "description" | "tags" | "as")) {
            let mut found = Vec::new();
            render_all(&mut field.value, templates, &mut found);
            let broken = !found.is_empty();
            faults.extend(found.into_iter().map(|fault| fault.within(&field.key).within(&step.key)));
            if broken {
                // It is told once; what is left must not be rendered again.
                field.value = Node::made(Data::Null, field.value.span.clone());
            }
        }
    }
}

/// `git.commit` and `git.branch`; empty outside of a repository.
fn git(root: &Path) -> BTreeMap<String, Json> {
    let ask = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = ask(&["rev-parse", "HEAD"]).unwrap_or_default();
    let branch = ask(&["rev-parse", "--abbrev-ref", "HEAD"]).unwrap_or_default();
    BTreeMap::from([("commit".to_owned(), Json::String(commit)), ("branch".to_owned(), Json::String(branch))])
}
