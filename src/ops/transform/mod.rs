//! Ops that make columns for models to learn from.

mod bin;
mod derive;
mod one_hot;
mod select;
mod split;
mod standardize;

pub(super) use bin::Bin;
pub(super) use derive::Derive;
pub(super) use one_hot::OneHot;
pub(super) use select::Select;
pub(super) use split::Split;
pub(super) use standardize::Standardize;
