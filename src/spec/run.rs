//! `run`: a program of the user's own, what it reads, and what it leaves.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;
use serde_json::Value as Json;

use super::Limits;
use super::marks::written;
use super::source::{self, TableFields};
use super::{StepSpec, TargetSpec, TrainSpec, Verb};
use crate::data::{Format, Reading, Selector};
use crate::source::{Data, Fault, Fields, Node, Route, decode};

/// A program of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// What is run. Places of inputs and outputs stand in it as marks.
    pub command: Command,
    /// What it reads: sources, steps, outputs of other programs.
    pub inputs: Vec<InputSpec>,
    /// Files and folders whose content counts in the key.
    pub code: Vec<String>,
    /// Environment variables with values of the file's own; or, without a value, as they are outside.
    pub env: BTreeMap<String, Option<String>>,
    /// Environment variables that count in no key and never show.
    pub secrets: Vec<String>,
    /// What it leaves.
    pub outputs: Vec<OutputSpec>,
    /// Where it runs.
    pub cwd: Cwd,
}

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A program and its arguments, without a shell.
    List(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

/// Something that a program reads.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// A source, a table step, or an output of a program.
    pub name: String,
    /// How tables of steps are written for it.
    pub format: Format,
    /// Where it stands, from the step.
    pub route: Route,
}

/// Something that a program leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSpec {
    /// Its name.
    pub name: String,
    /// The file, relative to the scratch folder.
    pub path: String,
    /// What it is.
    pub kind: OutputKind,
}

/// What a program leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputKind {
    /// A table that other steps may work on.
    Table(Box<TableFields>),
    /// Any file.
    File,
    /// A model in ONNX.
    Model(Box<ModelFields>),
}

/// What is said of a model that a program leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFields {
    /// The table whose columns it reads.
    pub input: String,
    /// The classes, in the order of its probabilities.
    pub classes: Vec<Json>,
    /// The column it predicts, if it isn't the pipeline's.
    pub target: Option<TargetSpec>,
    /// The columns it reads; all without it.
    pub features: Option<Selector>,
}

/// A model that a program leaves, as a step of its own that others name.
#[derive(Clone, Debug)]
pub struct BroughtSpec {
    /// The step that runs the program.
    pub program: String,
    /// Its output.
    pub output: String,
    /// The classes, in the order of the model's probabilities; none if nothing was said.
    pub classes: Vec<Json>,
    /// What it reads and predicts, as if it were trained here.
    pub train: TrainSpec,
}

impl StepSpec {
    /// The model that a program leaves, as a step that stands wherever a trained model may: `net.model`.
    pub(super) fn of_program(step: &StepSpec, output: &OutputSpec) -> Option<Self> {
        let OutputKind::Model(model) = &output.kind else { return None };
        let train = TrainSpec {
            table: model.input.clone(),
            target: model.target.clone(),
            features: model.features.clone(),
            brought: true,
            ..TrainSpec::default()
        };
        let (program, output) = (step.name.clone(), output.name.clone());
        Some(Self {
            name: format!("{program}.{output}"),
            description: None,
            tags: step.tags.clone(),
            save: None,
            when: step.when,
            limits: Limits::default(),
            accept: step.accept.clone(),
            verb: Verb::Brought(Box::new(BroughtSpec { program, output, classes: model.classes.clone(), train })),
        })
    }
}

/// Lets the name of a program that leaves one model stand for that model, wherever models are named.
pub(super) fn name_models(steps: &mut [StepSpec]) {
    let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in steps.iter() {
        if let Verb::Brought(brought) = &step.verb {
            only.entry(brought.program.clone()).or_default().push(step.name.clone());
        }
    }
    let rename = |name: &mut String| {
        if let Some([model]) = only.get(name).map(Vec::as_slice) {
            name.clone_from(model);
        }
    };
    for step in steps {
        match &mut step.verb {
            Verb::Evaluate(evaluate) => evaluate.models.iter_mut().for_each(rename),
            Verb::Train(train) => train.members.iter_mut().for_each(|(_, name)| rename(name)),
            Verb::Deploy(deploy) => rename(&mut deploy.step),
            _ => {}
        }
    }
}

/// Where a program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cwd {
    /// In the project's root.
    #[default]
    Root,
    /// In the scratch folder, which is gone afterwards.
    Scratch,
}

