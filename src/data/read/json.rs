//! JSON objects, one a line or in a list.

use serde_json::{Map, Value as Json};

use super::super::Format;
use super::Reading;
use crate::data::{Field, Kind, Shape, Value, column_of, parse, unexpected};
use crate::source::Fault;
use polars::prelude::DataFrame;

/// Reads the text of one file. Columns are those of all objects, in the order they are met.
pub(super) fn read(text: &str, reading: &Reading) -> Result<(Shape, DataFrame), Fault> {
    let records = records(text, reading.format)?;
    let mut names: Vec<String> = Vec::new();
    for key in records.iter().flat_map(Map::keys) {
        if !names.contains(key) {
            names.push(key.clone());
        }
    }
    if names.is_empty() {
        return Err(Fault::new("empty-file", "it holds no object, so there are no columns"));
    }
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for name in names {
        let kind = reading.kinds.get(&name).copied().unwrap_or_else(|| infer(&records, &name, reading));
        let values = records
            .iter()
            .enumerate()
            .map(|(row, record)| {
                cell(record.get(&name), kind, reading).map_err(|shown| {
                    Fault::new("wrong-type", format!("row {}: `{name}` is {kind}, and `{shown}` isn't", row + 1))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        columns.push(column_of(&name, kind, &values));
        fields.push(Field { name, kind });
    }
    let frame = DataFrame::new(records.len(), columns).map_err(unexpected)?;
    Ok((Shape { fields, ..Shape::default() }, frame))
}

fn records(text: &str, format: Format) -> Result<Vec<Map<String, Json>>, Fault> {
    let broken = |row: usize, error: &dyn std::fmt::Display| {
        Fault::new("bad-json", format!("row {row} isn't a JSON object: {error}"))
    };
    if format == Format::Json {
        return serde_json::from_str(text)
            .map_err(|error| Fault::new("bad-json", format!("it isn't a list of JSON objects: {error}")));
    }
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(row, line)| serde_json::from_str(line).map_err(|error| broken(row + 1, &error)))
        .collect()
}

fn is_missing(json: Option<&Json>, reading: &Reading) -> bool {
    match json {
        None | Some(Json::Null) => true,
        Some(Json::String(text)) => text.is_empty() || reading.missing.contains(text),
        _ => false,
    }
}

fn infer(records: &[Map<String, Json>], name: &str, reading: &Reading) -> Kind {
    let values = records.iter().map(|record| record.get(name)).filter(|json| !is_missing(*json, reading));
    let values: Vec<&Json> = values.flatten().take(10_000).collect();
    let all = |fits: fn(&Json) -> bool| !values.is_empty() && values.iter().all(|json| fits(json));
    if all(Json::is_i64) {
        return Kind::Int;
    }
    if all(Json::is_number) {
        return Kind::Float;
    }
    if all(Json::is_boolean) {
        return Kind::Bool;
    }
    let texts: Option<Vec<&str>> = values.iter().map(|json| json.as_str()).collect();
    match texts.map(|texts| parse::infer(texts.into_iter())) {
        Some(kind) if kind.is_temporal() => kind,
        _ => Kind::Category,
    }
}

fn cell(json: Option<&Json>, kind: Kind, reading: &Reading) -> Result<Value, String> {
    if is_missing(json, reading) {
        return Ok(Value::Null);
    }
    let json = json.unwrap_or(&Json::Null);
    let read = match json {
        Json::Array(_) | Json::Object(_) => None,
        Json::String(text) => parse::cell(text, kind),
        other if kind.is_string() => Some(Value::str(other.to_string())),
        other => Value::from_json(other, kind),
    };
    read.ok_or_else(|| json.to_string().chars().take(60).collect())
}
