//! Every op, one line each. Schema, documentation, messages, keys and contract tests follow from here.

use super::{OpEntry, clean, table, transform};
use crate::source::{Fault, suggest};

static CATALOGUE: [OpEntry; 29] = [
    OpEntry::of::<clean::DropMissing>(),
    OpEntry::of::<clean::FillMissing>(),
    OpEntry::of::<clean::DropDuplicates>(),
    OpEntry::of::<clean::DropOutliers>(),
    OpEntry::of::<clean::Filter>(),
    OpEntry::of::<clean::Rename>(),
    OpEntry::of::<clean::Cast>(),
    OpEntry::of::<clean::Drop>(),
    OpEntry::of::<clean::Keep>(),
    OpEntry::of::<transform::Derive>(),
    OpEntry::of::<transform::Split>(),
    OpEntry::of::<transform::Bin>(),
    OpEntry::of::<transform::OneHot>(),
    OpEntry::of::<transform::GroupRare>(),
    OpEntry::of::<transform::TargetEncode>(),
    OpEntry::of::<transform::CountEncode>(),
    OpEntry::of::<transform::HashEncode>(),
    OpEntry::of::<transform::Standardize>(),
    OpEntry::of::<transform::Text>(),
    OpEntry::of::<transform::Pca>(),
    OpEntry::of::<transform::Select>(),
    OpEntry::of::<table::Join>(),
    OpEntry::of::<table::Aggregate>(),
    OpEntry::of::<table::Lag>(),
    OpEntry::of::<table::Rolling>(),
    OpEntry::of::<table::Balance>(),
    OpEntry::of::<table::Sort>(),
    OpEntry::of::<table::Sample>(),
    OpEntry::of::<table::Limit>(),
];

/// Ops that the language has and this version doesn't.
const LATER: &[&str] = &[
    "clip",
    "replace",
    "trim",
    "lower",
    "upper",
    "ordinal",
    "min_max",
    "robust_scale",
    "max_abs",
    "log",
    "sqrt",
    "yeo_johnson",
    "quantile_transform",
    "polynomial",
    "date_parts",
    "cyclical",
    "sql",
];

/// What people call an op elsewhere, and its name here.
const SYNONYMS: &[(&str, &str)] = &[
    ("dropna", "drop_missing"),
    ("drop_nulls", "drop_missing"),
    ("drop_na", "drop_missing"),
    ("fillna", "fill_missing"),
    ("fill_null", "fill_missing"),
    ("impute", "fill_missing"),
    ("unique", "drop_duplicates"),
    ("distinct", "drop_duplicates"),
    ("dedupe", "drop_duplicates"),
    ("where", "filter"),
    ("query", "filter"),
    ("select_columns", "keep"),
    ("astype", "cast"),
    ("mutate", "derive"),
    ("assign", "derive"),
    ("with_columns", "derive"),
    ("train_test_split", "split"),
    ("cut", "bin"),
    ("onehot", "one_hot"),
    ("get_dummies", "one_hot"),
    ("dummies", "one_hot"),
    ("scale", "standardize"),
    ("standard_scaler", "standardize"),
    ("zscore", "standardize"),
    ("remove_outliers", "drop_outliers"),
    ("group_by", "aggregate"),
    ("groupby", "aggregate"),
    ("summarise", "aggregate"),
    ("summarize", "aggregate"),
    ("shift", "lag"),
    ("window", "rolling"),
    ("merge", "join"),
    ("left_join", "join"),
    ("merge_asof", "join"),
    ("join_asof", "join"),
    ("rare_label_encoder", "group_rare"),
    ("lump", "group_rare"),
    ("fct_lump", "group_rare"),
    ("mean_encode", "target_encode"),
    ("target_encoder", "target_encode"),
    ("likelihood_encode", "target_encode"),
    ("frequency_encode", "count_encode"),
    ("count_encoder", "count_encode"),
    ("feature_hasher", "hash_encode"),
    ("hashing", "hash_encode"),
    ("hash", "hash_encode"),
    ("tfidf", "text"),
    ("tf_idf", "text"),
    ("tfidf_vectorizer", "text"),
    ("count_vectorizer", "text"),
    ("bag_of_words", "text"),
    ("principal_components", "pca"),
    ("sort_values", "sort"),
    ("sort_by", "sort"),
    ("order_by", "sort"),
    ("arrange", "sort"),
    ("head", "limit"),
    ("first", "limit"),
    ("slice_sample", "sample"),
    ("oversample", "balance"),
    ("undersample", "balance"),
    ("random_over_sampler", "balance"),
    ("random_under_sampler", "balance"),
    ("resample", "balance"),
];

/// Every op, in the order of the language page.
pub fn catalogue() -> &'static [OpEntry] {
    &CATALOGUE
}

/// The op of that name, or the fault that says which one was probably meant.
pub fn find(name: &str) -> Result<&'static OpEntry, Fault> {
    if let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    if LATER.contains(&name) {
        return Err(Fault::new("not-supported", format!("the op `{name}` is not supported yet")).on_key());
    }
    let meant = SYNONYMS.iter().find(|(other, _)| *other == name);
    let help = match meant {
        Some((_, ours)) => Some(format!("did you mean `{ours}`?")),
        None => suggest(name, CATALOGUE.iter().map(|entry| entry.name)),
    };
    Err(Fault::new("unknown-op", format!("there is no op `{name}`")).on_key().maybe_help(help))
}
