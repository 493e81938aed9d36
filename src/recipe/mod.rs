//! Row steps: what happens to one row at a time, the same for a table and for a request.
//!
//! Ops are lowered to these few; a table runs them through polars (`apply`), a request through an `Evaluator`, and
//! `prune` cuts a chain down to what a model reads before it is sealed.

mod lookup;
mod map;
mod prune;
mod row;
mod step;
mod table;
mod words;

pub use lookup::{AsOf, Looked, Lookup};
pub use map::{Map, Mapped};
pub use prune::{Pruned, prune};
pub use row::{Evaluator, Refusal};
pub use step::{RowStep, of_record, offspring};
pub use table::{Applied, HIDDEN, apply, evaluate, first_where};
pub use words::{Term, Words, terms};
