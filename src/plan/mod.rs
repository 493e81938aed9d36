//! The graph: names resolved, no cycles, columns and types checked from the sources to the last step.
//!
//! `build` is the only way to a `Plan`: one that exists fits together, as far as can be known before data is read.

mod aside;
mod brought;
mod build;
mod cv;
mod decision;
mod deploy;
mod ensemble;
mod evaluate;
mod graph;
mod leaks;
mod node;
mod op;
mod program;
mod protect;
mod request;
mod table;
mod tests;
mod train;
mod tune;

pub use brought::Brought;
pub use build::{Built, LastModel, Problem, Schemas, build};
pub use decision::{Decision, Threshold};
pub use ensemble::Ensemble;
pub use evaluate::Importance;
pub use node::{
    Cv, Deploy, Evaluate, Given, Input, On, Plan, PlanTest, Program, ProgramInput, Read, SourceNode, Step, StepKind,
    TableStep, Target, Train,
};
pub use op::OpNode;
pub use request::{brings, enter, request};
pub use tune::{Resource, Tune, Using};
