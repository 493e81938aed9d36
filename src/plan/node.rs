//! What a plan is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::brought::Brought;
use super::build::LastModel;
use super::decision::Decision;
use super::ensemble::Ensemble;
use super::op::OpNode;
use super::tune::Tune;
use crate::data::{Contract, Format, Kind, Part, Selector, Shape, Table};
use crate::expr::Expr;
use crate::learn::{CheckedModel, Task};
use crate::source::{Fault, Route};
use crate::spec::{Gate, Limits, Origin, Promotion, Roles, RunSpec, SourceSpec, TargetKind, Weights};

/// A pipeline that fits together.
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What every random choice derives from.
    pub seed: u64,
    /// Columns that no model is trained on.
    pub roles: Roles,
    /// The column to predict, if there is one for the whole file.
    pub target: Option<String>,
    /// The columns that selectors leave alone.
    pub protected: BTreeSet<String>,
    /// Those of them whose offspring is protected too.
    pub guarded: BTreeSet<String>,
    /// The target and the columns that only it is made from: no request has them.
    pub unasked: BTreeSet<String>,
    /// The environment variables that count in no key and never show.
    pub secrets: Vec<String>,
    /// The tables from outside.
    pub sources: Vec<SourceNode>,
    /// The steps; each comes after those it works on.
    pub steps: Vec<Step>,
    /// Its tests.
    pub tests: Vec<PlanTest>,
    /// The places of sources and steps.
    pub(super) places: HashMap<String, Input>,
}

impl Plan {
    /// The step of that name.
    pub fn step(&self, name: &str) -> Option<usize> {
        match self.places.get(name) {
            Some(Input::Step(step)) => Some(*step),
            _ => None,
        }
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Option<usize> {
        match self.places.get(name) {
            Some(Input::Source(source)) => Some(*source),
            _ => None,
        }
    }

    pub(super) fn add_source(&mut self, source: SourceNode) {
        self.places.insert(source.spec.name.clone(), Input::Source(self.sources.len()));
        self.sources.push(source);
    }

    pub(super) fn add_step(&mut self, step: Step) {
        // A source of that name comes first: the step has told its own mistake.
        self.places.entry(step.name.clone()).or_insert(Input::Step(self.steps.len()));
        self.steps.push(step);
    }

    /// Takes all steps away.
    pub(super) fn without_steps(&mut self) {
        self.steps.clear();
        self.places.retain(|_, place| matches!(place, Input::Source(_)));
    }

    /// The step that makes a source: one that runs a program.
    pub fn maker(&self, source: usize) -> Option<usize> {
        match &self.sources[source].spec.origin {
            Origin::Program { step, .. } => self.step(step),
            _ => None,
        }
    }

    /// The table step at `index`, if it is one.
    pub fn table(&self, index: usize) -> Option<&TableStep> {
        match &self.steps[index].kind {
            StepKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The table steps from a source to `input`, in the order the rows pass them, and the source they begin at.
    pub fn chain(&self, input: Input) -> (usize, Vec<usize>) {
        let mut steps = Vec::new();
        let mut at = input;
        loop {
            match at {
                Input::Source(source) => {
                    steps.reverse();
                    return (source, steps);
                }
                Input::Step(step) => {
                    steps.push(step);
                    at = self.table(step).expect("a table's input is a table").input;
                }
            }
        }
    }

    /// Which steps a step works on.
    pub fn needs(&self, step: usize) -> Vec<usize> {
        self.needs_of(&self.steps[step].kind)
    }

    pub(super) fn needs_of(&self, kind: &StepKind) -> Vec<usize> {
        let of = |input: &Input| match input {
            Input::Step(step) => Some(*step),
            Input::Source(source) => self.maker(*source),
        };
        match kind {
            StepKind::Table(table) => {
                let others = table.ops.iter().flat_map(|node| &node.others).filter_map(|(_, other)| of(other));
                let mut needs: Vec<usize> = of(&table.input).into_iter().chain(others).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            }
            StepKind::Train(train) => {
                let members = train.ensemble.iter().flat_map(|ensemble| ensemble.members.iter().copied());
                let brought = train.brought.as_ref().map(|brought| brought.step);
                of(&train.input).into_iter().chain(members).chain(brought).collect()
            }
            StepKind::Evaluate(evaluate) => {
                let mut needs = evaluate.models.clone();
                if let On::Table(input) = &evaluate.on {
                    needs.extend(of(input).filter(|step| !evaluate.models.contains(step)));
                }
                needs
            }
            StepKind::Deploy(deploy) => vec![deploy.step],
            StepKind::Run(program) => {
                let mut needs: Vec<usize> = program
                    .inputs
                    .iter()
                    .filter_map(|read| match &read.from {
                        Read::Table(input) => of(input),
                        Read::File { step, .. } => Some(*step),
                    })
                    .collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            }
        }
    }
}

/// A source or a step, by its place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// A table from outside.
    Source(usize),
    /// A step.
    Step(usize),
}

/// A table from outside.
pub struct SourceNode {
    /// What was written.
    pub spec: SourceSpec,
    /// What it must look like.
    pub contract: Option<Contract>,
    /// The condition that its rows meet.
    pub condition: Option<Expr>,
    /// Its columns, if they are known.
    pub shape: Option<Shape>,
}

/// A step.
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Words to choose steps by.
    pub tags: Vec<String>,
    /// A file that its table is also written to.
    pub save: Option<String>,
    /// Why it is no part of this run, if it isn't.
    pub off: Option<String>,
    /// What it may take.
    pub limits: Limits,
    /// The leaks that are meant.
    pub accept: Vec<String>,
    /// What it does.
    pub kind: StepKind,
}

impl Step {
    /// Where it stands in the file.
    pub fn route(&self) -> Route {
        match self.kind.brought() {
            Some(brought) => {
                let program = self.name.strip_suffix(&format!(".{}", brought.output)).unwrap_or(&self.name);
                Route::of(["steps", program, "outputs", &brought.output])
            }
            None => Route::of(["steps", &self.name]),
        }
    }
}

/// What a step does.
pub enum StepKind {
    /// A table through ops.
    Table(TableStep),
    /// A model.
    Train(Box<Train>),
    /// A judgement of models.
    Evaluate(Evaluate),
    /// A registered model.
    Deploy(Deploy),
    /// A program of the user's own.
    Run(Program),
}

impl StepKind {
    /// The verb, as people say it.
    pub fn verb(&self) -> &'static str {
        match self {
            StepKind::Table(table) => table.verb,
            StepKind::Train(train) if train.brought.is_some() => "model",
            StepKind::Train(_) => "train",
            StepKind::Evaluate(_) => "evaluate",
            StepKind::Deploy(_) => "deploy",
            StepKind::Run(_) => "run",
        }
    }
}

