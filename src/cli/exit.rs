//! How the program ends.

use crate::engine::LOCKED;
use crate::source::{Diagnostic, Fault, render};
use crate::store::is_environment;

/// Exit codes, as the language page has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// A step failed.
    Failed = 1,
    /// The pipeline or the command line is wrong.
    Wrong = 2,
    /// A gate failed.
    Gate = 3,
    /// The result would differ from the lock.
    Locked = 4,
    /// Disk, network, permission.
    Environment = 5,
    /// Data broke its contract.
    Contract = 6,
    /// Told to stop.
    Interrupted = 130,
}

/// Why a command could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    diagnostics: Vec<Diagnostic>,
}

impl Failure {
    /// What is told, and how the program ends with it.
    pub(crate) fn new(exit: Exit, diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit, diagnostics }
    }

    /// Mistakes in files.
    pub(crate) fn wrong(diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit: Exit::Wrong, diagnostics }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What is wrong, each at its place.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// For machines: `status` as a run has it, and the mistakes as `check` has them.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"status": "failed", "diagnostics": self.diagnostics})
    }

    /// As a run is told that ended with it.
    pub(crate) fn to_run_json(&self, pipeline: &str) -> serde_json::Value {
        serde_json::json!({"pipeline": pipeline, "status": "failed", "steps": [], "errors": self.diagnostics})
    }

    /// For people.
    pub(crate) fn render(&self, color: bool) -> String {
        render(&self.diagnostics, color)
    }
}

/// The exit code that a fault at run time stands for.
pub(crate) fn exit_of(fault: &Fault) -> Exit {
    match fault.code {
        "contract" => Exit::Contract,
        LOCKED => Exit::Locked,
        "interrupted" => Exit::Interrupted,
        // Only a strict run takes a leak for a mistake, and then it keeps a model back as a gate does.
        code if code.starts_with("leak-") => Exit::Gate,
        code if is_environment(code) => Exit::Environment,
        _ => Exit::Failed,
    }
}

impl From<Fault> for Failure {
    /// A fault of what was asked for: the command line is wrong, unless it is the environment.
    fn from(fault: Fault) -> Self {
        let exit = match exit_of(&fault) {
            Exit::Failed => Exit::Wrong,
            other => other,
        };
        Self { exit, diagnostics: vec![Diagnostic::placeless(&fault)] }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Fault::from(error).into()
    }
}