impl RunSpec {
    pub(super) fn read(fields: &mut Fields) -> Option<Self> {
        let command = fields.node("run").and_then(|node| command(node, fields));
        let inputs = fields.node("inputs").map(|node| inputs(node, fields)).unwrap_or_default();
        let code = fields.take("code").unwrap_or_default();
        let env = fields.node("env").map(|node| env(node, fields)).unwrap_or_default();
        let secrets = fields.take("secrets").unwrap_or_default();
        let cwd = fields.take("cwd").unwrap_or_default();
        let outputs = fields.node("outputs").map(|node| outputs(node, fields)).unwrap_or_default();
        Some(Self { command: command?, inputs, code, env, secrets, outputs, cwd })
    }
}

fn command(node: &Node, fields: &mut Fields) -> Option<Command> {
    let fault = match &node.data {
        Data::Str(line) if !line.trim().is_empty() => return Some(Command::Shell(line.clone())),
        Data::Seq(items) if !items.is_empty() => {
            let mut faults = Vec::new();
            let found: Option<Vec<String>> = decode(node, &mut faults);
            for fault in faults {
                fields.fault(fault.within("run"));
            }
            return found.map(Command::List);
        }
        Data::Str(_) | Data::Seq(_) => Fault::new("missing-field", "there is nothing to run"),
        _ => Fault::new("wrong-type", format!("a command is a list or a line, and this is {}", node.what())),
    };
    fields.fault(fault.help("write `run: [python, train.py]`").within("run"));
    None
}

fn inputs(node: &Node, fields: &mut Fields) -> Vec<InputSpec> {
    let here = Route::of(["inputs"]);
    let parquet = |(nth, name): (usize, &str)| InputSpec {
        name: name.to_owned(),
        format: Format::Parquet,
        route: here.index(nth),
    };
    let mut faults = Vec::new();
    let found = match &node.data {
        Data::Str(name) => vec![parquet((0, name))],
        Data::Map(_) => {
            let found: Option<BTreeMap<String, Format>> = decode(node, &mut faults);
            let input = |(name, format): (String, Format)| InputSpec { route: here.key(&name), name, format };
            found.unwrap_or_default().into_iter().map(input).collect()
        }
        _ => {
            let found: Option<Vec<String>> = decode(node, &mut faults);
            found.unwrap_or_default().iter().map(String::as_str).enumerate().map(parquet).collect()
        }
    };
    for fault in faults {
        fields.fault(fault.within("inputs"));
    }
    found
}

fn env(node: &Node, fields: &mut Fields) -> BTreeMap<String, Option<String>> {
    let mut faults = Vec::new();
    let found = match &node.data {
        Data::Map(_) => {
            let found: Option<BTreeMap<String, String>> = decode(node, &mut faults);
            found.unwrap_or_default().into_iter().map(|(name, value)| (name, Some(value))).collect()
        }
        _ => {
            let found: Option<Vec<String>> = decode(node, &mut faults);
            found.unwrap_or_default().into_iter().map(|name| (name, None)).collect()
        }
    };
    for fault in faults {
        fields.fault(fault.within("env"));
    }
    found
}

fn outputs(node: &Node, fields: &mut Fields) -> Vec<OutputSpec> {
    if !matches!(node.data, Data::Map(_)) {
        let fault = Fault::new("wrong-type", format!("`outputs` is a map of names, and this is {}", node.what()));
        fields.fault(fault.help("write `outputs: {vectors: vectors.parquet}`").within("outputs"));
        return Vec::new();
    }
    let mut found: Vec<OutputSpec> = Vec::new();
    for entry in node.entries() {
        let route = Route::of(["outputs", &entry.key]);
        if !super::pipeline::is_name(&entry.key) {
            let fault = Fault::new("bad-name", format!("`{}` isn't a name", entry.key));
            fields.fault(fault.help("use letters, digits, `-` and `_`").on_key().under(&route));
        }
        let mut faults = Vec::new();
        let output = output(&entry.key, &entry.value, &mut faults);
        if let Some(twin) = output.as_ref().and_then(|output| found.iter().find(|other| other.path == output.path)) {
            faults.push(Fault::new("duplicate-name", format!("`{}` is the file of `{}` too", twin.path, twin.name)));
        }
        for fault in faults {
            fields.fault(fault.under(&route));
        }
        found.extend(output);
    }
    found
}

/// What an output is, when that is said.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Table,
    File,
    Model,
}

