//! The only constructor of a plan.

use std::collections::{BTreeMap, HashMap};

use super::node::{Input, Plan, SourceNode, Step, StepKind, Train};
use super::{aside, brought, deploy, evaluate, graph, leaks, program, protect, table, tests, train};
use crate::data::{Contract, Format, Kind, Shape, Value};
use crate::expr::{Expr, Scope};
use crate::source::{Diagnostic, Fault, Severity, suggest};
use crate::spec::{Origin, SourceSpec, Spec, StepSpec, Verb};
use crate::store::{Digest, Key};

/// What is known of tables outside without reading them whole.
pub trait Schemas {
    /// The contract in a file. Its own mistakes are diagnostics of that file.
    fn contract(&self, path: &str) -> Result<Contract, Problem>;

    /// The columns of a source, given the types that are said. `None` if nothing tells them; a fault (or a warning, with the
    /// columns) if its file should tell and can't.
    fn columns(&self, source: &SourceSpec, said: &BTreeMap<String, Kind>) -> (Option<Shape>, Option<Fault>);

    /// Whether a file or folder of the project is there.
    ///
    /// # Errors
    /// If it isn't: with the nearest name.
    fn exists(&self, path: &str) -> Result<(), Fault>;

    /// The model that a train step made last time, as the lock has it. `None` if there is none.
    fn last(&self, step: &str) -> Option<LastModel> {
        let _ = step;
        None
    }
}

/// The model that a step made last time.
#[derive(Clone, Debug, PartialEq)]
pub struct LastModel {
    /// The step's key.
    pub key: Key,
    /// The model.
    pub model: Digest,
    /// The model that it went on from, if it went on from one.
    pub parent: Option<Digest>,
}

/// Why a contract can't be had.
pub enum Problem {
    /// For the file that names it.
    Here(Fault),
    /// In the contract's own file.
    There(Vec<Diagnostic>),
}

/// A plan, or what is wrong.
pub struct Built {
    /// The plan, if there is no error.
    pub plan: Option<Plan>,
    /// Errors and warnings, with routes into the pipeline's file.
    pub faults: Vec<Fault>,
    /// Mistakes in other files.
    pub elsewhere: Vec<Diagnostic>,
}

/// Builds the plan of a spec, or tells all of its mistakes. `faults` are those that reading it found.
pub fn build(spec: &Spec, schemas: &dyn Schemas, mut faults: Vec<Fault>) -> Built {
    let mut elsewhere = Vec::new();
    let targets = protect::targets(spec);
    let mut protected = targets.clone();
    protected.extend(spec.roles.columns().map(|(_, column)| column.to_owned()));
    let order = graph::order(spec, &mut faults);
    let mut plan = Plan {
        name: spec.name.clone(),
        description: spec.description.clone(),
        seed: spec.seed,
        roles: spec.roles.clone(),
        target: targets.first().filter(|_| targets.len() == 1).cloned(),
        protected,
        guarded: targets.iter().chain(&spec.roles.held).cloned().collect(),
        unasked: targets.clone(),
        secrets: spec.secrets.clone(),
        sources: Vec::new(),
        steps: Vec::new(),
        tests: Vec::new(),
        places: HashMap::new(),
    };
    for source in &spec.sources {
        let node = read_source(source, &spec.params, schemas, &mut faults, &mut elsewhere);
        plan.add_source(node);
    }
    // What only the target is made from is known once the ops are read: they are read twice, the first time for that alone.
    if !targets.is_empty() {
        add_steps(spec, schemas, &order, &mut plan, &mut Vec::new());
        plan.unasked = protect::unasked(&targets, &plan.steps);
        plan.protected.extend(plan.unasked.iter().cloned());
        plan.without_steps();
    }
    add_steps(spec, schemas, &order, &mut plan, &mut faults);
    check_roles(spec, &plan, &mut faults);
    faults.extend(aside::clashes(&plan));
    if plan.steps.len() == spec.steps.len() {
        plan.tests = tests::tests(spec, &plan, &mut faults);
    }
    faults.extend(leaks::faults(&plan));
    let faults = without_echoes(faults);
    let whole = elsewhere.is_empty() && faults.iter().all(|fault| fault.severity == Severity::Warning);
    Built { plan: whole.then_some(plan), faults, elsewhere }
}

/// Without the faults of scalars whose template is at fault already: what was to stand there isn't known.
fn without_echoes(faults: Vec<Fault>) -> Vec<Fault> {
    let is_template = |fault: &Fault| matches!(fault.code, "undefined-name" | "template");
    let broken: Vec<_> = faults.iter().filter(|fault| is_template(fault)).map(|fault| fault.route.clone()).collect();
    faults.into_iter().filter(|fault| is_template(fault) || !broken.contains(&fault.route)).collect()
}

