//! A sealed model at work: raw records in, answers out.

use std::cell::RefCell;

use polars::prelude::DataFrame;
use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use super::{Answer, FieldFault, Sealed};
use crate::data::{Value, unexpected, value_at};
use crate::learn::Task;
use crate::recipe::Evaluator;
use crate::source::Fault;

/// A model that is ready to answer.
pub struct Predictor {
    sealed: Sealed,
    evaluator: Evaluator,
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
        Ok(Self { sealed, evaluator })
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
        let mut outputs = vec![0.0; trained.estimator.outputs()];
        trained.estimator.predict_row(row, &mut outputs);
        Ok(match trained.task {
            Task::Regression => Answer { prediction: Value::float(outputs[0]), probability: Vec::new() },
            Task::Classification => {
                Answer { prediction: trained.classes[trained.decide(&outputs) as usize].clone(), probability: outputs }
            }
        })
    }

    /// The answers to a table's rows, in their order. A value that the signature refuses is refused as in a request.
    ///
    /// # Errors
    /// If the table lacks a column of the signature.
    pub fn answer_table(&self, frame: &DataFrame) -> Result<Vec<Result<Answer, FieldFault>>, Fault> {
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
                self.answer(&record)
            })
            .collect())
    }
}
