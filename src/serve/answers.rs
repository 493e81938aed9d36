//! From records to the text of a response, or to everything that is wrong with the records.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use super::Model;
use super::errors::{Detail, Failure, MOST_DETAILS};
use super::request::Row;
use crate::learn::Task;
use crate::seal::{Answer, Contributions, FieldFault, Unexplained};

/// The largest response, in bytes: many records times many classes could otherwise fill the memory.
const LARGEST: usize = 64 << 20;

/// Answers every record, and says with `explain` what each feature contributes. `stop` ends it early, for a client that waits no longer.
///
/// # Errors
/// With everything that is wrong with any of the records.
pub(super) fn answer(model: &Model, rows: &[Row], explain: bool, stop: &AtomicBool) -> Result<String, Failure> {
    let mut text = Text::new(model, explain);
    let mut wrong = Wrong::default();
    for (row, record) in rows.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::broken());
        }
        match one(model, record, explain)? {
            Err(faults) => wrong.add(row, faults),
            Ok(_) if wrong.count > 0 => {}
            Ok((answer, contributions)) => text.add(&answer, contributions.as_ref())?,
        }
    }
    if wrong.count > 0 {
        return Err(Failure::records(&wrong.details, wrong.count));
    }
    Ok(text.finish(model))
}

type Answered = Result<(Answer, Option<Contributions>), Vec<FieldFault>>;

/// The answer to one record. The failure is the whole request's: the model explains nothing.
fn one(model: &Model, row: &Row, explain: bool) -> Result<Answered, Failure> {
    let Some(record) = row else {
        let reason = "must be an object, a value for each field".into();
        return Ok(Err(vec![FieldFault { field: None, reason }]));
    };
    let values = match model.predictor.record(record) {
        Ok(values) => values,
        Err(faults) => return Ok(Err(faults)),
    };
    if !explain {
        return Ok(model.predictor.answer(&values).map(|answer| (answer, None)).map_err(|fault| vec![fault]));
    }
    match model.predictor.explain(&values) {
        Ok((answer, contributions)) => Ok(Ok((answer, Some(contributions)))),
        Err(Unexplained::Record(fault)) => Ok(Err(vec![fault])),
        Err(Unexplained::Model(fault)) => Err(Failure::new(StatusCode::BAD_REQUEST, fault.message)),
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Wrong {
    details: Vec<Detail>,
    count: usize,
}

impl Wrong {
    fn add(&mut self, row: usize, faults: Vec<FieldFault>) {
        self.count += faults.len();
        let room = MOST_DETAILS.saturating_sub(self.details.len());
        let told = faults.into_iter().take(room);
        self.details.extend(told.map(|fault| Detail { row: Some(row), field: fault.field, reason: fault.reason }));
    }
}

/// The response as it grows.
struct Text {
    /// Each class as a key of an object, its colon included; empty for numbers.
    keys: Vec<String>,
    predictions: String,
    probabilities: String,
    /// Each feature as a key of an object, its colon included, and the explanations; if they are asked for.
    explanations: Option<(Vec<String>, String)>,
}

impl Text {
    fn new(model: &Model, explain: bool) -> Self {
        let trained = &model.predictor.sealed().trained;
        let keys = trained.classes.iter().map(|class| key(class.to_string()));
        let features = || trained.features.iter().map(|feature| key(feature.name.clone())).collect();
        Self {
            keys: keys.collect(),
            predictions: String::new(),
            probabilities: String::new(),
            explanations: explain.then(|| (features(), String::new())),
        }
    }

    fn add(&mut self, answer: &Answer, contributions: Option<&Contributions>) -> Result<(), Failure> {
        separate(&mut self.predictions);
        self.predictions.push_str(&answer.prediction.to_json().to_string());
        if !self.keys.is_empty() {
            separate(&mut self.probabilities);
            object(&mut self.probabilities, &self.keys, &answer.probability);
        }
        if let (Some((keys, text)), Some(found)) = (&mut self.explanations, contributions) {
            separate(text);
            let class = found.class.as_ref().map_or(Json::Null, |class| class.to_json());
            let base = Json::from(found.base);
            text.push_str(&format!(
                "{{\"class\":{class},\"scale\":{},\"of\":{},\"method\":{},\"base\":{base},\"contributions\":",
                json!(found.scale),
                json!(found.of),
                json!(found.method)
            ));
            object(text, keys, &found.values);
            text.push('}');
        }
        let explanations = self.explanations.as_ref().map_or(0, |(_, text)| text.len());
        if self.predictions.len() + self.probabilities.len() + explanations > LARGEST {
            return Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the answer would be too large: split the records over several requests",
            ));
        }
        Ok(())
    }

    fn finish(self, model: &Model) -> String {
        let by = json!({"name": model.name, "version": model.version, "digest": model.digest});
        let probability = match model.predictor.sealed().trained.task {
            Task::Classification => format!("[{}]", self.probabilities),
            Task::Regression => "null".to_owned(),
        };
        let explanations = self.explanations.map_or(String::new(), |(_, text)| format!("\"explanation\":[{text}],"));
        format!("{{\"prediction\":[{}],\"probability\":{probability},{explanations}\"model\":{by}}}", self.predictions)
    }
}

/// A key of an object, its colon included.
fn key(name: String) -> String {
    format!("{}:", Json::String(name))
}

/// An object of numbers. One that isn't finite becomes null.
fn object(text: &mut String, keys: &[String], values: &[f64]) {
    text.push('{');
    for (nth, (key, value)) in keys.iter().zip(values).enumerate() {
        if nth > 0 {
            text.push(',');
        }
        text.push_str(key);
        text.push_str(&Json::from(*value).to_string());
    }
    text.push('}');
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push(',');
    }
}
