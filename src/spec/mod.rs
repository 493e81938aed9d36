//! What was written, typed. Nothing is looked up here: names may lead nowhere, and columns may not exist.

mod duration;
mod load;
mod overrides;
mod pipeline;
pub mod schema;
mod source;
mod step;
mod verbs;

pub use duration::{TIME_SPAN, TimeSpan};
pub use load::{Loaded, load};
pub use overrides::Overrides;
pub use pipeline::{Roles, Spec, TargetSpec, TestSpec};
pub use source::SourceSpec;
pub use step::{
    CvSpec, DeploySpec, EvaluateSpec, Gate, OpSpec, StepSpec, TableSpec, TargetKind, TrainSpec, Verb, VerbKind, Weights,
};
