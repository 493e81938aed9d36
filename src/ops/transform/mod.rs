//! Ops that make columns for models to learn from.

mod bin;
mod count_encode;
mod derive;
mod group_rare;
mod hash_encode;
mod one_hot;
mod pca;
mod select;
mod split;
mod standardize;
mod target_encode;
mod text;

pub(super) use bin::Bin;
pub(super) use count_encode::CountEncode;
pub(super) use derive::Derive;
pub(super) use group_rare::GroupRare;
pub(super) use hash_encode::HashEncode;
pub(super) use one_hot::OneHot;
pub(super) use pca::Pca;
pub(super) use select::Select;
pub(super) use split::Split;
pub(super) use standardize::Standardize;
pub(super) use target_encode::TargetEncode;
pub(super) use text::Text;
