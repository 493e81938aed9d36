//! A table from outside, as it was written.

use std::collections::BTreeMap;

use super::{OutputKind, OutputSpec, StepSpec};
use crate::data::{Format, Kind, Reading};
use crate::source::{Fault, Fields, Node, Route};

/// A source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub place: Route,
    /// Where its rows come from.
    pub origin: Origin,
    /// A file or a glob, relative to the project's root; of another step's table, what it is called.
    pub path: String,
    /// How it is read.
    pub reading: Reading,
    /// An SQL condition that its rows meet.
    pub condition: Option<String>,
    /// The file of its contract.
    pub contract: Option<String>,
    /// The file for rows that the contract sets aside; one of ours without it.
    pub quarantine: Option<String>,
}

/// Where the rows of a source come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Files.
    Files,
    /// The table of another pipeline's step, or one part of it.
    Pipeline {
        /// The other pipeline.
        pipeline: String,
        /// Its step.
        step: String,
        /// `train`, `validation` or `test`; all rows without it.
        part: Option<String>,
    },
    /// A file that a program of this pipeline leaves.
    Program {
        /// The step that runs it.
        step: String,
        /// Its output.
        output: String,
    },
}

/// How the file of a table is read, and what it must look like.
#[derive(Clone, Debug, PartialEq)]
pub struct TableFields {
    /// How it is read.
    pub reading: Reading,
    /// The file of its contract.
    pub contract: Option<String>,
}

impl TableFields {
    /// As its format has it.
    pub(super) fn plain(reading: Reading) -> Self {
        Self { reading, contract: None }
    }
}

impl SourceSpec {
    /// Where it stands in the file.
    pub fn route(&self) -> Route {
        self.place.clone()
    }

    pub(super) fn read(name: &str, node: &Node, route: &Route, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut fields = Fields::new(node, route.clone(), "a source");
        fields.later(&["sql", "connection"]);
        let other = fields.entries().iter().any(|entry| matches!(entry.key.as_str(), "sql" | "from"));
        let path: Option<String> =
            if other { fields.take("path") } else { fields.need("path", "say which file: `path: data/penguins.csv`") };
        let from = fields.take::<String>("from");
        let condition = fields.take("where");
        let quarantine: Option<String> = fields.take("quarantine");
        if let Some(fault) = quarantine.as_deref().and_then(|path| Format::of(path).err()) {
            fields.fault(fault.within("quarantine"));
        }
        let spec = match (path, from) {
            (Some(_), Some(_)) => {
                let fault = Fault::new("two-origins", "`path` and `from` both say where the rows come from");
                fields.fault(fault.help("take one of the two away").on_key().within("from"));
                None
            }
            (None, Some(from)) => Origin::read(&from, &mut fields).zip(step_table(&mut fields)).map(|it| (it, from)),
            (path, None) => {
                table(path.as_deref(), &mut fields).zip(path).map(|(table, path)| ((Origin::Files, table), path))
            }
        };
        faults.extend(fields.finish());
        let ((origin, TableFields { reading, contract }), path) = spec?;
        let (name, place) = (name.to_owned(), route.clone());
        Some(Self { name, place, origin, path, reading, condition, contract, quarantine })
    }
}

impl SourceSpec {
    /// The table that a program leaves, as a source for other steps.
    pub(super) fn of_program(step: &StepSpec, output: &OutputSpec) -> Option<Self> {
        let OutputKind::Table(table) = &output.kind else { return None };
        Some(Self {
            name: format!("{}.{}", step.name, output.name),
            place: step.route().key("outputs").key(&output.name),
            origin: Origin::Program { step: step.name.clone(), output: output.name.clone() },
            path: output.path.clone(),
            reading: table.reading.clone(),
            condition: None,
            contract: table.contract.clone(),
            quarantine: None,
        })
    }
}

impl Origin {
    /// `customers.features` or `customers.features.train`.
    fn read(text: &str, fields: &mut Fields) -> Option<Self> {
        let (pipeline, step) =
            text.split_once('.').filter(|(pipeline, step)| !pipeline.is_empty() && !step.is_empty()).or_else(|| {
                let fault = Fault::new("bad-value", format!("`{text}` isn't a step of another pipeline"));
                fields.fault(fault.help("write `PIPELINE.STEP`, as `from: customers.features`").within("from"));
                None
            })?;
        let part = step.rsplit_once('.').filter(|(_, part)| matches!(*part, "train" | "validation" | "test"));
        let (step, part) = part.map_or((step, None), |(step, part)| (step, Some(part.to_owned())));
        Some(Self::Pipeline { pipeline: pipeline.to_owned(), step: step.to_owned(), part })
    }
}

/// A step's table has its types already; only a contract can be asked of it.
fn step_table(fields: &mut Fields) -> Option<TableFields> {
    let contract = fields.take("contract");
    Some(TableFields { contract, ..TableFields::plain(Reading::plain(Format::Arrow)) })
}

/// How the table in the file at `path` is read. None if that can't be told; mistakes go to `fields`.
pub(super) fn table(path: Option<&str>, fields: &mut Fields) -> Option<TableFields> {
    let format: Option<Format> = fields.take("format");
    let delimiter: Option<String> = fields.take("delimiter");
    let header = fields.take("header");
    let encoding = fields.take("encoding");
    let missing = fields.node("missing").map(|node| match &node.data {
        crate::source::Data::Seq(items) => items.iter().map(|item| item.text.clone()).collect(),
        _ => vec![node.text.clone()],
    });
    let kinds: Option<BTreeMap<String, Kind>> = fields.take("columns");
    let contract = fields.take("contract");
    let path = path?;
    if path.contains("://") {
        fields.fault(Fault::new("not-supported", "sources on the network are not supported yet").within("path"));
        return None;
    }
    let format = match format.map_or_else(|| Format::of(path), Ok) {
        Ok(format) => format,
        Err(fault) => {
            fields.fault(fault.within("path"));
            return None;
        }
    };
    let mut reading = Reading::plain(format);
    if let Some(text) = &delimiter {
        match text.as_bytes() {
            [byte] => reading.delimiter = *byte,
            _ if text == "\\t" => reading.delimiter = b'\t',
            _ => fields.fault(Fault::new("bad-value", "a delimiter is one character").within("delimiter")),
        }
    }
    reading.header = header.unwrap_or(true);
    reading.encoding = encoding.unwrap_or_default();
    reading.missing = missing.unwrap_or_default();
    reading.kinds = kinds.unwrap_or_default();
    Some(TableFields { reading, contract })
}
