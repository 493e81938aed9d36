//! From records to the text of a response, or to everything that is wrong with the records.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use super::Model;
use super::errors::{Detail, Failure, MOST_DETAILS};
use super::request::Row;
use crate::learn::Task;
use crate::seal::{Answer, FieldFault};

/// The largest response, in bytes: many records times many classes could otherwise fill the memory.
const LARGEST: usize = 64 << 20;

/// Answers every record. `stop` ends it early, for a client that waits no longer.
///
/// # Errors
/// With everything that is wrong with any of the records.
pub(super) fn answer(model: &Model, rows: &[Row], stop: &AtomicBool) -> Result<String, Failure> {
    let mut text = Text::new(model);
    let mut wrong = Wrong::default();
    for (row, record) in rows.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::broken());
        }
        match one(model, record) {
            Err(faults) => wrong.add(row, faults),
            Ok(_) if wrong.count > 0 => {}
            Ok(answer) => text.add(&answer)?,
        }
    }
    if wrong.count > 0 {
        return Err(Failure::records(&wrong.details, wrong.count));
    }
    Ok(text.finish(model))
}

fn one(model: &Model, row: &Row) -> Result<Answer, Vec<FieldFault>> {
    let Some(record) = row else {
        return Err(vec![FieldFault { field: None, reason: "must be an object, a value for each field".into() }]);
    };
    let values = model.predictor.record(record)?;
    model.predictor.answer(&values).map_err(|fault| vec![fault])
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
}

impl Text {
    fn new(model: &Model) -> Self {
        let classes = &model.predictor.sealed().trained.classes;
        let keys = classes.iter().map(|class| format!("{}:", Json::String(class.to_string())));
        Self { keys: keys.collect(), predictions: String::new(), probabilities: String::new() }
    }

    fn add(&mut self, answer: &Answer) -> Result<(), Failure> {
        separate(&mut self.predictions);
        self.predictions.push_str(&answer.prediction.to_json().to_string());
        if !self.keys.is_empty() {
            separate(&mut self.probabilities);
            self.probabilities.push('{');
            for (nth, (key, probability)) in self.keys.iter().zip(&answer.probability).enumerate() {
                if nth > 0 {
                    self.probabilities.push(',');
                }
                self.probabilities.push_str(key);
                // A number that isn't finite becomes null.
                self.probabilities.push_str(&Json::from(*probability).to_string());
            }
            self.probabilities.push('}');
        }
        if self.predictions.len() + self.probabilities.len() > LARGEST {
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
        format!("{{\"prediction\":[{}],\"probability\":{probability},\"model\":{by}}}", self.predictions)
    }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push(',');
    }
}
