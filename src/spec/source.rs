//! A table from outside, as it was written.

use std::collections::BTreeMap;

use crate::data::{Format, Kind, Reading};
use crate::source::{Fault, Fields, Node, Route};

/// A source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// Its name.
    pub name: String,
    /// A file or a glob, relative to the project's root.
    pub path: String,
    /// How it is read.
    pub reading: Reading,
    /// An SQL condition that its rows meet.
    pub condition: Option<String>,
    /// The file of its contract.
    pub contract: Option<String>,
}

impl SourceSpec {
    /// Where it stands in the file.
    pub fn route(&self) -> Route {
        Route::of(["sources", &self.name])
    }

    pub(super) fn read(name: &str, node: &Node, route: &Route, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut fields = Fields::new(node, route.clone(), "a source");
        fields.later(&["sql", "connection", "from"]);
        let later = fields.entries().iter().any(|entry| matches!(entry.key.as_str(), "sql" | "from"));
        let path: Option<String> =
            if later { fields.take("path") } else { fields.need("path", "say which file: `path: data/penguins.csv`") };
        let format: Option<Format> = fields.take("format");
        let delimiter: Option<String> = fields.take("delimiter");
        let header = fields.take("header");
        let encoding = fields.take("encoding");
        let missing = fields.node("missing").map(|node| match &node.data {
            crate::source::Data::Seq(items) => items.iter().map(|item| item.text.clone()).collect(),
            _ => vec![node.text.clone()],
        });
        let kinds: Option<BTreeMap<String, Kind>> = fields.take("columns");
        let condition = fields.take("where");
        let contract = fields.take("contract");
        let mut reading = None;
        if let Some(path) = &path {
            if path.contains("://") {
                fields
                    .fault(Fault::new("not-supported", "sources on the network are not supported yet").within("path"));
            } else {
                match format.map_or_else(|| Format::of(path), Ok) {
                    Ok(format) => reading = Some(Reading::plain(format)),
                    Err(fault) => fields.fault(fault.within("path")),
                }
            }
        }
        if let (Some(text), Some(reading)) = (&delimiter, &mut reading) {
            match text.as_bytes() {
                [byte] => reading.delimiter = *byte,
                _ if text == "\\t" => reading.delimiter = b'\t',
                _ => fields.fault(Fault::new("bad-value", "a delimiter is one character").within("delimiter")),
            }
        }
        faults.extend(fields.finish());
        let mut reading = reading?;
        reading.header = header.unwrap_or(true);
        reading.encoding = encoding.unwrap_or_default();
        reading.missing = missing.unwrap_or_default();
        reading.kinds = kinds.unwrap_or_default();
        Some(Self { name: name.to_owned(), path: path?, reading, condition, contract })
    }
}
