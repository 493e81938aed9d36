//! Tables: their types, their parts, and the matrix that learners read.

mod kind;
mod matrix;
mod shape;
mod value;

pub use kind::Kind;
pub use matrix::Matrix;
pub use shape::{Family, Field, Shape};
pub use value::Value;
