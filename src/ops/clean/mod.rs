//! Ops that take away what is wrong with rows and columns.

mod bound;
mod cast;
mod clip;
mod columns;
mod drop_duplicates;
mod drop_missing;
mod drop_outliers;
mod fill_missing;
mod filter;
mod rename;
mod replace;
mod spelling;

pub(super) use cast::Cast;
pub(super) use clip::Clip;
pub(super) use columns::{Drop, Keep};
pub(super) use drop_duplicates::DropDuplicates;
pub(super) use drop_missing::DropMissing;
pub(super) use drop_outliers::DropOutliers;
pub(super) use fill_missing::FillMissing;
pub(super) use filter::Filter;
pub(super) use rename::Rename;
pub(super) use replace::Replace;
pub(super) use spelling::{Lower, Trim, Upper};
