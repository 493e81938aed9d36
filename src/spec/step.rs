//! A step, as it was written: a verb, what it works on, and the keys that the verb allows.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::verbs::{self, VERBS};
use super::{BroughtSpec, DecisionSpec, Limits, RunSpec, TargetSpec, TuneSpec};
use crate::data::{Part, Selector};
use crate::ops::Rows;
use crate::source::{Fault, Fields, Node, Route, suggest};

/// A step.
#[derive(Clone, Debug)]
pub struct StepSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Words to choose steps by.
    pub tags: Vec<String>,
    /// A file that its table is also written to.
    pub save: Option<String>,
    /// Whether it is part of this run.
    pub when: bool,
    /// What it may take.
    pub limits: Limits,
    /// The leaks that are meant: nobody is warned of them where they stand in this step.
    pub accept: Vec<String>,
    /// What it does.
    pub verb: Verb,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Verb {
    /// `clean` or `transform`.
    Table(TableSpec),
    /// `train`.
    Train(Box<TrainSpec>),
    /// `evaluate`.
    Evaluate(EvaluateSpec),
    /// `deploy`.
    Deploy(DeploySpec),
    /// `run`.
    Run(Box<RunSpec>),
    /// A model that a program leaves: no step of the file, but one that others name.
    Brought(Box<BroughtSpec>),
}

/// The verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbKind {
    /// Prepare a table.
    Clean,
    /// Prepare a table.
    Transform,
    /// Learn a model.
    Train,
    /// Judge models.
    Evaluate,
    /// Register a model and say where it goes.
    Deploy,
}

/// The leaks that are warned of.
pub const LEAKS: [&str; 9] = [
    "leak-champion",
    "leak-duplicates",
    "leak-fitted",
    "leak-group",
    "leak-lag",
    "leak-redrawn",
    "leak-shift",
    "leak-target",
    "leak-time",
];

/// The leaks that a step says are meant.
fn accepted(fields: &mut Fields) -> Vec<String> {
    let accept: Vec<String> = fields.take("accept").unwrap_or_default();
    for (place, code) in accept.iter().enumerate().filter(|(_, code)| !LEAKS.contains(&code.as_str())) {
        let fault = Fault::new("unknown-leak", format!("there is no leak `{code}`")).maybe_help(suggest(code, LEAKS));
        fields.fault(fault.under(&Route::of(["accept"]).index(place)));
    }
    accept
}

/// `clean` or `transform`: a table through ops.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Which of the two.
    pub verb: VerbKind,
    /// The source or step it works on.
    pub input: String,
    /// The ops, in order.
    pub ops: Vec<OpSpec>,
}

/// One op.
#[derive(Clone, Debug)]
pub struct OpSpec {
    /// Its name.
    pub name: String,
    /// Its argument; a null node for a bare name.
    pub argument: Node,
    /// The other tables that its argument names, and where each stands.
    pub others: Vec<(String, Route)>,
    /// Which rows it works on, if that was said.
    pub rows: Option<Rows>,
    /// Where its name stands.
    pub route: Route,
    /// Whether it was written as a bare name.
    pub bare: bool,
    /// Whether it is part of this run.
    pub when: bool,
}

/// `train`.
#[derive(Clone, Debug, Default)]
pub struct TrainSpec {
    /// The table.
    pub table: String,
    /// The model's name.
    pub model: String,
    /// Its hyper-parameters.
    pub with: Option<Node>,
    /// The column to predict, if it isn't the pipeline's.
    pub target: Option<TargetSpec>,
    /// The columns to learn from.
    pub features: Option<Selector>,
    /// How much rows count.
    pub weights: Option<Weights>,
    /// Cross-validation.
    pub cv: Option<CvSpec>,
    /// The search for hyper-parameters.
    pub tune: Option<Box<TuneSpec>>,
    /// `classification` or `regression`, if the target's type shouldn't tell.
    pub task: Option<crate::learn::Task>,
    /// The train steps that an ensemble is made of, each with its place among what was written.
    pub members: Vec<(usize, String)>,
    /// What it goes on from.
    pub update: Option<Update>,
    /// What is done with its answers.
    pub decision: DecisionSpec,
    /// A program brings it, and nothing is trained.
    pub brought: bool,
}

