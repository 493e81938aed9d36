//! A sealed model at work: raw records in, answers out.

use std::cell::RefCell;
use std::sync::OnceLock;

use polars::prelude::DataFrame;
use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use super::{Answer, Contributions, FieldFault, Sealed};
use crate::data::{Value, unexpected, value_at};
use crate::learn::{Background, Task};
use crate::recipe::Evaluator;
use crate::source::Fault;

/// A model that is ready to answer.
pub struct Predictor {
    sealed: Sealed,
    evaluator: Evaluator,
    /// Made of the recorded samples when it is first needed.
    background: OnceLock<Background>,
}

/// Memory that is used again from record to record.
#[derive(Default)]
struct Scratch {
    slots: Vec<Value>,
    features: Vec<Value>,
    row: Vec<f64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Predictor {
    pub(super) fn new(sealed: Sealed) -> Result<Self, Fault> {
        let inputs: Vec<String> = sealed.signature.iter().map(|field| field.name.clone()).collect();
        let features: Vec<String> = sealed.trained.features.iter().map(|feature| feature.name.clone()).collect();
        let evaluator = Evaluator::new(&sealed.steps, &inputs, &features)?;
        Ok(Self { sealed, evaluator, background: OnceLock::new() })
    }

    /// The model.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The recorded samples are answered as they were when the model was sealed, or the model isn't used.
    pub(super) fn replay(&self) -> Result<(), Fault> {
        for (nth, sample) in self.sealed.samples.iter().enumerate() {
            if sample.record.len() != self.sealed.signature.len() || self.answer(&sample.record) != sample.outcome {
                return Err(Fault::new(
                    "broken-model",
                    format!("the model answers its recorded sample {} otherwise than when it was made", nth + 1),
                )
                .help("the file or the program is damaged: fetch the model again, or train it again"));
            }
        }
        Ok(())
    }

    /// A record of JSON as values in the order of the signature, or everything that is wrong with it. Fields that the model
    /// doesn't ask for are passed over.
    pub fn record(&self, json: &Map<String, Json>) -> Result<Vec<Value>, Vec<FieldFault>> {
        let mut values = Vec::with_capacity(self.sealed.signature.len());
        let mut faults = Vec::new();
        for field in &self.sealed.signature {
            let Some(json) = json.get(&field.name) else {
                faults.push(FieldFault::of(&field.name, "is missing"));
                continue;
            };
            match field.value(json) {
                None => faults.push(FieldFault::of(&field.name, format!("must be {}", field.kind.noun()))),
                Some(value) => match field.refuses(&value) {
                    Some(reason) => faults.push(FieldFault::of(&field.name, reason)),
                    None => values.push(value),
                },
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(faults) }
    }

    /// The answer to a record whose values are in the order of the signature.
    pub fn answer(&self, record: &[Value]) -> Result<Answer, FieldFault> {
        SCRATCH.with_borrow_mut(|scratch| self.answer_with(record, scratch))
    }

    fn answer_with(&self, record: &[Value], scratch: &mut Scratch) -> Result<Answer, FieldFault> {
        self.features(record, scratch)?;
        let answer = self.said(&scratch.row);
        // Only a network that was made elsewhere comes so far.
        if answer.prediction.is_null() || answer.probability.iter().any(|chance| chance.is_nan()) {
            return Err(FieldFault { field: None, reason: "the model gives no number for this record".to_owned() });
        }
        Ok(answer)
    }

    /// The answer to a record, and what each feature contributes to it.
    ///
    /// # Errors
    /// If the record is refused, or the model's answers can't be explained.
    pub fn explain(&self, record: &[Value]) -> Result<(Answer, Contributions), Unexplained> {
        let mut scratch = Scratch::default();
        self.features(record, &mut scratch).map_err(Unexplained::Record)?;
        let trained = &self.sealed.trained;
        let explanation = trained.estimator.explain(&scratch.row, self.background()).map_err(Unexplained::Model)?;
        let answer = self.said(&scratch.row);
        let output = match trained.classes.len() {
            0 | 1 => 0,
            2 => trained.positive.unwrap_or(1) as usize,
            _ => trained.decide(&answer.probability) as usize,
        };
        let contributions = Contributions::of(&explanation, output, trained.classes.get(output).cloned());
        Ok((answer, contributions))
    }

    /// The features of the recorded samples: train rows that features are taken from where an explanation is sampled.
    fn background(&self) -> &Background {
        self.background.get_or_init(|| {
            let row = |record: &[Value]| {
                let mut scratch = Scratch::default();
                self.features(record, &mut scratch).ok().map(|()| scratch.row)
            };
            Background::new(self.sealed.samples.iter().filter_map(|sample| row(&sample.record)).collect())
        })
    }

    /// The features of a record, as the model reads them, into `scratch.row`.
    fn features(&self, record: &[Value], scratch: &mut Scratch) -> Result<(), FieldFault> {
        let Scratch { slots, features, row } = scratch;
        self.evaluator
            .run(record, slots, features)
            .map_err(|refusal| FieldFault { field: refusal.field, reason: refusal.reason })?;
        row.clear();
        let trained = &self.sealed.trained;
        for (value, feature) in features.iter().zip(&trained.features) {
            let number = feature.read(value);
            if number.is_nan() && !trained.missing {
                let reason = format!("the feature `{}` has no value", feature.name);
                return Err(FieldFault { field: None, reason });
            }
            row.push(number);
        }
        Ok(())
    }

    /// What the model says of a row of features.
    fn said(&self, row: &[f64]) -> Answer {
        let trained = &self.sealed.trained;
        let mut outputs = vec![0.0; trained.estimator.outputs()];
        trained.estimator.predict_row(row, &mut outputs);
        match trained.task {
            Task::Regression => Answer { prediction: Value::float(outputs[0]), probability: Vec::new() },
            Task::Classification => {
                Answer { prediction: trained.classes[trained.decide(&outputs) as usize].clone(), probability: outputs }
            }
        }
    }

    /// The raw records of a table's rows, each with what the signature refuses in it.
    fn table_records<T: Send>(
        &self,
        frame: &DataFrame,
        answer: impl Fn(&[Value]) -> Result<T, FieldFault> + Sync,
    ) -> Result<Vec<Result<T, FieldFault>>, Fault> {
        let columns = self
            .sealed
            .signature
            .iter()
            .map(|field| frame.column(&field.name).map_err(unexpected))
            .collect::<Result<Vec<_>, _>>()?;
        let rows = (0..frame.height()).into_par_iter();
        Ok(rows
            .map(|row| {
                let mut record = Vec::with_capacity(columns.len());
                for (column, field) in columns.iter().zip(&self.sealed.signature) {
                    let value = value_at(column, row);
                    if let Some(reason) = field.refuses(&value) {
                        return Err(FieldFault::of(&field.name, reason));
                    }
                    record.push(value);
                }
                answer(&record)
            })
            .collect())
    }

    /// The answers to a table's rows, in their order. A value that the signature refuses is refused as in a request.
    ///
    /// # Errors
    /// If the table lacks a column of the signature.
    pub fn answer_table(&self, frame: &DataFrame) -> Result<Vec<Result<Answer, FieldFault>>, Fault> {
        self.table_records(frame, |record| self.answer(record))
    }

    /// The answers to a table's rows with what each feature contributes to them.
    ///
    /// # Errors
    /// If the table lacks a column of the signature, or the model's answers can't be explained.
    pub fn explain_table(&self, frame: &DataFrame) -> Result<Vec<Explained>, Fault> {
        let found = self.table_records(frame, |record| match self.explain(record) {
            Ok(found) => Ok(Ok(found)),
            Err(Unexplained::Record(fault)) => Err(fault),
            Err(Unexplained::Model(fault)) => Ok(Err(fault)),
        })?;
        found.into_iter().map(|row| row.map_or_else(|fault| Ok(Err(fault)), |found| found.map(Ok))).collect()
    }
}

/// An answer with what each feature contributes to it, or why the record has none.
pub type Explained = Result<(Answer, Contributions), FieldFault>;

/// Why there is no explanation.
#[derive(Debug)]
pub enum Unexplained {
    /// The record is refused.
    Record(FieldFault),
    /// What the model's features contribute can't be told.
    Model(Fault),
}
