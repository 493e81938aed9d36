//! What the raw columns of the train rows looked like: what monitoring compares with.

use polars::prelude::Column;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Value, stats};

/// How many values of a category are kept.
const MOST: usize = 50;

/// One raw column of the train rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnReference {
    /// The column.
    pub column: String,
    /// How many rows.
    pub rows: u64,
    /// How many of them have no value.
    pub missing: u64,
    /// Deciles of a number, the lowest and highest included.
    pub deciles: Vec<f64>,
    /// The most frequent values of a category, with their counts.
    pub counts: Vec<(Value, u64)>,
}

/// The reference of a column.
pub fn reference(column: &Column, kind: Kind) -> ColumnReference {
    let deciles =
        (0..=10).filter_map(|nth| kind.is_numeric().then(|| stats::quantile(column, f64::from(nth) / 10.0)).flatten());
    let counted = kind == Kind::Bool || matches!(kind, Kind::Category | Kind::Str);
    let counts = if counted { stats::value_counts(column) } else { Vec::new() };
    ColumnReference {
        column: column.name().to_string(),
        rows: column.len() as u64,
        missing: column.null_count() as u64,
        deciles: deciles.collect(),
        counts: counts.into_iter().take(MOST).map(|(value, count)| (value, count as u64)).collect(),
    }
}