/// A table through ops.
pub struct TableStep {
    /// `clean` or `transform`.
    pub verb: &'static str,
    /// Where its rows come from.
    pub input: Input,
    /// The ops, in order.
    pub ops: Vec<OpNode>,
    /// Where in `ops` the split is, if here.
    pub split: Option<usize>,
    /// Whether its rows are split, here or before.
    pub is_split: bool,
    /// Its columns, if they are known.
    pub shape: Option<Shape>,
}

impl TableStep {
    /// The ranges of `ops` that are run and kept as one: cut behind a split, so that what comes after it can be refitted.
    pub fn segments(&self) -> Vec<std::ops::Range<usize>> {
        match self.split {
            Some(split) if split + 1 < self.ops.len() => vec![0..split + 1, split + 1..self.ops.len()],
            _ => vec![0..self.ops.len(); 1],
        }
    }
}

/// The column to predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The column.
    pub column: String,
    /// The positive class, as it was written.
    pub positive: Option<Json>,
}

/// A model to learn.
pub struct Train {
    /// The table it learns from.
    pub input: Input,
    /// The model's name in the catalogue.
    pub model_name: &'static str,
    /// The model with its hyper-parameters.
    pub model: Box<dyn CheckedModel>,
    /// What to predict.
    pub target: Target,
    /// Classes or numbers; told by the target's type if not known before data is read.
    pub task: Option<Task>,
    /// What to learn from.
    pub features: Selector,
    /// How much rows count.
    pub weights: Option<Weights>,
    /// Cross-validation.
    pub cv: Option<Cv>,
    /// Where the model comes from, if a program brings it.
    pub brought: Option<Brought>,
    /// What is done with its answers.
    pub decision: Decision,
    /// Whether it goes on from the model that the step made last time, and which that is, if there is one.
    pub update: Option<Option<LastModel>>,
    /// The models that it is made of, if it is an ensemble.
    pub ensemble: Option<Ensemble>,
    /// The search for hyper-parameters.
    pub tune: Option<Box<Tune>>,
}

impl Train {
    /// Why the model can't learn from a column of that type, if it can't.
    pub fn unfit(&self, column: &str, kind: Kind) -> Option<Fault> {
        // The members of an ensemble were asked themselves.
        let of_members = self.ensemble.is_some();
        unfit(self.model_name, self.model.takes_categories(), column, kind).filter(|_| !of_members)
    }

    /// The column that says how much rows count, if one does.
    fn weight(&self) -> Option<&String> {
        match &self.weights {
            Some(Weights::Column(column)) => Some(column),
            _ => None,
        }
    }

