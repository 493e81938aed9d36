//! Ops on whole tables: those that bring in other tables, or make rows of other rows.

mod join;
mod pairs;

pub use join::Join;
