//! From a pipeline's file to its plan, with whatever the project knows of its columns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use super::project::Project;
use crate::data::Shape;
use crate::plan::{Plan, build};
use crate::source::{Diagnostic, Document, Fault, Severity, in_order};
use crate::spec::{Files, Overrides, WatchSpec, load};
use crate::store::{Lock, StoreError};

/// A pipeline's file: its plan or not, and what there is to say of it.
pub struct Looked {
    /// The file, as messages name it.
    pub name: String,
    /// Errors and warnings, in order.
    pub diagnostics: Vec<Diagnostic>,
    /// The pipeline, if it is right.
    pub right: Option<Right>,
    /// What it says of files and watching, if it could be read at all.
    pub said: Option<Said>,
}

/// What a pipeline says, right or not, of when it is to be run.
pub struct Said {
    /// The files that it names.
    pub files: Files,
    /// What starts a run besides them.
    pub watch: WatchSpec,
}

/// A pipeline that is right.
pub struct Right {
    /// The project, seen from it.
    pub project: Project,
    /// The file's text and tree.
    pub document: Document,
    /// What it means.
    pub plan: Plan,
}

/// What is known besides the files.
#[derive(Clone, Default)]
pub struct Known {
    /// Columns of tables that programs left in this run, by source.
    pub made: BTreeMap<String, Shape>,
    /// The pipelines that wait for this one.
    pub waiting: Vec<String>,
}

/// Reads and checks the pipeline in a file.
pub fn look(root: &Path, file: &Path, overrides: &Overrides, known: Known) -> Result<Looked, Fault> {
    let shown = file.strip_prefix(root).unwrap_or(file).to_path_buf();
    let name = shown.display().to_string();
    let bytes = std::fs::read(file).map_err(StoreError::io("read", &shown))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let diagnostics = vec![not_utf8(&name, &error)];
            return Ok(Looked { name, diagnostics, right: None, said: None });
        }
    };
    let loaded = match load(&name, &text, overrides, root) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Ok(Looked { name, diagnostics: in_order(diagnostics), right: None, said: None }),
    };
    let said = Some(Said { files: loaded.spec.files(), watch: loaded.spec.watch.clone() });
    let lock_file = lock_path(file);
    let lock = Lock::head(&lock_file)?;
    let project = Project::new(root, &loaded.spec.name, lock_file, lock, known);
    let built = build(&loaded.spec, &project, loaded.faults);
    let mut diagnostics: Vec<Diagnostic> = built.faults.iter().map(|fault| loaded.document.diagnose(fault)).collect();
    diagnostics.extend(built.elsewhere);
    diagnostics.extend(loaded.outside.iter().map(Diagnostic::placeless));
    let wrong = diagnostics.iter().any(|found| found.severity == Severity::Error);
    let right = built.plan.filter(|_| !wrong).map(|plan| Right { project, document: loaded.document, plan });
    Ok(Looked { name, diagnostics: in_order(diagnostics), right, said })
}

/// Where a file's text stops being text.
fn not_utf8(name: &str, error: &FromUtf8Error) -> Diagnostic {
    let fault = Fault::new("not-utf-8", "the file isn't UTF-8 from here on").help("save it as UTF-8");
    let text = String::from_utf8_lossy(error.as_bytes());
    let from = error.utf8_error().valid_up_to();
    Diagnostic::new(name, &Arc::from(text), from..from + 1, &fault)
}

/// The lock beside a pipeline's file.
pub fn lock_path(file: &Path) -> PathBuf {
    file.with_extension("lock")
}
