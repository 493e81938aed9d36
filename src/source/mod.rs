//! Text and positions, no machine learning: from YAML to a tree of nodes, and from a mistake to a caret.

mod decode;
mod diagnostic;
mod document;
mod fault;
mod fields;
mod node;
mod parse;
mod route;
mod template;
mod traps;

pub use decode::decode;
pub use diagnostic::{Diagnostic, in_order, render};
pub use document::Document;
pub use fault::{At, BoxError, Fault, Severity, list, nearest, suggest};
pub use fields::Fields;
pub use node::{Data, Entry, Node};
pub use route::{Route, Segment};
pub use template::{Templates, render_all};
