//! Formats that bring their own types.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{
    Column, DataFrame, DataType, IntoColumn, IpcReader, ParquetReader, PolarsResult, SerReader, TimeUnit,
};

use super::Reading;
use crate::data::{Field, Kind, Shape, Value, column_of, parse, unexpected, value_at};
use crate::source::Fault;

pub(super) fn parquet(bytes: Vec<u8>, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    normal(sound("bad-parquet", "Parquet", || ParquetReader::new(Cursor::new(bytes)).finish())?, reading)
}

/// The columns that a Parquet file says it has; no row is read.
pub(super) fn parquet_columns(path: &Path, reading: &Reading) -> Result<Shape, Fault> {
    let head = || ParquetReader::new(std::fs::File::open(path)?).with_slice(Some((0, 0))).finish();
    normal(sound("bad-parquet", "Parquet", head)?, reading).map(|(shape, _)| shape)
}

pub(super) fn arrow(bytes: Vec<u8>, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    normal(sound("bad-arrow", "Arrow IPC", || IpcReader::new(Cursor::new(bytes)).finish())?, reading)
}

/// What polars reads. Of a damaged file it may tell by a panic.
fn sound(code: &'static str, format: &str, read: impl FnOnce() -> PolarsResult<DataFrame>) -> Result<DataFrame, Fault> {
    let fault = || Fault::new(code, format!("it can't be read as {format}"));
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| fault().because(error)),
        Err(_) => Err(fault().help("the file is damaged: write or fetch it again")),
    }
}

/// In our types, without NaN.
fn normal(frame: DataFrame, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for column in frame.columns() {
        let name = column.name().to_string();
        if name.starts_with("__") {
            continue;
        }
        let own = kind_of(column.dtype()).ok_or_else(|| {
            Fault::new("wrong-type", format!("`{name}` is {}, which has no type here", column.dtype()))
                .help("write it as text or numbers")
        })?;
        let kind = reading.kinds.get(&name).copied().unwrap_or(own);
        let column = plain(column, own)?;
        columns.push(if own == kind || own.is_string() && kind.is_string() {
            column
        } else {
            converted(&column, kind)?
        });
        fields.push(Field { name, kind });
    }
    let frame = DataFrame::new(frame.height(), columns).map_err(unexpected)?;
    Ok((Shape { fields, ..Shape::default() }, frame))
}

fn kind_of(dtype: &DataType) -> Option<Kind> {
    Some(match dtype {
        DataType::Boolean => Kind::Bool,
        DataType::Float32 | DataType::Float64 => Kind::Float,
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Kind::Category,
        DataType::Decimal(..) => Kind::Float,
        DataType::Date => Kind::Date,
        DataType::Datetime(..) => Kind::Datetime,
        DataType::Duration(_) => Kind::Duration,
        DataType::Null => Kind::Category,
        dtype if dtype.is_integer() => Kind::Int,
        _ => return None,
    })
}

fn plain(column: &Column, kind: Kind) -> Result<Column, Fault> {
    // Without its zone a moment is UTC, which is how moments are kept.
    let column = match column.dtype() {
        DataType::Datetime(unit, Some(_)) => column.cast(&DataType::Datetime(*unit, None)).map_err(unexpected)?,
        _ => column.clone(),
    };
    let column = match column.dtype() {
        DataType::Datetime(unit, None) if *unit != TimeUnit::Microseconds => column.cast(&kind.dtype()),
        dtype if *dtype != kind.dtype() => column.strict_cast(&kind.dtype()),
        _ => Ok(column),
    }
    .map_err(unexpected)?;
    if kind != Kind::Float {
        return Ok(column);
    }
    let numbers = column.f64().map_err(unexpected)?;
    let finite = numbers.iter().map(|number| number.filter(|number| number.is_finite()));
    Ok(finite.collect::<polars::prelude::Float64Chunked>().into_column().with_name(column.name().clone()))
}

fn converted(column: &Column, kind: Kind) -> Result<Column, Fault> {
    let values = (0..column.len())
        .map(|row| {
            let value = value_at(column, row);
            let made = match &value {
                Value::Str(text) => parse::cell(text, kind),
                _ if kind.is_string() && !value.is_null() => Some(Value::str(value.to_string())),
                _ => value.clone().coerced(kind),
            };
            made.ok_or_else(|| {
                Fault::new("wrong-type", format!("row {}: `{}` is {kind}, and `{value}` isn't", row + 1, column.name()))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(column_of(column.name(), kind, &values))
}
