//! The trials of a search, as they are kept and as a table.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::data::{Kind, Value, column_of, unexpected};
use crate::learn::{Direction, find_metric};
use crate::source::Fault;

/// What became of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was judged on every fold.
    Ok,
    /// It was clearly behind, and ended early.
    Pruned,
    /// It can't be learned, or has no score.
    Failed,
}

impl Status {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Pruned => "pruned",
            Status::Failed => "failed",
        }
    }
}

/// One combination and how it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 1.
    pub trial: usize,
    /// The values, in the order of [`Trials::params`].
    pub values: Vec<Json>,
    /// What became of it.
    pub status: Status,
    /// The share of the resource that it got: below 1 for one that `halving` left behind.
    pub share: f64,
    /// The mean of its scores.
    pub score: Option<f64>,
    /// Their standard deviation, of the population.
    pub std: Option<f64>,
    /// The score of each fold that it was judged on.
    pub folds: Vec<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A search that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// What was to be best.
    pub metric: String,
    /// How the space was searched.
    pub method: String,
    /// What trials were judged on: `validation` or `cv`.
    pub using: String,
    /// The hyper-parameters, sorted.
    pub params: Vec<String>,
    /// The trials, in order.
    pub trials: Vec<Trial>,
    /// The winner's place among them.
    pub best: usize,
    /// Each hyper-parameter's share in the score; none where there are too few trials to tell.
    pub importance: Option<BTreeMap<String, f64>>,
}

impl Trials {
    /// From the bytes that are kept.
    ///
    /// # Errors
    /// If they aren't trials.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let broken = || Fault::new("broken-record", "kept trials can't be read").help("run with `--force`");
        let found: Self = serde_json::from_slice(bytes).map_err(|error| broken().because(error))?;
        let fits = |trial: &Trial| trial.values.len() == found.params.len();
        if found.best < found.trials.len() && found.trials.iter().all(fits) { Ok(found) } else { Err(broken()) }
    }

    /// The winner.
    pub fn best(&self) -> &Trial {
        &self.trials[self.best]
    }

    /// The values of a trial by name.
    pub fn named(&self, trial: &Trial) -> BTreeMap<String, Json> {
        self.params.iter().cloned().zip(trial.values.iter().cloned()).collect()
    }

    /// For machines: the winner's hyper-parameters and score.
    pub fn best_json(&self) -> Json {
        let best = self.best();
        json!({"metric": self.metric, "score": best.score, "std": best.std, "trial": best.trial, "trials": self.trials.len(), "params": self.named(best)})
    }

    /// "f1 0.9312 in the best of 30 trials".
    pub fn summary(&self) -> String {
        let score = self.best().score.map_or(String::new(), |score| format!(" {score:.4}"));
        format!("{}{score} in the best of {} trials", self.metric, self.trials.len())
    }

    /// The trials from the best to the worst: those judged on everything by score, then the others.
    pub fn ranked(&self) -> Vec<&Trial> {
        let direction = find_metric(&self.metric).map_or(Direction::Higher, |entry| entry.direction);
        let sign = if direction == Direction::Higher { 1.0 } else { -1.0 };
        let key = |trial: &Trial| {
            let place = match trial.status {
                Status::Ok => 0,
                Status::Pruned => 1,
                Status::Failed => 2,
            };
            (place, trial.score.map_or(f64::INFINITY, |score| -sign * score))
        };
        let mut ranked: Vec<&Trial> = self.trials.iter().collect();
        ranked.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        ranked
    }

    /// As a table, a row a trial. `seconds` tells how long each took; none that was made elsewhere.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn table(&self, seconds: &[f64]) -> Result<DataFrame, Fault> {
        let floats = |name: &str, of: &dyn Fn(&Trial) -> Option<f64>| {
            let values: Vec<Value> =
                self.trials.iter().map(|trial| of(trial).map_or(Value::Null, Value::float)).collect();
            column_of(name, Kind::Float, &values)
        };
        let texts = |name: &str, of: &dyn Fn(&Trial) -> Option<String>| {
            let values: Vec<Value> =
                self.trials.iter().map(|trial| of(trial).map_or(Value::Null, Value::str)).collect();
            column_of(name, Kind::Str, &values)
        };
        let numbers: Vec<Value> = self.trials.iter().map(|trial| Value::Int(trial.trial as i64)).collect();
        let mut columns = vec![column_of("trial", Kind::Int, &numbers)];
        for (place, name) in self.params.iter().enumerate() {
            let kind = self.kind(place);
            let values: Vec<Value> = self.trials.iter().map(|trial| cell(&trial.values[place], kind)).collect();
            columns.push(column_of(name, kind, &values));
        }
        columns.push(texts("status", &|trial| Some(trial.status.name().to_owned())));
        columns.push(floats("score", &|trial| trial.score));
        columns.push(floats("std", &|trial| trial.std));
        let folds = self.trials.iter().map(|trial| trial.folds.len()).max().unwrap_or_default();
        for fold in 0..folds {
            columns.push(floats(&format!("fold_{}", fold + 1), &|trial| trial.folds.get(fold).copied()));
        }
        if self.trials.iter().any(|trial| trial.share < 1.0) {
            columns.push(floats("share", &|trial| Some(trial.share)));
        }
        columns.push(floats("seconds", &|trial| seconds.get(trial.trial - 1).copied()));
        columns.push(texts("error", &|trial| trial.error.clone()));
        DataFrame::new(self.trials.len(), columns).map_err(unexpected)
    }

    /// The narrowest type that holds every value of a hyper-parameter.
    fn kind(&self, place: usize) -> Kind {
        let values = || self.trials.iter().map(|trial| &trial.values[place]).filter(|value| !value.is_null());
        match () {
            () if values().all(Json::is_i64) => Kind::Int,
            () if values().all(Json::is_number) => Kind::Float,
            () if values().all(Json::is_boolean) => Kind::Bool,
            () => Kind::Str,
        }
    }
}

