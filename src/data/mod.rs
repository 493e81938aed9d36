//! Tables: their types, their parts, reading and writing them, and the matrix that learners read.

mod cell;
mod cells;
mod column_map;
mod contract;
mod digest;
pub mod elementary;
mod kind;
mod matrix;
pub mod normal;
mod parse;
mod profile;
mod read;
mod rows;
mod selector;
mod shape;
mod split;
pub mod stats;
mod table;
mod value;
mod write;
pub mod yeo_johnson;

pub use cell::{collect, column_of, value_at};
pub use cells::Cells;
pub use column_map::ColumnMap;
pub use contract::{
    Check, ColumnRule, Contract, ExtraColumns, Findings, Held, Judged, OnViolation, RowRule, Tolerance, Violation,
};
pub use digest::{column_digest, from_bytes, write_rows};
pub use kind::Kind;
pub use matrix::Matrix;
pub use parse::{cell as parse_cell, span};
pub use profile::{ColumnProfile, profile};
pub use read::{Encoding, Format, Reading, Source, columns, read};
pub use rows::{push_key, row_keys};
pub use selector::{GROUPS, Selector};
pub use shape::{Family, Field, Shape};
pub use split::{Amount, Amounts, Draw, row_draws, split_rows};
pub use table::{Kept, ORDER, Part, ROW, Table, order_column, positions, same, unexpected};
pub use value::Value;
pub use write::{records, write};
