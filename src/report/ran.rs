//! A run that is over, as its object has it: what `log`, `show RUN`, `why` and the summaries for CI read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::judgement::GateWords;
use crate::data::Violation;
use crate::learn::Interval;
use crate::store::Run;

/// The object of a run. What it lacks, as that of a run that died, is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ran {
    /// The run's name.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// `done`, `failed`, `gate_failed`, `interrupted`.
    pub status: String,
    /// Each step that ended.
    pub steps: Vec<RanStep>,
    /// By evaluate step, model and metric.
    pub metrics: BTreeMap<String, BTreeMap<String, BTreeMap<String, Option<f64>>>>,
    /// Where the metrics would lie on other rows of the same kind.
    pub intervals: BTreeMap<String, BTreeMap<String, BTreeMap<String, Interval>>>,
    /// The winner, by evaluate step.
    pub best: BTreeMap<String, String>,
    /// By evaluate step.
    pub gates: BTreeMap<String, Vec<RanGate>>,
    /// Contracts that were broken and let the run go on.
    pub contracts: Vec<RanContract>,
    /// What was deployed.
    pub deployed: Vec<RanDeploy>,
    /// What failed.
    pub errors: Vec<RanError>,
    /// What its steps warned of.
    pub warnings: Vec<RanError>,
}

/// A step of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RanStep {
    /// Its name.
    pub step: String,
    /// `ran`, `cached`, `reconciled`, `failed`, `skipped`.
    pub outcome: String,
    /// Why; empty of one that was kept.
    pub reason: String,
    /// Its key, if it got that far.
    pub key: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// A gate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RanGate {
    /// The metric.
    pub metric: String,
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
    /// How many rows a slice must have to count.
    pub min_rows: Option<usize>,
    /// What it is.
    pub value: Option<f64>,
    /// The slice that it is of.
    pub slice: Option<String>,
    /// Whether that is good enough.
    pub passed: bool,
}

/// A contract that was broken and let the run go on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RanContract {
    /// The source.
    pub source: String,
    /// How many rows there were.
    pub rows: usize,
    /// How many of them were set aside.
    pub quarantined: usize,
    /// Where they are; none if there are none.
    pub file: Option<String>,
    /// Each rule that is broken.
    pub broken: Vec<Violation>,
}

impl RanContract {
    /// In words, a line for each rule.
    pub fn words(&self) -> String {
        let file = self.file.as_deref().unwrap_or_default();
        let aside = match self.quarantined {
            0 => String::new(),
            count => format!(": {count} of {} rows are set aside in `{file}`", self.rows),
        };
        let broken: Vec<String> = self.broken.iter().map(|broken| format!("\n  {broken}")).collect();
        format!("`{}` breaks its contract{aside}{}", self.source, broken.concat())
    }
}

/// A deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RanDeploy {
    /// The model's name.
    pub model: String,
    /// The version.
    pub version: u32,
    /// The alias.
    pub alias: String,
    /// Whether the alias points to this version.
    pub promoted: bool,
    /// Whether the version is new.
    pub new: bool,
    /// How it compares with what the alias pointed to, in words.
    pub told: Option<String>,
}

/// What failed, or what was warned of, at its place.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default)]
pub struct RanError {
    /// The step.
    pub step: String,
    /// The kind of mistake.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file; empty if none is at fault.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// How many characters are meant.
    pub length: usize,
    /// What to do.
    pub help: Option<String>,
}

impl Ran {
    /// From the object that a run prints.
    pub fn of(report: &Json) -> Self {
        Self::deserialize(report).unwrap_or_default()
    }

    /// From the history. A run that died told nothing but that it began.
    pub fn of_run(run: &Run) -> Self {
        let told = Self::of(&run.summary);
        Self { run: run.id.to_string(), pipeline: run.pipeline.clone(), status: run.status.to_string(), ..told }
    }

    /// The interval of a score, if there is one.
    pub fn interval(&self, step: &str, model: &str, metric: &str) -> Option<Interval> {
        self.intervals.get(step)?.get(model)?.get(metric).copied()
    }

    /// How many steps had an outcome.
    pub fn count(&self, outcome: &str) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }

    /// The steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter(|step| step.outcome == "failed").map(|step| step.step.as_str())
    }

    /// How many steps had which outcome, and which failed: "3 ran, 5 cached, `forest` failed".
    pub fn outcomes(&self) -> String {
        let mut told: Vec<String> = ["ran", "cached", "reconciled"]
            .iter()
            .map(|outcome| (self.count(outcome), outcome))
            .filter(|(count, _)| *count > 0)
            .map(|(count, outcome)| format!("{count} {outcome}"))
            .collect();
        told.extend(self.failed().map(|step| format!("`{step}` failed")));
        if self.count("skipped") > 0 {
            told.push(format!("{} skipped", self.count("skipped")));
        }
        told.join(", ")
    }
}

impl RanGate {
    /// "`accuracy` 0.9500 is at least 0.9".
    pub fn words(&self) -> String {
        let told = GateWords {
            metric: &self.metric,
            min: self.min,
            max: self.max,
            min_rows: self.min_rows,
            value: self.value,
            slice: self.slice.as_deref(),
            passed: self.passed,
        };
        told.words()
    }
}

impl RanDeploy {
    /// "penguin-species version 3 (champion), new: promoted over champion version 2: f1 0.9 against 0.8".
    pub fn words(&self) -> String {
        let alias = if self.promoted { format!(" ({})", self.alias) } else { String::new() };
        let new = if self.new { ", new" } else { "" };
        let told = self.told.as_ref().map_or(String::new(), |told| format!(": {told}"));
        format!("{} version {}{alias}{new}{told}", self.model, self.version)
    }
}

impl RanError {
    /// In one line, with its place.
    pub fn line(&self) -> String {
        let place =
            if self.file.is_empty() { String::new() } else { format!("{}:{}:{}: ", self.file, self.line, self.column) };
        let help = self.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
        format!("{place}{}{help}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_is_told_in_a_line() {
        let ran = Ran::of(&json!({"steps": [
            {"step": "a", "outcome": "ran", "reason": "x", "seconds": 1.0, "later": true},
            {"step": "b", "outcome": "failed"}, {"step": "c", "outcome": "skipped"}
        ]}));
        assert_eq!(ran.outcomes(), "1 ran, `b` failed, 1 skipped");
        assert_eq!(Ran::of(&json!({})).outcomes(), "");
    }

    #[test]
    fn an_error_is_told_with_its_place() {
        let error: RanError = serde_json::from_value(
            json!({"file": "p.yaml", "line": 3, "column": 5, "message": "wrong", "help": "mend it"}),
        )
        .expect("an error");
        assert_eq!(error.line(), "p.yaml:3:5: wrong (mend it)");
        assert_eq!(RanError { message: "wrong".into(), ..RanError::default() }.line(), "wrong");
    }
}
