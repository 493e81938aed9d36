//! gristmill turns a YAML file in git into a model in production, and keeps it in good shape.

pub mod cli;
pub mod data;
pub mod deploy;
pub mod engine;
pub mod expr;
pub mod learn;
pub mod ops;
pub mod plan;
pub mod recipe;
pub mod registry;
pub mod report;
pub mod seal;
pub mod serve;
pub mod source;
pub mod spec;
pub mod store;
pub mod watch;