/// `vectors.parquet`, or `{path: net.onnx, kind: file}`. Faults have their routes from the output.
fn output(name: &str, node: &Node, faults: &mut Vec<Fault>) -> Option<OutputSpec> {
    if let Data::Str(path) = &node.data {
        faults.extend(bad_path(path));
        let table = |format| OutputKind::Table(Box::new(TableFields::plain(Reading::plain(format))));
        let kind = table_format(path).map_or(OutputKind::File, table);
        return Some(OutputSpec { name: name.to_owned(), path: path.clone(), kind });
    }
    let mut fields = Fields::new(node, Route::here(), "an output is a file, or");
    let path: Option<String> = fields.need("path", "say which file: `path: vectors.parquet`");
    if let Some(fault) = path.as_ref().and_then(|path| bad_path(path)) {
        fields.fault(fault.within("path"));
    }
    let kind = match fields.take::<Said>("kind") {
        Some(Said::File) => Some(OutputKind::File),
        // One that is told wrongly is a file still: the command may name it.
        Some(Said::Model) => {
            Some(model(&mut fields).map_or(OutputKind::File, |model| OutputKind::Model(Box::new(model))))
        }
        Some(Said::Table) => {
            source::table(path.as_deref(), &mut fields).map(|table| OutputKind::Table(Box::new(table)))
        }
        None => match &path {
            Some(path) if table_format(path).is_none() => Some(OutputKind::File),
            _ => source::table(path.as_deref(), &mut fields).map(|table| OutputKind::Table(Box::new(table))),
        },
    };
    faults.extend(fields.finish());
    Some(OutputSpec { name: name.to_owned(), path: path?, kind: kind? })
}

fn model(fields: &mut Fields) -> Option<ModelFields> {
    let input = fields.need("input", "say which table's columns it reads: `input: features`");
    let classes: Vec<Json> = fields.take("classes").unwrap_or_default();
    let plain = |class: &Json| class.is_string() || class.is_i64() || class.is_boolean();
    for (nth, class) in classes.iter().enumerate() {
        let fault = match class {
            class if !plain(class) => Fault::new("wrong-type", "a class is a text, a whole number, true or false"),
            class if classes[..nth].contains(class) => Fault::new("duplicate-name", format!("{class} is named twice")),
            _ => continue,
        };
        fields.fault(fault.under(&Route::of(["classes"]).index(nth)));
    }
    let mut faults = Vec::new();
    let target = fields.node("target").and_then(|node| TargetSpec::read(node, &Route::of(["target"]), &mut faults));
    for fault in faults {
        fields.fault(fault);
    }
    let features = fields.take("features");
    Some(ModelFields { input: input?, classes, target, features })
}

/// The format of what is a table without anybody saying so. JSON is most often something else.
fn table_format(path: &str) -> Option<Format> {
    Format::of(path).ok().filter(|format| *format != Format::Json)
}

/// Outputs are made in a scratch folder, and nowhere else.
fn bad_path(path: &str) -> Option<Fault> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if inside && !path.trim().is_empty() {
        return None;
    }
    let fault = Fault::new("bad-path", format!("`{path}` isn't a file in the step's scratch folder"));
    Some(fault.help("write a name or a path below, as `net.onnx`; the command says `{{ outputs.NAME }}`"))
}

impl RunSpec {
    /// The command as it was written, on one line.
    pub fn shown(&self) -> String {
        let line = match &self.command {
            Command::List(list) => list.join(" "),
            Command::Shell(line) => line.trim().replace('\n', "; "),
        };
        written(&line)
    }

    /// The command as it counts in keys.
    pub fn command_json(&self) -> Json {
        match &self.command {
            Command::List(list) => list.iter().map(|text| Json::from(written(text))).collect(),
            Command::Shell(line) => Json::from(written(line)),
        }
    }

    /// Every text in which marks may stand, with its place below the step.
    pub fn texts(&self) -> Vec<(Route, &str)> {
        let run = Route::of(["run"]);
        let mut texts: Vec<(Route, &str)> = match &self.command {
            Command::List(list) => list.iter().enumerate().map(|(nth, text)| (run.index(nth), text.as_str())).collect(),
            Command::Shell(line) => vec![(run, line.as_str())],
        };
        let values = self.env.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        texts.extend(values.map(|(name, value)| (Route::of(["env", name]), value)));
        texts
    }
}
