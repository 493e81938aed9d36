//! What systems for continuous integration read: pure functions from what is known of a run to text.

pub mod github;
pub mod gitlab;
mod markdown;
mod openmetrics;

pub use markdown::markdown;
pub use openmetrics::openmetrics;
