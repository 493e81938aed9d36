//! Between table columns and single values.

use polars::prelude::*;

use crate::data::{Kind, Value};

/// The cell of a column at a row. Types the language doesn't have are read as null; NaN too.
pub fn value_at(column: &Column, row: usize) -> Value {
    match column.get(row) {
        Ok(cell) => value_of(&cell),
        Err(_) => Value::Null,
    }
}

fn value_of(cell: &AnyValue<'_>) -> Value {
    match cell {
        AnyValue::Boolean(flag) => Value::Bool(*flag),
        AnyValue::String(text) => Value::str(text),
        AnyValue::StringOwned(text) => Value::str(text.as_str()),
        AnyValue::Float64(number) => Value::float(*number),
        AnyValue::Float32(number) => Value::float(f64::from(*number)),
        AnyValue::Date(days) => Value::Date(*days),
        AnyValue::Datetime(count, unit, _) => micros(*count, *unit).map_or(Value::Null, Value::Datetime),
        AnyValue::Duration(count, unit) => micros(*count, *unit).map_or(Value::Null, Value::Duration),
        other => other.extract::<i64>().map_or(Value::Null, Value::Int),
    }
}

fn micros(count: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Nanoseconds => Some(count.div_euclid(1000)),
        TimeUnit::Microseconds => Some(count),
        TimeUnit::Milliseconds => count.checked_mul(1000),
    }
}

/// A column of `kind` with these cells. A cell of another type is null, but an int in a float column is a float.
pub fn column_of(name: &str, kind: Kind, values: &[Value]) -> Column {
    collect(name.into(), kind, values.len(), |row| values[row].clone())
}

/// A column of `kind` with `rows` cells, made one after the other.
pub(super) fn collect(name: PlSmallStr, kind: Kind, rows: usize, cell: impl Fn(usize) -> Value) -> Column {
    let cells = (0..rows).map(cell);
    let series = match kind {
        Kind::Int => cells.map(|value| if let Value::Int(it) = value { Some(it) } else { None }).collect::<Int64Chunked>().into_series(),
        Kind::Float => cells
            .map(|value| if matches!(value, Value::Bool(_)) { None } else { value.as_f64() })
            .collect::<Float64Chunked>()
            .into_series(),
        Kind::Bool => cells.map(|value| if let Value::Bool(it) = value { Some(it) } else { None }).collect::<BooleanChunked>().into_series(),
        Kind::Str | Kind::Category | Kind::Text => strings(rows, cells).into_series(),
        Kind::Date => cells
            .map(|value| if let Value::Date(it) = value { Some(it) } else { None })
            .collect::<Int32Chunked>()
            .into_date()
            .into_series(),
        Kind::Datetime => cells
            .map(|value| if let Value::Datetime(it) = value { Some(it) } else { None })
            .collect::<Int64Chunked>()
            .into_datetime(TimeUnit::Microseconds, None)
            .into_series(),
        Kind::Duration => cells
            .map(|value| if let Value::Duration(it) = value { Some(it) } else { None })
            .collect::<Int64Chunked>()
            .into_duration(TimeUnit::Microseconds)
            .into_series(),
    };
    series.with_name(name).into_column()
}

fn strings(rows: usize, cells: impl Iterator<Item = Value>) -> StringChunked {
    let mut builder = StringChunkedBuilder::new(PlSmallStr::EMPTY, rows);
    for cell in cells {
        match cell {
            Value::Str(text) => builder.append_value(&*text),
            _ => builder.append_null(),
        }
    }
    builder.finish()
}

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
