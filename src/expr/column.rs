//! Between table columns and single values.

use polars::prelude::*;

use crate::data::{Kind, Value};

/// A column opened for reading cell by cell.
pub(super) enum Reader {
    Const(Value),
    Bool(BooleanChunked),
    Int(Int64Chunked),
    Float(Float64Chunked),
    Str(StringChunked),
    Date(Int32Chunked),
    Datetime(Int64Chunked),
    Duration(Int64Chunked),
}

impl Reader {
    /// Opens a column that holds `kind`. A single cell stands for a whole column of it.
    pub fn open(column: &Column, kind: Kind, rows: usize) -> PolarsResult<Self> {
        let series = column.as_materialized_series().cast(&kind.dtype())?.rechunk();
        let reader = match kind {
            Kind::Int => Reader::Int(series.i64()?.clone()),
            Kind::Float => Reader::Float(series.f64()?.clone()),
            Kind::Bool => Reader::Bool(series.bool()?.clone()),
            Kind::Str | Kind::Category | Kind::Text => Reader::Str(series.str()?.clone()),
            Kind::Date => Reader::Date(series.date()?.physical().clone()),
            Kind::Datetime => Reader::Datetime(series.datetime()?.physical().clone()),
            Kind::Duration => Reader::Duration(series.duration()?.physical().clone()),
        };
        Ok(if series.len() == 1 && rows != 1 { Reader::Const(reader.at(0)) } else { reader })
    }

    /// The cell of a row.
    pub fn at(&self, row: usize) -> Value {
        match self {
            Reader::Const(value) => value.clone(),
            Reader::Bool(cells) => cells.get(row).map_or(Value::Null, Value::Bool),
            Reader::Int(cells) => cells.get(row).map_or(Value::Null, Value::Int),
            Reader::Float(cells) => cells.get(row).map_or(Value::Null, Value::float),
            Reader::Str(cells) => cells.get(row).map_or(Value::Null, Value::str),
            Reader::Date(cells) => cells.get(row).map_or(Value::Null, Value::Date),
            Reader::Datetime(cells) => cells.get(row).map_or(Value::Null, Value::Datetime),
            Reader::Duration(cells) => cells.get(row).map_or(Value::Null, Value::Duration),
        }
    }
}

impl Reader {
    /// The cell of a row as a float, without making a value of it first.
    pub fn float(&self, row: usize) -> Option<f64> {
        match self {
            Reader::Float(cells) => cells.get(row).filter(|number| !number.is_nan()),
            Reader::Int(cells) => cells.get(row).map(|number| number as f64),
            Reader::Const(value) => value.as_f64(),
            other => other.at(row).as_f64(),
        }
    }

    /// The cell of a row, if it is an int.
    pub fn int(&self, row: usize) -> Option<i64> {
        match self {
            Reader::Int(cells) => cells.get(row),
            Reader::Const(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }
}