/// How much rows count.
#[derive(Clone, Debug, PartialEq)]
pub enum Weights {
    /// So that all classes count the same.
    Balanced,
    /// As a column says.
    Column(String),
}

/// Cross-validation: how many folds, and what tells rows apart.
#[derive(Clone, Debug, PartialEq)]
pub struct CvSpec {
    /// How many.
    pub folds: usize,
    /// The column that orders the rows: each fold is judged by a model of the rows before it.
    pub time: Option<String>,
    /// The column whose rows of one value stay in one fold.
    pub group: Option<String>,
}

/// `evaluate`.
#[derive(Clone, Debug)]
pub struct EvaluateSpec {
    /// The train steps, in order.
    pub models: Vec<String>,
    /// A part, if not test; or the name of another table.
    pub on: Option<String>,
    /// What is computed.
    pub metrics: Vec<String>,
    /// What ranks them.
    pub best: Option<String>,
    /// Columns whose values are judged one by one.
    pub slices: Vec<String>,
    /// How it is told which columns matter; not at all if it isn't said.
    pub importance: Option<ImportanceSpec>,
    /// What the winner must reach.
    pub gates: Vec<Gate>,
}

/// `importance: permutation`, or with how often and by which metric.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportanceSpec {
    /// How often the values of each column are shuffled.
    pub repeats: usize,
    /// The metric; that of `best` if not said, else the first one.
    pub metric: Option<String>,
}

impl EvaluateSpec {
    /// The other table that the models are judged on, if it isn't a part of their own.
    pub fn table(&self) -> Option<&str> {
        self.on.as_deref().filter(|on| !matches!(Part::named(on), Some(Part::Train | Part::Validation | Part::Test)))
    }
}

/// A bound on a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The metric: `accuracy`, `coverage`.
    pub metric: String,
    /// Over what.
    pub over: Over,
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

impl Gate {
    /// The key that it was written under: `worst_slice.recall`.
    pub fn name(&self) -> String {
        match self.over {
            Over::Rows => self.metric.clone(),
            Over::WorstSlice { .. } => format!("worst_slice.{}", self.metric),
            Over::SliceGap { .. } => format!("slice_gap.{}", self.metric),
        }
    }
}

/// Over which rows a gate's metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All that are judged.
    Rows,
    /// The slice where it is worst.
    WorstSlice {
        /// How many rows a slice must have to count.
        min_rows: usize,
    },
    /// The distance between two slices of a column.
    SliceGap {
        /// How many rows a slice must have to count.
        min_rows: usize,
    },
}

impl Over {
    /// How many rows a slice must have to count.
    pub fn min_rows(self) -> Option<usize> {
        match self {
            Over::Rows => None,
            Over::WorstSlice { min_rows } | Over::SliceGap { min_rows } => Some(min_rows),
        }
    }
}

/// A bound on a metric that a model must keep to take the champion's place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promotion {
    /// The metric.
    pub metric: String,
    /// At least.
    pub min: Option<Bar>,
    /// At most.
    pub max: Option<Bar>,
}

/// How high a bar is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// A number.
    Number(f64),
    /// The champion's score on the same rows and so much more: `champion - 0.01`.
    Champion(f64),
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bar::Number(number) => write!(f, "{number}"),
            Bar::Champion(0.0) => f.write_str("champion"),
            Bar::Champion(more) if *more < 0.0 => write!(f, "champion - {}", -more),
            Bar::Champion(more) => write!(f, "champion + {more}"),
        }
    }
}

/// As it is written: a number, or text.
impl Serialize for Bar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Bar::Number(number) => to.serialize_f64(*number),
            Bar::Champion(_) => to.collect_str(self),
        }
    }
}

