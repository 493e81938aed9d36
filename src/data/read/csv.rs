//! Comma-separated values: a fast typed reading, and where that fails a slow one that can name the cell.

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

use polars::prelude::{
    Column, CsvParseOptions, CsvReadOptions, DataFrame, DataType, Field as PolarsField, IntoColumn, NullValues,
    PlSmallStr, Schema, SerReader, StringChunked,
};

use super::{LOOKED_AT, Reading};
use crate::data::{Field, Kind, Shape, Value, column_of, parse, unexpected};
use crate::source::Fault;

/// Reads the text of one file.
pub(super) fn read(text: &str, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new("empty-file", "it is empty").help("even a table without rows needs a line of names"));
    }
    let text = &*without_blank_lines(text, reading);
    if let Some(fault) = ragged(text, reading) {
        return Err(fault);
    }
    let head = strings(text, reading, Some(LOOKED_AT))?;
    let names = names(&head)?;
    let fields: Vec<Field> = names
        .iter()
        .zip(head.columns())
        .map(|(name, column)| {
            let kind = reading.kinds.get(name).copied();
            let texts = column.str().expect("read as strings");
            let kind = kind.unwrap_or_else(|| parse::infer(texts.iter().flatten().filter(|text| !text.is_empty())));
            Field { name: name.clone(), kind }
        })
        .collect();
    let frame = match typed(text, reading, &fields) {
        Some(frame) => frame,
        None => cell_by_cell(&strings(text, reading, None)?, &fields)?,
    };
    let shape = Shape { fields, ..Shape::default() };
    Ok((shape, frame))
}

/// Texts shorter than this aren't worth to be shared out among threads: of small files there are many, and those are.
const SHORT: usize = 1 << 20;

fn options(text: &str, reading: &Reading, rows: Option<usize>) -> CsvReadOptions {
    let parse =
        CsvParseOptions::default().with_separator(reading.delimiter).with_missing_is_null(true).with_null_values(
            (!reading.missing.is_empty()).then(|| {
                NullValues::AllColumns(reading.missing.iter().map(|text| PlSmallStr::from_str(text)).collect())
            }),
        );
    CsvReadOptions::default()
        .with_has_header(reading.header)
        .with_n_rows(rows)
        .with_n_threads((text.len() < SHORT).then_some(1))
        .with_rechunk(true)
        .with_parse_options(parse)
}

/// Every column as strings; empty cells are missing.
fn strings(text: &str, reading: &Reading, rows: Option<usize>) -> Result<DataFrame, Fault> {
    let frame = options(text, reading, rows)
        .with_infer_schema_length(Some(0))
        .into_reader_with_file_handle(Cursor::new(text.as_bytes()))
        .finish()
        .map_err(|error| {
            ragged(text, reading).unwrap_or_else(|| Fault::new("bad-csv", "it can't be read as a table").because(error))
        })?;
    let columns: Vec<Column> = frame.columns().iter().map(without_empty).collect();
    DataFrame::new(frame.height(), columns).map_err(unexpected)
}

/// The typed reading; `None` if any cell has no value of its column's type.
fn typed(text: &str, reading: &Reading, fields: &[Field]) -> Option<DataFrame> {
    let as_is = |kind: Kind| matches!(kind, Kind::Int | Kind::Float);
    let schema: Schema = fields
        .iter()
        .map(|field| {
            let dtype = if as_is(field.kind) { field.kind.dtype() } else { DataType::String };
            PolarsField::new(field.name.as_str().into(), dtype)
        })
        .collect();
    let frame = options(text, reading, None)
        .with_schema(Some(Arc::new(schema)))
        .into_reader_with_file_handle(Cursor::new(text.as_bytes()))
        .finish()
        .ok()?;
    let columns = frame.columns().iter().zip(fields).map(|(column, field)| match field.kind {
        kind if kind.is_string() => Some(without_empty(column)),
        // Polars reads `inf` and `nan` as numbers; here they are none.
        Kind::Float if column.f64().ok()?.iter().flatten().any(|number| !number.is_finite()) => None,
        kind if as_is(kind) => Some(column.clone()),
        kind => converted(column, kind).ok(),
    });
    DataFrame::new(frame.height(), columns.collect::<Option<Vec<_>>>()?).ok()
}

