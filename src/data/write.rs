//! Writing tables for people and other programs, in the format that the extension tells.

use std::io::Write as _;

use polars::prelude::{CsvWriter, DataFrame, IpcWriter, ParquetWriter, SerWriter};
use serde_json::{Map, Value as Json};

use super::table::unexpected;
use super::{Format, value_at};
use crate::source::Fault;

/// The bytes of a file named `path` that holds `frame`; hidden columns stay away.
///
/// # Errors
/// If the extension tells no format.
pub fn write(frame: &DataFrame, path: &str) -> Result<Vec<u8>, Fault> {
    let mut frame = visible(frame);
    let mut bytes = Vec::new();
    match Format::of(path)? {
        Format::Csv => CsvWriter::new(&mut bytes).finish(&mut frame).map_err(unexpected)?,
        Format::Tsv => CsvWriter::new(&mut bytes).with_separator(b'\t').finish(&mut frame).map_err(unexpected)?,
        Format::Parquet => {
            ParquetWriter::new(&mut bytes).set_parallel(false).finish(&mut frame).map_err(unexpected)?;
        }
        Format::Arrow => IpcWriter::new(&mut bytes).finish(&mut frame).map_err(unexpected)?,
        Format::Ndjson => {
            for record in records(&frame) {
                bytes.extend(Json::Object(record).to_string().into_bytes());
                bytes.push(b'\n');
            }
        }
        Format::Json => {
            let list: Vec<Json> = records(&frame).into_iter().map(Json::Object).collect();
            bytes.extend(Json::Array(list).to_string().into_bytes());
            bytes.push(b'\n');
        }
    }
    packed(path, bytes)
}

/// Each row as a JSON object.
pub fn records(frame: &DataFrame) -> Vec<Map<String, Json>> {
    (0..frame.height())
        .map(|row| {
            frame
                .columns()
                .iter()
                .filter(|column| !column.name().starts_with("__"))
                .map(|column| (column.name().to_string(), value_at(column, row).to_json()))
                .collect()
        })
        .collect()
}

fn visible(frame: &DataFrame) -> DataFrame {
    let hidden = frame.get_column_names().into_iter().filter(|name| name.starts_with("__")).cloned();
    frame.drop_many(hidden.collect::<Vec<_>>())
}

fn packed(path: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let broken = |error: std::io::Error| Fault::new("compression", "the table can't be compressed").because(error);
    if path.ends_with(".gz") {
        let mut encoder = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::default());
        encoder.write_all(&bytes).map_err(broken)?;
        return encoder.finish().map_err(broken);
    }
    if path.ends_with(".zst") {
        return zstd::encode_all(bytes.as_slice(), 3).map_err(broken);
    }
    Ok(bytes)
}
