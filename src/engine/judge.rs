//! Scores, the winner among them, and whether it is good enough.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gates::{self, GateResult};
use super::importance::Importance;
use super::leaks::Leak;
use crate::learn::{Curves, Direction, Interval, Overall, find_metric};
use crate::spec::Gate;
use crate::store::Digest;

/// Metrics over some rows. A metric that the rows don't define (one class only) is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// How many rows were judged.
    pub rows: usize,
    /// Of how many that the split put there; the ops after it refused the others.
    pub of: usize,
    /// By metric.
    pub metrics: BTreeMap<String, f64>,
}

impl Scores {
    /// The share of rows that the model could answer.
    pub fn coverage(&self) -> f64 {
        if self.of == 0 { 1.0 } else { self.rows as f64 / self.of as f64 }
    }

    /// A metric, or `coverage`.
    pub fn get(&self, metric: &str) -> Option<f64> {
        if metric == "coverage" { Some(self.coverage()) } else { self.metrics.get(metric).copied() }
    }
}

/// The rows with one value in a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceReport {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Their scores.
    pub scores: Scores,
}

impl SliceReport {
    /// `island = Dream`.
    pub fn name(&self) -> String {
        format!("{} = {}", self.column, self.value)
    }
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The class.
    pub class: String,
    /// The share of rows called so that are.
    pub precision: f64,
    /// The share of rows that are that were called so.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// How many rows are.
    pub support: u64,
}

/// What is known of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// On the rows that were asked for.
    pub scores: Scores,
    /// Where the scores would lie on other rows of the same kind, in 95 of 100 cases.
    pub intervals: BTreeMap<String, Interval>,
    /// On the validation part, if there is one.
    pub validation: Option<Scores>,
    /// The mean over the folds, if it was cross-validated.
    pub cv: Option<BTreeMap<String, f64>>,
    /// The spread over the folds: the population's standard deviation.
    pub cv_std: Option<BTreeMap<String, f64>>,
    /// The classes, in order.
    pub classes: Vec<ClassScores>,
    /// What holds over all classes; none for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall: Option<Overall>,
    /// Rows by true class, columns by predicted class; empty for more than 100 classes.
    pub confusion: Vec<Vec<u64>>,
    /// By the values of columns.
    pub slices: Vec<SliceReport>,
    /// Which raw columns matter, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,
    /// The size of the trained model.
    pub bytes: u64,
    /// What there is to draw; kept in the report's object alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<Curves>,
}

/// What a model costs. Times differ from run to run, and are no part of what is kept by its key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Costs {
    /// How long its fit took, in seconds.
    pub fit_seconds: f64,
    /// How long it takes to predict 1,000 rows, in seconds.
    pub predict_seconds: f64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Which model won, by what, and whether it is good enough. Worked out at every run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The winner's place among the models; none if nothing ranks them.
    pub best: Option<usize>,
    /// `cv`, `validation` or `test`.
    pub ranked_by: Option<&'static str>,
    /// The gates.
    pub gates: Vec<GateResult>,
}

impl Verdict {
    /// Whether every gate holds.
    pub fn passed(&self) -> bool {
        self.gates.iter().all(|gate| gate.passed)
    }
}

/// A judgement of models.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// The models' names, in order.
    pub names: Vec<String>,
    /// What is known of each.
    pub models: Vec<ModelReport>,
    /// What each costs.
    pub costs: Vec<Costs>,
    /// The winner and the gates.
    pub verdict: Verdict,
    /// What of the judged rows the models may have known before.
    pub leaks: Vec<Leak>,
    /// The object with the reports.
    pub report: Digest,
}

/// Ranks models and judges the winner.
pub(super) fn verdict(models: &[ModelReport], best: Option<&str>, gates: &[Gate]) -> Verdict {
    let (winner, ranked_by) = match best {
        Some(metric) => rank(models, metric),
        None => ((models.len() == 1).then_some(0), None),
    };
    let judged = winner.map(|winner| &models[winner]);
    let gates = gates.iter().map(|gate| gates::judge(gate, judged)).collect();
    Verdict { best: winner, ranked_by, gates }
}

/// By cross-validation if every model has it, else by the validation part, else by the rows of `on`. Ties go to the first.
fn rank(models: &[ModelReport], metric: &str) -> (Option<usize>, Option<&'static str>) {
    let direction = find_metric(metric).map_or(Direction::Higher, |entry| entry.direction);
    type Ranking<'a> = (&'static str, Box<dyn Fn(&ModelReport) -> Option<f64> + 'a>);
    let rankings: [Ranking; 3] = [
        ("cv", Box::new(|model| model.cv.as_ref()?.get(metric).copied())),
        ("validation", Box::new(|model| model.validation.as_ref()?.get(metric))),
        ("test", Box::new(|model| model.scores.get(metric))),
    ];
    for (name, value) in rankings {
        let Some(values) = models.iter().map(&value).collect::<Option<Vec<f64>>>() else { continue };
        let mut best = 0;
        for (place, value) in values.iter().enumerate() {
            if direction.better(*value, values[best]) {
                best = place;
            }
        }
        return ((!values.is_empty()).then_some(best), Some(name));
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(test: f64, validation: Option<f64>, cv: Option<f64>) -> ModelReport {
        let metrics = |value: f64| BTreeMap::from([("f1".to_owned(), value), ("log_loss".to_owned(), value)]);
        let scores = |value: f64| Scores { rows: 8, of: 10, metrics: metrics(value) };
        ModelReport {
            scores: scores(test),
            intervals: BTreeMap::new(),
            validation: validation.map(scores),
            cv: cv.map(metrics),
            cv_std: None,
            classes: Vec::new(),
            overall: None,
            confusion: Vec::new(),
            slices: Vec::new(),
            importance: None,
            bytes: 0,
            curves: None,
        }
    }

    #[test]
    fn cv_ranks_before_validation_before_test_and_ties_go_to_the_first() {
        let best = |models: &[ModelReport], metric| {
            let verdict = verdict(models, Some(metric), &[]);
            (verdict.best, verdict.ranked_by)
        };
        let all = [model(0.9, Some(0.1), Some(0.5)), model(0.1, Some(0.9), Some(0.6))];
        assert_eq!(best(&all, "f1"), (Some(1), Some("cv")));
        assert_eq!(best(&all, "log_loss"), (Some(0), Some("cv")));
        let some = [model(0.9, Some(0.1), Some(0.5)), model(0.1, Some(0.9), None)];
        assert_eq!(best(&some, "f1"), (Some(1), Some("validation")));
        let test = [model(0.9, None, None), model(0.9, None, None)];
        assert_eq!(best(&test, "f1"), (Some(0), Some("test")));
    }
}
