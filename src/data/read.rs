//! Reading tables: which format, which types, and each mistake with its row.

mod csv;
mod json;
#[cfg(test)]
mod tests;
mod typed;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use polars::prelude::DataFrame;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::table::unexpected;
use super::{Kind, Shape, Table};
use crate::source::{Fault, suggest};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC.
    #[serde(alias = "ipc", alias = "feather")]
    Arrow,
    /// One JSON object a line.
    #[serde(alias = "jsonl")]
    Ndjson,
    /// One JSON list of objects.
    Json,
}

impl Format {
    /// By the extension, `.gz` and `.zst` aside.
    ///
    /// # Errors
    /// If it tells no known format.
    pub fn of(path: &str) -> Result<Self, Fault> {
        let path = &*path.to_lowercase();
        let plain = path.strip_suffix(".gz").or(path.strip_suffix(".zst")).unwrap_or(path);
        let extension = Path::new(plain).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        Ok(match extension.to_lowercase().as_str() {
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "parquet" | "pq" => Format::Parquet,
            "arrow" | "ipc" | "feather" => Format::Arrow,
            "ndjson" | "jsonl" => Format::Ndjson,
            "json" => Format::Json,
            other => {
                let known = ["csv", "tsv", "parquet", "arrow", "ndjson", "json"];
                return Err(Fault::new("unknown-format", format!("the extension `{other}` tells no format"))
                    .maybe_help(suggest(other, known).map(|help| format!("{help}; or say `format: csv`"))));
            }
        })
    }
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8", alias = "utf8")]
    Utf8,
    /// ISO 8859-1.
    #[serde(rename = "latin-1", alias = "latin1", alias = "iso-8859-1")]
    Latin1,
}

/// What a file says of itself and what is said of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// The format.
    pub format: Format,
    /// What stands between cells, for csv and tsv.
    pub delimiter: u8,
    /// Whether the first line holds the names, for csv and tsv.
    pub header: bool,
    /// How text is encoded.
    pub encoding: Encoding,
    /// Cells that mean "no value"; an empty one always does.
    pub missing: Vec<String>,
    /// Types that are said, by column.
    pub kinds: BTreeMap<String, Kind>,
}

impl Reading {
    /// The plain reading of a format.
    pub fn plain(format: Format) -> Self {
        Self {
            format,
            delimiter: if format == Format::Tsv { b'\t' } else { b',' },
            header: true,
            encoding: Encoding::Utf8,
            missing: Vec::new(),
            kinds: BTreeMap::new(),
        }
    }
}