    /// What it reads, or its members do: the columns that are picked of, and the one that says how much rows count.
    pub(super) fn reads(&self) -> Vec<(Selector, Option<String>)> {
        match &self.ensemble {
            Some(ensemble) => ensemble.reads.clone(),
            None => vec![(self.features.clone(), self.weight().cloned())],
        }
    }

    /// The columns that it learns from, in the order they are picked: neither the target nor the weights.
    pub fn picks(&self, shape: &Shape) -> Result<Vec<String>, Fault> {
        if let Some(ensemble) = &self.ensemble {
            return ensemble.picks(shape, &self.target.column);
        }
        let picked = self.features.resolve(shape)?;
        Ok(picked.into_iter().filter(|name| *name != self.target.column && Some(name) != self.weight()).collect())
    }
}

/// Why a model can't learn from a column of that type, if it can't.
pub(super) fn unfit(model: &str, categories: bool, column: &str, kind: Kind) -> Option<Fault> {
    let is_category = matches!(kind, Kind::Category | Kind::Str);
    if kind.is_numeric() || kind == Kind::Bool || (is_category && categories) {
        return None;
    }
    let help = match kind {
        _ if is_category => format!("put `one_hot: [{column}]` before, or `drop` it"),
        _ => format!("derive numbers from it, or `drop: [{column}]`"),
    };
    let message = match categories {
        true => format!("`{column}` is {kind}, and `{model}` learns from numbers and categories"),
        false => format!("`{column}` is {kind}, and `{model}` learns from numbers"),
    };
    Some(Fault::new("wrong-type", message).help(help))
}

/// Cross-validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Cv {
    /// How many folds.
    pub folds: usize,
    /// The column that orders the rows.
    pub time: Option<String>,
    /// The column whose rows of one value stay in one fold.
    pub group: Option<String>,
}

/// The rows that models are judged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A part of what they were trained on.
    Part(Part),
    /// Another table, which goes through the ops that lead to each model as a request does.
    Table(Input),
}

impl On {
    /// The part, if it is one.
    pub fn part(self) -> Option<Part> {
        match self {
            On::Part(part) => Some(part),
            On::Table(_) => None,
        }
    }
}

/// A judgement of models.
pub struct Evaluate {
    /// The train steps, in the order they are named.
    pub models: Vec<usize>,
    /// What they are judged on.
    pub on: On,
    /// The metrics.
    pub metrics: Vec<&'static str>,
    /// The metric that ranks them.
    pub best: Option<&'static str>,
    /// Columns whose values are judged one by one, each with the table that has it last.
    pub slices: Vec<(String, Input)>,
    /// How it is told which columns matter, if it is.
    pub importance: Option<super::Importance>,
    /// What the winner must reach.
    pub gates: Vec<Gate>,
}

/// A model to register.
pub struct Deploy {
    /// The evaluate or train step.
    pub step: usize,
    /// The registered name.
    pub name: String,
    /// The alias that moves.
    pub alias: String,
    /// What the model must reach beside the one that the alias points to.
    pub promote_if: Vec<Promotion>,
    /// The part that both are judged on.
    pub on: Part,
    /// Whether the model is fitted once more, on the rows of all parts, before it goes out.
    pub refit: bool,
    /// Where it goes.
    pub targets: Vec<TargetKind>,
}

/// A program of the user's own.
pub struct Program {
    /// What was written.
    pub spec: RunSpec,
    /// What it reads, in the order it is written.
    pub inputs: Vec<ProgramInput>,
}

/// Something that a program reads.
pub struct ProgramInput {
    /// How it is called in the command.
    pub name: String,
    /// How a step's table is written for it.
    pub format: Format,
    /// What it is.
    pub from: Read,
}

/// What a program reads.
pub enum Read {
    /// A table.
    Table(Input),
    /// A file that another program leaves.
    File {
        /// The step that runs it.
        step: usize,
        /// The output.
        output: String,
    },
}

impl Read {
    /// The table, if it is one.
    pub fn table(&self) -> Option<Input> {
        match self {
            Read::Table(input) => Some(*input),
            Read::File { .. } => None,
        }
    }
}

/// A test of the pipeline, its rows typed.
pub struct PlanTest {
    /// What it shows.
    pub name: String,
    /// The rows of sources.
    pub given: Vec<Given>,
    /// The rows expected of steps, as they were written.
    pub expect: BTreeMap<usize, Vec<serde_json::Map<String, Json>>>,
}

/// The rows of one source in a test.
pub struct Given {
    /// The source.
    pub source: usize,
    /// Its rows.
    pub table: Table,
}