fn read_source(
    source: &SourceSpec,
    params: &BTreeMap<String, Value>,
    schemas: &dyn Schemas,
    faults: &mut Vec<Fault>,
    elsewhere: &mut Vec<Diagnostic>,
) -> SourceNode {
    let route = source.route();
    let contract = source.contract.as_ref().and_then(|path| match schemas.contract(path) {
        Ok(contract) => Some(contract),
        Err(Problem::Here(fault)) => {
            faults.push(fault.within("contract").under(&route));
            None
        }
        Err(Problem::There(found)) => {
            elsewhere.extend(found);
            None
        }
    });
    // What is said in the pipeline beats the contract.
    let mut said = contract.as_ref().map(Contract::kinds).unwrap_or_default();
    said.extend(source.reading.kinds.clone());
    let (shape, fault) = schemas.columns(source, &said);
    let key = if matches!(source.origin, Origin::Pipeline { .. }) { "from" } else { "path" };
    faults.extend(fault.map(|fault| fault.within(key).under(&route)));
    let shape = shape.or_else(|| contract.as_ref().map(Contract::shape));
    for column in source.reading.kinds.keys() {
        let unknown = shape.as_ref().and_then(|shape| shape.expect(column).err());
        faults.extend(unknown.map(|fault| fault.on_key().within(column).within("columns").under(&route)));
    }
    let condition = source.condition.as_ref().zip(shape.as_ref()).and_then(|(sql, shape)| {
        let found = match Expr::parse(sql, &Scope { shape, params }) {
            Ok(expr) if expr.kind() == Kind::Bool => return Some(expr),
            Ok(expr) => {
                vec![Fault::new("wrong-type", format!("a condition is true or false, and this is {}", expr.kind()))]
            }
            Err(found) => found,
        };
        faults.extend(found.into_iter().map(|fault| fault.within("where").under(&route)));
        None
    });
    let mut spec = source.clone();
    spec.reading.kinds = said;
    SourceNode { spec, contract, condition, shape }
}

fn add_steps(spec: &Spec, schemas: &dyn Schemas, order: &[usize], plan: &mut Plan, faults: &mut Vec<Fault>) {
    let (protected, guarded) = (plan.protected.clone(), plan.guarded.clone());
    for source in &mut plan.sources {
        if let Some(shape) = &mut source.shape {
            shape.protected.clone_from(&protected);
            shape.guarded.clone_from(&guarded);
        }
    }
    for place in order {
        let written = &spec.steps[*place];
        let mut found = Vec::new();
        let kind = step(spec, schemas, written, plan, &mut found);
        faults.extend(found);
        if let Some(kind) = kind {
            let off = off(written, &kind, plan);
            plan.add_step(Step {
                name: written.name.clone(),
                description: written.description.clone(),
                tags: written.tags.clone(),
                save: written.save.clone(),
                off,
                limits: written.limits.clone(),
                accept: written.accept.clone(),
                kind,
            });
        }
    }
}

/// Why a step is no part of this run: its own `when`, or that of a step that it can't do without.
fn off(written: &StepSpec, kind: &StepKind, plan: &Plan) -> Option<String> {
    if !written.when {
        return Some("its `when` is false".to_owned());
    }
    let needs = plan.needs_of(kind);
    let missing = needs.iter().map(|need| &plan.steps[*need]).find(|need| need.off.is_some())?;
    Some(format!("`{}` is no part of this run", missing.name))
}

