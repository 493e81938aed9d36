//! The types a column can have.

use std::fmt;

use polars::prelude::{DataType, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A column's type, as the language names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A 64-bit signed integer.
    Int,
    /// A 64-bit float.
    Float,
    /// True or false.
    Bool,
    /// A string that is neither a category nor prose.
    Str,
    /// A string out of few.
    Category,
    /// Prose.
    Text,
    /// A day.
    Date,
    /// A moment, in microseconds since 1970 UTC.
    Datetime,
    /// A span of time, in microseconds.
    Duration,
}

impl Kind {
    /// Every type, in the order of the language page.
    pub const ALL: [Kind; 9] = [
        Kind::Int,
        Kind::Float,
        Kind::Bool,
        Kind::Str,
        Kind::Category,
        Kind::Text,
        Kind::Date,
        Kind::Datetime,
        Kind::Duration,
    ];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Str => "str",
            Kind::Category => "category",
            Kind::Text => "text",
            Kind::Date => "date",
            Kind::Datetime => "datetime",
            Kind::Duration => "duration",
        }
    }

    /// What a value of it is, for people who don't know the language: "a whole number".
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Bool => "true or false",
            Kind::Str | Kind::Category | Kind::Text => "a string",
            Kind::Date => "a date such as 2024-01-31",
            Kind::Datetime => "a moment such as 2024-01-31T12:00:00Z",
            Kind::Duration => "a number of seconds, or a span such as 90s",
        }
    }

    /// `int` and `float`.
    pub fn is_numeric(self) -> bool {
        matches!(self, Kind::Int | Kind::Float)
    }

    /// `str`, `category` and `text`: one thing to an expression.
    pub fn is_string(self) -> bool {
        matches!(self, Kind::Str | Kind::Category | Kind::Text)
    }

    /// `date`, `datetime` and `duration`.
    pub fn is_temporal(self) -> bool {
        matches!(self, Kind::Date | Kind::Datetime | Kind::Duration)
    }

    /// How tables hold it.
    pub fn dtype(self) -> DataType {
        match self {
            Kind::Int => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Bool => DataType::Boolean,
            Kind::Str | Kind::Category | Kind::Text => DataType::String,
            Kind::Date => DataType::Date,
            Kind::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
            Kind::Duration => DataType::Duration(TimeUnit::Microseconds),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
