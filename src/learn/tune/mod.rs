//! Searching hyper-parameters: the space of what they may be, and what is tried next.
//!
//! What is tried depends on the space, the seed and the trials of earlier batches alone, never on which trial ended
//! first: a search gives the same trials on any number of threads.

mod halving;
mod importance;
mod propose;
mod prune;
mod space;
mod tpe;

pub use halving::{FACTOR, Rung, rungs, sample};
pub use importance::{LEAST as LEAST_FOR_IMPORTANCE, importance};
pub use propose::{BATCH, Method, Tried, propose};
pub use prune::{WARM_UP, falls_behind};
pub use space::{Combination, Dimension, Space};

#[cfg(test)]
mod tests;
