//! What was written, typed. Nothing is looked up here: names may lead nowhere, and columns may not exist.

mod decision;
mod duration;
mod files;
mod gates;
mod importance;
mod limits;
mod load;
mod marks;
mod matrix;
mod overrides;
mod pipeline;
mod profiles;
mod promote;
mod run;
mod schedule;
pub mod schema;
mod size;
mod source;
mod step;
mod tune;
mod verbs;
mod watch;

pub use decision::{DecisionSpec, ThresholdSpec};
pub use duration::{TIME_SPAN, TimeSpan};
pub use files::Files;
pub use gates::MIN_ROWS;
pub use limits::Limits;
pub use load::{Loaded, load};
pub use marks::{Piece, pieces, written};
pub use overrides::Overrides;
pub use pipeline::{Roles, Spec, TargetSpec, TestSpec};
pub use run::{BroughtSpec, Command, Cwd, InputSpec, ModelFields, OutputKind, OutputSpec, RunSpec};
pub use schedule::Schedule;
pub use size::{MEMORY, Memory};
pub use source::{Origin, SourceSpec, TableFields};
pub use step::{
    Bar, CvSpec, DeploySpec, EvaluateSpec, Gate, ImportanceSpec, OpSpec, Over, Promotion, Refit, StepSpec, TableSpec,
    TargetKind, TrainSpec, Update, Verb, VerbKind, Weights,
};
pub use tune::{MOST as MOST_TRIALS, TuneSpec, Using};
pub use watch::WatchSpec;
