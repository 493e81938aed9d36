//! A model that a program brings: it isn't learned here, so it is no part of the catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model, ModelEntry};
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// What is told of a model that a program brings.
pub static BROUGHT: ModelEntry = ModelEntry::of::<Brought>();

/// Nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// A network in ONNX.
#[derive(Debug, Serialize)]
pub struct Brought {}

impl Model for Brought {
    const NAME: &'static str = "onnx";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "a network that a program left";
    const EXAMPLE: &'static str = "{}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = false;
    const HYPER: &'static [HyperParameter] = &[];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[];
    type Params = Params;

    fn check(_: Params) -> Result<Self, Vec<Fault>> {
        Ok(Self {})
    }

    fn fit(&self, _: &Training) -> Result<Estimator, Fault> {
        Err(Fault::new("not-trained-here", "a model that a program brings is trained by that program alone"))
    }
}