fn cell(value: &Json, kind: Kind) -> Value {
    match (value, kind) {
        (Json::Null, _) => Value::Null,
        (Json::String(text), Kind::Str) => Value::str(text),
        (value, Kind::Str) => Value::str(value.to_string()),
        (value, kind) => Value::from_json(value, kind).unwrap_or(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(trial: usize, values: Vec<Json>, status: Status, score: Option<f64>) -> Trial {
        let folds = score.into_iter().collect();
        Trial { trial, values, status, share: 1.0, score, std: None, folds, error: None }
    }

    fn trials() -> Trials {
        Trials {
            metric: "rmse".into(),
            method: "random".into(),
            using: "cv".into(),
            params: vec!["layers".into(), "rate".into()],
            trials: vec![
                trial(1, vec![json!([8, 4]), json!(1)], Status::Ok, Some(3.0)),
                trial(2, vec![json!(null), json!(0.5)], Status::Pruned, Some(1.0)),
                trial(3, vec![json!("a"), json!(2)], Status::Failed, None),
                trial(4, vec![json!([8]), json!(3)], Status::Ok, Some(2.0)),
            ],
            best: 3,
            importance: None,
        }
    }

    #[test]
    fn less_is_better_where_the_metric_says_so() {
        let trials = trials();
        let order: Vec<usize> = trials.ranked().iter().map(|trial| trial.trial).collect();
        assert_eq!(order, [4, 1, 2, 3]);
        assert_eq!(trials.summary(), "rmse 2.0000 in the best of 4 trials");
    }

    #[test]
    fn a_table_has_a_column_for_each_hyper_parameter() {
        let table = trials().table(&[0.5]).expect("a table");
        let names: Vec<String> = table.get_column_names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["trial", "layers", "rate", "status", "score", "std", "fold_1", "seconds", "error"]);
        let text = String::from_utf8(crate::data::write(&table, "t.csv").expect("csv")).expect("text");
        assert!(text.contains("1,\"[8,4]\",1.0,ok,3.0,,3.0,0.5,"), "{text}");
    }

    #[test]
    fn bytes_that_are_no_trials_are_refused() {
        let mut json = json!(trials());
        assert_eq!(Trials::from_bytes(json.to_string().as_bytes()).expect("trials"), trials());
        json["best"] = json!(9);
        assert_eq!(Trials::from_bytes(json.to_string().as_bytes()).expect_err("a fault").code, "broken-record");
    }
}
