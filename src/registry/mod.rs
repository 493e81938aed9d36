//! Models and their versions, aliases that point to them, and the ledger of who moved which alias and why.
//!
//! Rows of `.gristmill/state.db`. A version is a sealed model's digest and never changes; every change is one transaction,
//! waits until it is on the disk, and two processes may make theirs at once.

mod ledger;
mod models;
mod name;
mod read;
mod rows;
mod serving;

pub use ledger::{Case, Decision};
pub use models::Registry;
pub use name::{CHAMPION, LATEST, Selector};
pub use rows::{LedgerRow, ModelRow, Move, Served, Version, VersionRow};