/// Faults have their routes from the document's root.
fn step(
    spec: &Spec,
    schemas: &dyn Schemas,
    written: &StepSpec,
    plan: &Plan,
    faults: &mut Vec<Fault>,
) -> Option<StepKind> {
    let route = written.route();
    let mut found = Vec::new();
    if let Some(fault) = written.save.as_ref().and_then(|path| Format::of(path).err()) {
        found.push(fault.within("save"));
    }
    let kind = match &written.verb {
        Verb::Table(spec_table) => {
            let key = if spec_table.verb == crate::spec::VerbKind::Clean { "clean" } else { "transform" };
            let start = start(&spec_table.input, key, plan, &mut found);
            start.map(|(input, shape, is_split)| {
                let start =
                    table::Start { input, shape, is_split, target: plan.target.as_deref(), params: &spec.params };
                StepKind::Table(table::table(spec_table, start, plan, faults))
            })
        }
        Verb::Train(spec_train) => start(&spec_train.table, "train", plan, &mut found)
            .and_then(|(input, shape, _)| train::train(spec_train, (input, shape), spec, plan, &mut found))
            .map(|train| Train { update: train.update.map(|_| schemas.last(&written.name)), ..train })
            .map(|train| StepKind::Train(Box::new(train))),
        Verb::Brought(brought) => {
            brought::brought(brought, plan, spec, &mut found).map(|train| StepKind::Train(Box::new(train)))
        }
        Verb::Evaluate(spec_evaluate) => evaluate::evaluate(spec_evaluate, plan, &mut found).map(StepKind::Evaluate),
        Verb::Deploy(spec_deploy) => deploy::deploy(spec_deploy, plan, &mut found).map(StepKind::Deploy),
        Verb::Run(spec_run) => program::program(spec_run, spec, plan, schemas, &mut found).map(StepKind::Run),
    };
    faults.extend(found.into_iter().map(|fault| fault.under(&route)));
    kind
}

/// The table that a step works on: its place, its columns, and whether its rows are split.
pub(super) fn start<'a>(
    name: &str,
    key: &str,
    plan: &'a Plan,
    faults: &mut Vec<Fault>,
) -> Option<(Input, Option<&'a Shape>, bool)> {
    if let Some(source) = plan.source(name) {
        return Some((Input::Source(source), plan.sources[source].shape.as_ref(), false));
    }
    // A step that isn't in the plan has told its own mistakes.
    let step = plan.step(name)?;
    if let Some(found) = plan.table(step) {
        return Some((Input::Step(step), found.shape.as_ref(), found.is_split));
    }
    let made: Vec<usize> = (0..plan.sources.len()).filter(|source| plan.maker(*source) == Some(step)).take(2).collect();
    if let [source] = made.as_slice() {
        return Some((Input::Source(*source), plan.sources[*source].shape.as_ref(), false));
    }
    faults.push(no_table(name, step, plan).within(key));
    None
}

fn no_table(name: &str, step: usize, plan: &Plan) -> Fault {
    let fault = |what: &str| Fault::new("not-a-table", format!("`{name}` {what}, and this step works on a table"));
    let made = plan.sources.iter().enumerate().filter(|(source, _)| plan.maker(*source) == Some(step));
    let made: Vec<&str> = made.map(|(_, source)| source.spec.name.as_str()).collect();
    match &plan.steps[step].kind {
        StepKind::Run(_) if made.is_empty() => {
            fault("leaves no table").help("let one of its `outputs` be a table: `outputs: {vectors: vectors.parquet}`")
        }
        StepKind::Run(_) => fault("leaves several tables").help(format!("name one of {}", crate::source::list(made))),
        kind => {
            let what = if matches!(kind, StepKind::Train(_)) { "is a model" } else { "is no table" };
            let tables = plan.sources.iter().map(|source| source.spec.name.as_str());
            let steps = plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Table(_)));
            fault(what).maybe_help(suggest(name, tables.chain(steps.map(|step| step.name.as_str()))))
        }
    }
}

/// A role that no table has is a slip.
fn check_roles(spec: &Spec, plan: &Plan, faults: &mut Vec<Fault>) {
    if let Some(target) = &spec.target
        && let Some((role, column)) = spec.roles.columns().find(|(_, column)| *column == target.column)
    {
        let fault = Fault::new("bad-role", format!("`{column}` is the target, and can't have the role `{role}` too"));
        faults.push(fault.under(&crate::source::Route::of(["roles", role])));
    }
    let shapes: Vec<&Shape> = plan
        .sources
        .iter()
        .map(|source| source.shape.as_ref())
        .chain(plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Table(table) => Some(table.shape.as_ref()),
            _ => None,
        }))
        .flatten()
        .collect();
    if shapes.is_empty() || plan.sources.iter().any(|source| source.shape.is_none()) {
        return;
    }
    for (role, column) in spec.roles.columns() {
        if shapes.iter().all(|shape| shape.kind(column).is_none()) {
            let known = shapes.iter().flat_map(|shape| shape.names());
            let index = spec.roles.held.iter().position(|held| held == column);
            let route = crate::source::Route::of(["roles", role]);
            let route = if role == "held" { route.index(index.unwrap_or_default()) } else { route };
            faults.push(
                Fault::new("unknown-column", format!("no table has a column `{column}`"))
                    .maybe_help(suggest(column, known))
                    .under(&route),
            );
        }
    }
}
