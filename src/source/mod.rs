//! Text and positions, no machine learning: from YAML to a tree of nodes, and from a mistake to a caret.

mod fault;
mod route;

pub use fault::{At, BoxError, Fault, Severity, list, nearest, suggest};
pub use route::{Route, Segment};
