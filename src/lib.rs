//! gristmill: a YAML file in git becomes a model in production.
#![forbid(unsafe_code)]

pub mod data;
pub mod source;
