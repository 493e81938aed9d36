//! A source.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::adapt::Definitions;
use super::{fields, object};
use crate::data::{Encoding, Format, Kind};

/// How the file of a table is read, and what it must look like.
pub(super) fn table(definitions: &mut Definitions) -> Map<String, Json> {
    let format = definitions.import("source", schemars::schema_for!(Format));
    let format = also(
        format,
        "How the file is written; without it, as its extension says.",
        &[("ipc", "Arrow IPC."), ("feather", "Arrow IPC."), ("jsonl", "One JSON object a line.")],
    );
    let encoding = definitions.import("source", schemars::schema_for!(Encoding));
    let mut encoding = also(
        encoding,
        "How text is encoded.",
        &[("utf8", "UTF-8."), ("latin1", "ISO 8859-1."), ("iso-8859-1", "ISO 8859-1.")],
    );
    encoding["default"] = "utf-8".into();
    let mut columns = definitions.import("source", schemars::schema_for!(BTreeMap<String, Kind>));
    columns["description"] =
        "Types of columns. The others have theirs from the contract, the file, or its first rows.".into();
    columns["examples"] = json!([{"zip": "str", "joined": "date"}]);
    object(json!({
        "format": format,
        "delimiter": {
            "description": "What stands between cells, for csv and tsv: one character.",
            "type": "string",
            "pattern": r"^(.|\\t)$|\{\{|\{%",
            "examples": [";"]
        },
        "header": {"description": "Whether the first line holds the names, for csv and tsv.", "type": "boolean", "default": true},
        "encoding": encoding,
        "missing": {
            "description": "Cells that mean \"no value\"; an empty one always does.",
            "anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}
            ],
            "examples": [["NA"]]
        },
        "columns": columns,
        "contract": {"description": "The file of the contract that says what the data must look like.", "type": "string", "examples": ["schemas/penguins.yaml"]}
    }))
}

/// Defines sources, and gives the reference to them.
pub(super) fn source(definitions: &mut Definitions) -> Json {
    let mut properties = object(json!({
        "path": {
            "description": "A file, or a quoted glob of files of one schema, relative to the project's root. `.gz` and `.zst` are transparent.",
            "type": "string",
            "minLength": 1,
            "examples": ["data/penguins.csv"]
        },
        "from": {
            "description": "The table of another pipeline's step, instead of a file; or one part of it.",
            "type": "string",
            "pattern": r"^[^.]+\..+$",
            "examples": ["customers.features", "customers.features.train"]
        },
        "where": {"description": "An SQL condition: rows that don't meet it are not read.", "type": "string", "examples": ["year >= 2008"]},
        "quarantine": {"description": "The file for rows that break the contract, where it says `on_violation: quarantine`.", "type": "string", "examples": ["out/rejected.csv"]}
    }));
    properties.extend(table(definitions));
    let mut source = fields("A table that comes from outside.", properties, &[], true);
    source["oneOf"] = json!([{"required": ["path"]}, {"required": ["from"]}]);
    definitions.add("source", source)
}

/// Words with other names for some of them.
fn also(mut words: Json, description: &str, others: &[(&str, &str)]) -> Json {
    words["description"] = description.into();
    if let Some(Json::Array(known)) = words.get_mut("oneOf") {
        known.extend(others.iter().map(|(word, meaning)| json!({"const": word, "description": meaning})));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_a_source_takes_is_there() {
        let mut definitions = Definitions::default();
        source(&mut definitions);
        let definitions = definitions.finish();
        for (key, words) in [
            ("format", vec!["csv", "tsv", "parquet", "arrow", "ndjson", "json", "ipc", "feather", "jsonl"]),
            ("encoding", vec!["utf-8", "latin-1", "utf8", "latin1", "iso-8859-1"]),
        ] {
            let forms = definitions["source"]["properties"][key]["oneOf"].as_array().expect("words");
            let found: Vec<&str> = forms.iter().filter_map(|form| form["const"].as_str()).collect();
            assert_eq!(found, words);
        }
        for word in ["feather", "jsonl"] {
            assert!(serde_json::from_value::<Format>(json!(word)).is_ok());
        }
    }
}
