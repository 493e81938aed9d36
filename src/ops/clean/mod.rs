//! Ops that take away what is wrong with rows and columns.

mod cast;
mod columns;
mod drop_duplicates;
mod drop_missing;
mod drop_outliers;
mod fill_missing;
mod filter;
mod rename;

pub(super) use cast::Cast;
pub(super) use columns::{Drop, Keep};
pub(super) use drop_duplicates::DropDuplicates;
pub(super) use drop_missing::DropMissing;
pub(super) use drop_outliers::DropOutliers;
pub(super) use fill_missing::FillMissing;
pub(super) use filter::Filter;
pub(super) use rename::Rename;