/// One file: its name for messages, and its bytes as they are on the disk.
pub struct Source {
    /// The name.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Reads files of one schema, end to end. Types that `reading` says are kept; others come from the file's own schema, or
/// else from the first 10,000 rows.
///
/// # Errors
/// What can't be read: with the file's name, and with row and column where there is one.
pub fn read(files: Vec<Source>, reading: &Reading) -> Result<Table, Fault> {
    let mut reading = reading.clone();
    let mut files = files.into_iter();
    let Some(first) = files.next() else {
        return Err(Fault::new("no-file", "there is no file to read"));
    };
    let (shape, mut whole) = one(&first.name, first.bytes, &reading).map_err(|fault| named(fault, &first.name))?;
    // The first file's types hold for the others, which so don't wait for each other.
    reading.kinds.extend(shape.fields.iter().map(|field| (field.name.clone(), field.kind)));
    // In their order: the first mistake is the one that is told.
    for (name, read) in side_by_side(files.collect(), &reading) {
        let (other, frame) = read.map_err(|fault| named(fault, &name))?;
        if shape != other {
            let fault = Fault::new("other-columns", "its columns differ from those of the files before it");
            return Err(named(fault.maybe_help(difference(&shape, &other)), &name));
        }
        whole.vstack_mut(&frame).map_err(unexpected)?;
    }
    whole.rechunk_mut();
    Table::new(shape, whole)
}

/// One file's name, and its table.
type Read = (String, Result<(Shape, DataFrame), Fault>);

/// Reads files on all processors. On threads of its own: rayon's would take up further files while they wait for polars, one upon
/// the other, until their stacks are full.
fn side_by_side(files: Vec<Source>, reading: &Reading) -> Vec<Read> {
    let all = |files: Vec<Source>| -> Vec<Read> {
        let read = files.into_iter().map(|file| {
            let table = one(&file.name, file.bytes, reading);
            (file.name, table)
        });
        read.collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads);
    if share < 2 {
        return all(files);
    }
    let mut files = files.into_iter();
    std::thread::scope(|scope| {
        let work: Vec<_> = (0..threads)
            .map(|_| {
                let share: Vec<Source> = files.by_ref().take(share).collect();
                scope.spawn(move || all(share))
            })
            .collect();
        work.into_iter().flat_map(|work| work.join().expect("reading doesn't panic")).collect()
    })
}

fn named(mut fault: Fault, name: &str) -> Fault {
    fault.message = format!("`{name}`: {}", fault.message);
    fault
}

fn difference(first: &Shape, other: &Shape) -> Option<String> {
    let strange = other.names().find(|name| first.known(name).is_none());
    let missing = first.names().find(|name| other.known(name).is_none());
    match (strange, missing) {
        (Some(name), _) => Some(format!("`{name}` is new")),
        (_, Some(name)) => Some(format!("`{name}` isn't there")),
        _ => Some("the order or the types are others".to_owned()),
    }
}

fn one(name: &str, bytes: Vec<u8>, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    let bytes = unpacked(name, bytes)?;
    match reading.format {
        Format::Csv | Format::Tsv => csv::read(&text(bytes, reading)?, reading),
        Format::Ndjson | Format::Json => json::read(&text(bytes, reading)?, reading),
        Format::Parquet => typed::parquet(bytes, reading),
        Format::Arrow => typed::arrow(bytes, reading),
    }
}

fn cut_off(error: std::io::Error) -> Fault {
    Fault::new("bad-compression", "the compressed data can't be read")
        .because(error)
        .help("the file is damaged or was cut off: fetch it again")
}

/// Without compression.
fn unpacked(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    if is_gzip(name) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(cut_off)?;
        return Ok(plain);
    }
    if is_zstd(name) {
        zstd::Decoder::new(bytes.as_slice())
            .and_then(|mut decoder| decoder.read_to_end(&mut plain))
            .map_err(cut_off)?;
        return Ok(plain);
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, reading: &Reading) -> Result<String, Fault> {
    if reading.encoding == Encoding::Latin1 {
        return Ok(bytes.into_iter().map(char::from).collect());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(Fault::new("not-utf-8", format!("line {line} isn't UTF-8"))
                .help("if it is latin-1, say `encoding: latin-1`"))
        }
    }
}

/// How many rows of a text tell its columns' types.
const LOOKED_AT: usize = 10_000;

/// The columns of a file, told by its beginning, typed as [`read`] would. `name` is for messages and tells the compression.
///
/// # Errors
/// As [`read`].
pub fn columns(path: &Path, name: &str, reading: &Reading) -> Result<Shape, Fault> {
    // Types that are said aren't tried here: a cell that isn't of its type is for the run to tell.
    let said = &reading.kinds;
    let reading = &Reading { kinds: BTreeMap::new(), ..reading.clone() };
    let found = match reading.format {
        Format::Parquet if !is_packed(name) => typed::parquet_columns(path, reading),
        Format::Csv | Format::Tsv | Format::Ndjson => {
            head(path, name).and_then(|bytes| one("", bytes, reading)).map(|(shape, _)| shape)
        }
        _ => {
            std::fs::read(path).map_err(unreadable).and_then(|bytes| one(name, bytes, reading)).map(|(shape, _)| shape)
        }
    };
    let mut shape = found.map_err(|fault| named(fault, name))?;
    for field in &mut shape.fields {
        field.kind = said.get(&field.name).copied().unwrap_or(field.kind);
    }
    Ok(shape)
}

fn is_gzip(name: &str) -> bool {
    name.to_lowercase().ends_with(".gz")
}

fn is_zstd(name: &str) -> bool {
    name.to_lowercase().ends_with(".zst")
}

fn is_packed(name: &str) -> bool {
    is_gzip(name) || is_zstd(name)
}

fn unreadable(error: std::io::Error) -> Fault {
    Fault::new("missing-file", "it can't be read").because(error)
}

/// The first whole lines of a text, without compression.
fn head(path: &Path, name: &str) -> Result<Vec<u8>, Fault> {
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let reader: Box<dyn std::io::Read> = if is_gzip(name) {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if is_zstd(name) {
        Box::new(zstd::Decoder::new(file).map_err(unreadable)?)
    } else {
        Box::new(file)
    };
    let failed = if is_packed(name) { cut_off } else { unreadable };
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    // The line of names, and a quoted cell may hold line ends: then there are a few rows fewer.
    for _ in 0..=LOOKED_AT {
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
    }
    Ok(bytes)
}
