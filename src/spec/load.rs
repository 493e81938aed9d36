//! From a file's text to a spec: overrides, then templates, then types.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::{Overrides, Spec, overrides};
use crate::source::{Data, Diagnostic, Document, Fault, Node, Route, Segment, Templates, render_all};

/// A pipeline file that could be read as YAML.
pub struct Loaded {
    /// Its text, for messages, with overrides applied and templates rendered.
    pub document: Document,
    /// What it says.
    pub spec: Spec,
    /// Its mistakes so far.
    pub faults: Vec<Fault>,
    /// Mistakes in what the command line and the environment say of its params: no file is to blame.
    pub outside: Vec<Fault>,
}

/// Reads a pipeline file's text. `name` is how messages name the file.
///
/// # Errors
/// Mistakes in the YAML itself, which leave nothing to look at.
pub fn load(name: &str, text: &str, overridden: &Overrides, root: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let mut document = Document::parse(name, text)?;
    let outside = overridden.apply(&mut document.root);
    let mut faults = Vec::new();
    let params = overrides::values(&document.root);
    render(&mut document.root, root, &mut faults);
    let spec = Spec::decode(&document, params, &mut faults);
    Ok(Loaded { document, spec, faults, outside })
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
        let free = free.as_ref().unwrap_or(&keyed);
        match entry.key.as_str() {
            "description" => render_all(&mut entry.value, free, &|_| false, &mut found),
            "steps" => {
                render_all(&mut entry.value, &keyed, &is_unkeyed, &mut found);
                render_all(
                    &mut entry.value,
                    free,
                    &|route| route.segments().len() == 2 && !is_unkeyed(route),
                    &mut found,
                );
            }
            _ => render_all(&mut entry.value, &keyed, &|_| false, &mut found),
        }
        faults.extend(found.into_iter().map(|fault| fault.under(&route)));
    }
}

/// Descriptions, tags and registered names of steps count in no key, so they may name the commit.
fn is_unkeyed(route: &Route) -> bool {
    match route.segments() {
        [_, Segment::Key(key)] => matches!(key.as_str(), "description" | "tags" | "as"),
        _ => false,
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
