//! The digest of a column's content, and the bytes of a table's part.

use std::io::{self, Cursor, Write};

use polars::prelude::{
    Column, CompatLevel, DataFrame, DataType, IpcReader, IpcWriter, PolarsError, SerReader, SerWriter,
};
use sha2::{Digest as _, Sha256};

use super::cell::canonical;
use super::table::unexpected;
use crate::source::Fault;

/// The SHA-256 of a column's values: of its type, its length, which are missing, and the values, whatever their memory looks like.
pub fn column_digest(column: &Column) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?} {}\n", column.dtype(), column.len()));
    let column = canonical(column);
    let series = column.as_materialized_series();
    let mask: Vec<u8> = series.is_null().iter().map(|missing| u8::from(missing == Some(true))).collect();
    hasher.update(&mask);
    let physical = series.to_physical_repr();
    let expect = "the type was looked at";
    match physical.dtype() {
        DataType::Int64 => {
            for value in physical.i64().expect(expect).iter() {
                hasher.update(value.unwrap_or_default().to_le_bytes());
            }
        }
        DataType::Int32 => {
            for value in physical.i32().expect(expect).iter() {
                hasher.update(value.unwrap_or_default().to_le_bytes());
            }
        }
        DataType::Float64 => {
            for value in physical.f64().expect(expect).iter() {
                hasher.update(value.unwrap_or_default().to_le_bytes());
            }
        }
        DataType::Boolean => {
            for value in physical.bool().expect(expect).iter() {
                hasher.update([u8::from(value.unwrap_or_default())]);
            }
        }
        _ => {
            for row in 0..physical.len() {
                let text = super::value_at(&physical.slice(row as i64, 1).into(), 0).to_string();
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text);
            }
        }
    }
    hasher.finalize().into()
}

/// Writes a part as an Arrow IPC file: equal rows give equal bytes.
///
/// # Errors
/// If `into` takes no more.
pub fn write_rows(frame: &DataFrame, into: impl Write) -> io::Result<()> {
    let broken = |error| match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error),
        error => io::Error::other(error),
    };
    let columns: Vec<Column> = frame.columns().iter().map(canonical).collect();
    let mut frame = DataFrame::new(frame.height(), columns).map_err(broken)?;
    // Views of strings may be laid out in more than one way; the oldest level has plain strings, end to end.
    IpcWriter::new(into)
        .with_compat_level(CompatLevel::oldest())
        .with_parallel(false)
        .finish(&mut frame)
        .map_err(broken)
}

/// What [`write_rows`] wrote.
pub fn from_bytes(bytes: Vec<u8>) -> Result<DataFrame, Fault> {
    IpcReader::new(Cursor::new(bytes)).finish().map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Kind, Value, column_of};

    fn to_bytes(frame: &DataFrame) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_rows(frame, &mut bytes).expect("memory takes all");
        bytes
    }

    #[test]
    fn equal_content_gives_equal_bytes_however_it_came_to_be() {
        let texts = ["a", "a string longer than a view holds", "c"].map(Value::str);
        let numbers = [Value::Float(1.0), Value::Null, Value::Float(3.0)];
        let frame = |range: std::ops::Range<usize>| {
            let columns = vec![
                column_of("s", Kind::Category, &texts[range.clone()]),
                column_of("x", Kind::Float, &numbers[range]),
            ];
            DataFrame::new_infer_height(columns).expect("a frame")
        };
        let mut pieces = frame(0..1);
        pieces.vstack_mut(&frame(1..3)).expect("stacked");
        let longer = {
            let mut longer = frame(0..3);
            longer.vstack_mut(&frame(0..3)).expect("stacked");
            longer.slice(0, 3)
        };
        let whole = frame(0..3);
        for other in [&pieces, &longer] {
            assert_eq!(to_bytes(&whole), to_bytes(other));
            for name in ["s", "x"] {
                let digest = |frame: &DataFrame| column_digest(frame.column(name).expect("there"));
                assert_eq!(digest(&whole), digest(other));
            }
        }
        let back = from_bytes(to_bytes(&whole)).expect("read");
        assert!(back.equals_missing(&whole));
        assert_eq!(back.dtypes(), whole.dtypes());
        assert_ne!(
            column_digest(&column_of("x", Kind::Float, &numbers)),
            column_digest(&column_of("x", Kind::Float, &numbers[..2]))
        );
    }
}
