//! From a file's text to a spec: overrides, then templates, then types.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::matrix::{self, Matrices};
use super::{Overrides, Spec, marks, overrides};
use crate::source::{Data, Diagnostic, Document, Entry, Fault, Node, Route, Templates, render_all};

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
    let mut faults = Vec::new();
    let outside = overridden.apply(&mut document.root, &mut faults);
    let params = overrides::values(&document.root);
    document.matrices = render(&mut document.root, root, &mut faults);
    let spec = Spec::decode(&document, params, &mut faults);
    Ok(Loaded { document, spec, faults, outside })
}

/// Keys at the top whose values are no templates.
const PLAIN: [&str; 5] = ["params", "profiles", "env", "secrets", "tests"];

/// Renders what is a template. Gives the steps whose matrix is wrong, as they were written.
fn render(document: &mut Node, root: &Path, faults: &mut Vec<Fault>) -> Vec<Entry> {
    let mut wrong = Vec::new();
    let names = BTreeMap::from([
        ("params".to_owned(), overrides::json(document)),
        ("env".to_owned(), overrides::environment(document, faults)),
    ]);
    let git = document.mentions("git.").then(|| git(root));
    let scopes = Scopes::new(&names, git.as_ref());
    let Data::Map(entries) = &mut document.data else { return wrong };
    for entry in entries {
        if PLAIN.contains(&entry.key.as_str()) || entry.key.starts_with("x-") {
            continue;
        }
        let mut found = Vec::new();
        match entry.key.as_str() {
            "description" => render_all(&mut entry.value, scopes.free(), &|_| false, &mut found),
            "steps" => {
                let matrices = matrix::expand(&mut entry.value, &scopes.keyed, faults);
                steps(&mut entry.value, &names, git.as_ref(), &scopes, &matrices, &mut found);
                wrong = matrices.wrong;
            }
            _ => render_all(&mut entry.value, &scopes.keyed, &|_| false, &mut found),
        }
        let route = Route::of([entry.key.as_str()]);
        faults.extend(found.into_iter().map(|fault| fault.under(&route)));
    }
    wrong
}

type Names = BTreeMap<String, BTreeMap<String, Json>>;

/// What templates may name: in what counts in keys, and in what doesn't.
struct Scopes {
    keyed: Templates,
    free: Option<Templates>,
}

impl Scopes {
    fn new(names: &Names, git: Option<&BTreeMap<String, Json>>) -> Self {
        let free = git.map(|git| {
            let mut names = names.clone();
            names.insert("git".to_owned(), git.clone());
            Templates::new(names)
        });
        Self { keyed: Templates::new(names.clone()), free }
    }

    fn free(&self) -> &Templates {
        self.free.as_ref().unwrap_or(&self.keyed)
    }
}

fn steps(
    steps: &mut Node,
    names: &Names,
    git: Option<&BTreeMap<String, Json>>,
    scopes: &Scopes,
    matrices: &Matrices,
    faults: &mut Vec<Fault>,
) {
    let Data::Map(entries) = &mut steps.data else { return };
    for entry in entries {
        let own;
        let scopes = match matrices.values.get(&entry.key) {
            None => scopes,
            Some(values) => {
                let mut names = names.clone();
                names.insert("matrix".to_owned(), values.clone());
                own = Scopes::new(&names, git);
                &own
            }
        };
        step(&mut entry.value, scopes, &Route::of([entry.key.as_str()]), faults);
    }
}

/// Descriptions, tags and registered names count in no key, so they may name the commit.
const UNKEYED: [&str; 3] = ["description", "tags", "as"];

fn step(step: &mut Node, scopes: &Scopes, route: &Route, faults: &mut Vec<Fault>) {
    let runs = step.get("run").is_some();
    let Data::Map(fields) = &mut step.data else { return };
    for field in fields {
        if runs && matches!(field.key.as_str(), "run" | "env") {
            marks::hold(&mut field.value);
        }
        let templates = if UNKEYED.contains(&field.key.as_str()) { scopes.free() } else { &scopes.keyed };
        let mut found = Vec::new();
        render_all(&mut field.value, templates, &|_| false, &mut found);
        let route = route.key(&field.key);
        faults.extend(found.into_iter().map(|fault| fault.under(&route)));
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
