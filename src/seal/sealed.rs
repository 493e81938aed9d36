//! A sealed model: everything between a raw record and its answer, and nothing that can change without the answers changing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, ColumnReference, FieldFault, Predictor, Trained, format};
use crate::data::{ColumnRule, Kind, Value};
use crate::ops;
use crate::recipe::RowStep;
use crate::source::Fault;

/// Raised when sealed models change their form, or answer with other bits.
pub const FORMAT: u32 = 4;

/// One field of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputField {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// The values it may have; any if empty.
    pub one_of: Vec<Value>,
    /// The lowest value.
    pub min: Option<f64>,
    /// The highest value.
    pub max: Option<f64>,
    /// Texts that mean "no value", beside the empty one: those of the source.
    pub missing: Vec<String>,
}

impl InputField {
    /// A field with what its contract says of its values.
    pub fn new(name: &str, kind: Kind, rule: Option<&ColumnRule>, missing: &[String]) -> Self {
        let allowed = rule.and_then(|rule| rule.one_of.as_ref());
        Self {
            name: name.to_owned(),
            kind,
            one_of: allowed.into_iter().flatten().filter_map(|json| Value::from_json(json, kind)).collect(),
            min: rule.and_then(|rule| rule.min),
            max: rule.and_then(|rule| rule.max),
            missing: missing.to_vec(),
        }
    }

    /// The value that JSON holds for this field: a text that means "no value" is none, as it is in the source.
    pub(super) fn value(&self, json: &serde_json::Value) -> Option<Value> {
        match json.as_str() {
            Some(text) if text.is_empty() || self.missing.iter().any(|missing| missing == text) => Some(Value::Null),
            _ => Value::from_json(json, self.kind),
        }
    }

    /// Why a value can't be taken. No value is for the ops to judge.
    pub(super) fn refuses(&self, value: &Value) -> Option<String> {
        if value.is_null() {
            return None;
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let known: Vec<String> = self.one_of.iter().map(|value| format!("`{value}`")).collect();
            return Some(format!("must be one of {}", known.join(", ")));
        }
        let number = value.as_f64()?;
        match (self.min, self.max) {
            (Some(min), _) if number < min => Some(format!("must be at least {min}")),
            (_, Some(max)) if number > max => Some(format!("must be at most {max}")),
            _ => None,
        }
    }
}

/// What a request holds and what an answer means.
pub type Signature = Vec<InputField>;

/// A raw record of the train rows and what the model said of it: replayed when the model is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The values, in the order of the signature.
    pub record: Vec<Value>,
    /// What came of it.
    pub outcome: Result<Answer, FieldFault>,
}

/// A sealed model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// The form of these bytes.
    pub format: u32,
    /// The versions of the ops that were lowered.
    pub ops: BTreeMap<String, u32>,
    /// The fields of a request.
    pub signature: Signature,
    /// From the raw record to the features.
    pub steps: Vec<RowStep>,
    /// The model.
    pub trained: Trained,
    /// What the raw columns of the train rows looked like.
    pub reference: Vec<ColumnReference>,
    /// Records with their answers.
    pub samples: Vec<Sample>,
}

impl Sealed {
    /// The canonical bytes: their digest names the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        format::to_bytes(self)
    }

    /// From bytes, ready to answer: every recorded sample must be answered as it was when the model was sealed.
    ///
    /// # Errors
    /// If the bytes aren't a sealed model, if a newer gristmill made them, or if a sample is answered otherwise.
    pub fn open(bytes: &[u8]) -> Result<Predictor, Fault> {
        let sealed: Self = format::from_bytes(bytes)?;
        if sealed.format != FORMAT {
            return Err(Fault::new(
                "newer-format",
                format!("the model has format {}, and this gristmill reads {FORMAT}", sealed.format),
            )
            .help("use the gristmill that made it, or train it again"));
        }
        for (name, version) in &sealed.ops {
            let known = ops::catalogue().iter().find(|entry| entry.name == name);
            if known.is_none_or(|entry| entry.version < *version) {
                return Err(Fault::new(
                    "newer-format",
                    format!("the model was made with `{name}` of version {version}, which this gristmill doesn't have"),
                )
                .help("use the gristmill that made it, or train it again"));
            }
        }
        sealed.trained.check()?;
        let predictor = Predictor::new(sealed)?;
        predictor.replay()?;
        Ok(predictor)
    }
}