/// `deploy`.
#[derive(Clone, Debug)]
pub struct DeploySpec {
    /// The evaluate or train step.
    pub step: String,
    /// The registered name.
    pub name: String,
    /// The alias that moves.
    pub alias: String,
    /// What a model must reach, compared with the one that the alias points to, before the alias moves.
    pub promote_if: Vec<Promotion>,
    /// On which rows the model is fitted once more before it goes out.
    pub refit: Option<Refit>,
    /// Where the model goes: the target's name and its settings.
    pub targets: Vec<TargetKind>,
}

/// What a model goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// The model that the step made last time.
    Previous,
}

/// On which rows a model is fitted once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refit {
    /// Those of every part.
    All,
}

/// A deploy target with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetKind {
    /// `gristmill serve` answers on this port.
    Rest {
        /// The port.
        port: u16,
    },
    /// A file of the project, for other programs.
    Onnx {
        /// The file, from the project's root.
        path: String,
    },
}

impl TargetKind {
    /// Its name and settings, as the registry keeps them.
    pub fn to_json(&self) -> Json {
        match self {
            TargetKind::Rest { port } => serde_json::json!({"target": "rest", "port": port}),
            TargetKind::Onnx { path } => serde_json::json!({"target": "onnx", "path": path}),
        }
    }

    /// Its name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            TargetKind::Rest { .. } => "rest",
            TargetKind::Onnx { .. } => "onnx",
        }
    }
}

impl StepSpec {
    /// Where it stands in the file.
    pub fn route(&self) -> Route {
        match &self.verb {
            Verb::Brought(brought) => Route::of(["steps", &brought.program, "outputs", &brought.output]),
            _ => Route::of(["steps", &self.name]),
        }
    }

    pub(super) fn read(name: &str, node: &Node, route: &Route, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut fields = Fields::new(node, route.clone(), "a step");
        let said: Vec<&str> =
            fields.entries().iter().map(|entry| entry.key.as_str()).filter(|key| VERBS.contains(key)).collect();
        let later = fields.entries().iter().find(|entry| entry.key == "predict");
        let verb = match (said.as_slice(), later) {
            ([verb], _) => Some(*verb),
            ([], Some(entry)) => {
                let fault = Fault::new("not-supported", format!("the verb `{}` is not supported yet", entry.key));
                faults.push(fault.on_key().under(&route.key(&entry.key)));
                return None;
            }
            ([], None) if fields.entries().is_empty() => None,
            ([], None) => {
                let near = fields
                    .entries()
                    .iter()
                    .find_map(|entry| Some((entry.key.as_str(), crate::source::nearest(&entry.key, VERBS)?)));
                let fault = match near {
                    Some((key, _)) => Fault::new("unknown-verb", format!("there is no verb `{key}`"))
                        .maybe_help(suggest(key, VERBS))
                        .on_key()
                        .within(key),
                    None => Fault::new("no-verb", format!("`{name}` has no verb"))
                        .help(format!("a step says what it does: {}", crate::source::list(VERBS)))
                        .on_key(),
                };
                faults.push(fault.under(route));
                return None;
            }
            ([first, second, ..], _) => {
                let fault =
                    Fault::new("two-verbs", format!("`{first}` and `{second}` are both verbs, and a step has one"));
                fields.fault(fault.help("make two steps of it").on_key().within(second));
                Some(*first)
            }
        };
        fields.allow(&VERBS);
        let description = fields.take("description");
        let tags = fields.take("tags").unwrap_or_default();
        let save = fields.take("save");
        let when = fields.take("when").unwrap_or(true);
        let limits = Limits::read(&mut fields);
        let accept = accepted(&mut fields);
        // It is gone where it could be expanded; else it has told its mistakes.
        fields.allow(&["matrix"]);
        fields.later(&["for_each"]);
        let verb = verb.and_then(|verb| verbs::read(verb, node, &mut fields));
        if save.is_some() && matches!(verb, Some(Verb::Evaluate(_) | Verb::Deploy(_) | Verb::Train(_) | Verb::Run(_))) {
            fields.fault(Fault::new("unknown-key", "only a table can be saved").on_key().within("save"));
        }
        faults.extend(fields.finish());
        Some(Self { name: name.to_owned(), description, tags, save, when, limits, accept, verb: verb? })
    }
}