fn without_empty(column: &Column) -> Column {
    match column.str() {
        Ok(texts) if texts.iter().flatten().any(str::is_empty) => {
            let kept: StringChunked = texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect();
            kept.into_column().with_name(column.name().clone())
        }
        _ => column.clone(),
    }
}

fn cell_by_cell(strings: &DataFrame, fields: &[Field]) -> Result<DataFrame, Fault> {
    let columns = strings
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| {
            if field.kind.is_string() {
                return Ok(column.clone().with_name(field.name.as_str().into()));
            }
            converted(column, field.kind).map_err(|(row, text)| {
                Fault::new(
                    "wrong-type",
                    format!("row {}: `{}` is {}, and `{text}` isn't", row + 1, field.name, field.kind),
                )
                .help(format!(
                    "name it in `missing` if it means no value, or say the type: `columns: {{{}: {}}}`",
                    field.name,
                    parse::infer([text.as_str()].into_iter())
                ))
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    DataFrame::new(strings.height(), columns).map_err(unexpected)
}

/// A column of strings as one of `kind`, or the first row and text that isn't.
fn converted(column: &Column, kind: Kind) -> Result<Column, (usize, String)> {
    let texts = column.str().expect("read as strings");
    let mut values = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        values.push(match text.filter(|text| !text.is_empty()) {
            None => Value::Null,
            Some(text) => parse::cell(text, kind).ok_or_else(|| (row, text.to_owned()))?,
        });
    }
    Ok(column_of(column.name(), kind, &values))
}

fn names(head: &DataFrame) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = head.get_column_names().into_iter().map(|name| name.trim().to_owned()).collect();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Fault::new("bad-name", format!("column {} has no name", index + 1)));
        }
        if name.starts_with("__") {
            return Err(Fault::new("bad-name", format!("`{name}` begins with `__`, which is kept for hidden columns")));
        }
        // Polars gives the second of two equal names another one; spaces around a name don't count.
        let twin = name
            .rsplit_once("_duplicated_")
            .map(|(twin, _)| twin)
            .filter(|twin| names.iter().any(|other| other == twin));
        if let Some(twin) = twin.or_else(|| names[..index].contains(name).then_some(name.as_str())) {
            return Err(Fault::new("duplicate-column", format!("two columns are named `{twin}`")));
        }
    }
    Ok(names)
}

/// The first row with more or fewer cells than the first line.
fn ragged(text: &str, reading: &Reading) -> Option<Fault> {
    let mut expected = None;
    let (mut cells, mut quoted, mut row) = (1, false, usize::from(!reading.header));
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                if *expected.get_or_insert(cells) != cells {
                    return Some(uneven(row, cells, expected?));
                }
                (cells, row) = (1, row + 1);
            }
            byte if byte == reading.delimiter && !quoted => cells += 1,
            _ => {}
        }
    }
    if quoted {
        return Some(Fault::new("open-quote", "a quoted cell is never closed"));
    }
    let whole = text.ends_with('\n') || expected.is_none_or(|expected| expected == cells);
    (!whole).then(|| uneven(row, cells, expected.unwrap_or_default()))
}

/// Without lines that hold nothing, where a row has more than one cell: in a single column an empty line is an empty cell.
fn without_blank_lines<'a>(text: &'a str, reading: &Reading) -> Cow<'a, str> {
    let blank = text.contains("\n\n") || text.contains("\n\r\n");
    let first = text.lines().next().unwrap_or_default();
    if !blank || !first.as_bytes().contains(&reading.delimiter) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut quoted = false;
    for line in text.split_inclusive('\n') {
        if quoted || !line.trim_end_matches(['\r', '\n']).is_empty() {
            kept.push_str(line);
        }
        quoted ^= line.matches('"').count() % 2 == 1;
    }
    Cow::Owned(kept)
}

fn uneven(row: usize, cells: usize, expected: usize) -> Fault {
    let message = format!("row {row} has {cells} cells, and the first line has {expected}");
    Fault::new("ragged-row", message).help("a cell that holds the delimiter must be quoted")
}
