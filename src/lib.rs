//! gristmill turns a YAML file in git into a model in production, and keeps it in good shape.

pub mod data;
pub mod expr;
pub mod ops;
pub mod recipe;
pub mod registry;
pub mod source;
pub mod store;
