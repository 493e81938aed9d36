//! Table steps: ops fitted and applied, segment by segment, each kept on its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::event::Outcome;
use super::key;
use super::outcome::{PartMeta, Payload, SegmentDone, StepDone, TableMeta};
use super::run::Cx;
use super::unit::{Made, Parts, label, unit};
use crate::data::{self, Part, ROW, Shape, Table, column_digest};
use crate::ops::{FitContext, no_tables};
use crate::plan::{Input, OpNode, Plan, Step, TableStep};
use crate::recipe::RowStep;
use crate::source::Fault;
use crate::store::{Digest, Store};

/// Runs a table step.
pub(super) fn run(cx: &Cx, step: &Step, table: &TableStep) -> Result<StepDone, Fault> {
    let mut segments: Vec<SegmentDone> = Vec::new();
    let mut reasons = Vec::new();
    let ranges = table.segments();
    let last = ranges.len() - 1;
    for (nth, range) in ranges.into_iter().enumerate() {
        let ops: Vec<&OpNode> = table.ops[range].iter().collect();
        let name = if nth == last { "" } else { "split" };
        let label = label(&cx.plan.name, &step.name, name);
        let (done, ran) = match segments.last() {
            None => first(cx, &label, table.input, &ops)?,
            Some(before) => after(cx, &label, &before.table, &ops)?,
        };
        reasons.extend(ran);
        segments.push(done);
    }
    let end = segments.last().expect("a table step has a segment");
    let mut outputs: BTreeMap<String, Digest> =
        end.table.parts.iter().map(|meta| (meta.part.name().to_owned(), meta.digest)).collect();
    outputs.insert("recipe".to_owned(), recipe_digest(&segments));
    let summary = summary(&segments);
    Ok(StepDone {
        outcome: if reasons.is_empty() { Outcome::Cached } else { Outcome::Ran },
        reason: reasons.into_iter().next().unwrap_or_else(|| super::reason::UNCHANGED.to_owned()),
        key: end.key,
        outputs,
        metrics: None,
        summary,
        payload: Payload::Table(segments),
    })
}

/// One digest for the recipes of all segments.
fn recipe_digest(segments: &[SegmentDone]) -> Digest {
    match segments {
        [one] => one.recipe,
        many => Digest::of_json(&many.iter().map(|segment| Json::from(segment.recipe.to_string())).collect()),
    }
}

fn summary(segments: &[SegmentDone]) -> String {
    let end = &segments.last().expect("a segment").table;
    let rows = if end.parts.len() == 1 {
        format!("{} rows", end.rows())
    } else {
        let parts: Vec<String> = end.parts.iter().map(|meta| format!("{} {}", meta.rows, meta.part)).collect();
        parts.join(" + ")
    };
    let dropped: Vec<String> = segments
        .iter()
        .flat_map(|segment| &segment.table.dropped)
        .filter(|(_, count)| *count != 0)
        .map(|(op, count)| format!("{op} {:+}", -count))
        .collect();
    let dropped = if dropped.is_empty() { String::new() } else { format!(" ({})", dropped.join(", ")) };
    format!("{rows} × {} columns{dropped}", end.shape.fields.len())
}

/// The first segment of a step.
fn first(cx: &Cx, label: &str, input: Input, ops: &[&OpNode]) -> Result<(SegmentDone, Option<String>), Fault> {
    match input {
        Input::Step(step) => after(cx, label, cx.done(step).table(), ops),
        Input::Source(source) => {
            let identity = cx.identity(source)?;
            let node = &cx.plan.sources[source];
            let mut parts = Parts::new("table");
            parts.add(format!("source.{}", node.spec.name), identity.bytes.to_string());
            parts.add("reading", identity.reading);
            if let Some(shape) = &node.shape {
                key::shape(&mut parts, shape);
            }
            key::ops(&mut parts, ops, cx)?;
            let done = segment(cx, label, &parts, ops, || Ok((*cx.table(source)?).clone()))?;
            cx.tables.counted(source, done.0.table.input);
            Ok(done)
        }
    }
}

fn after(cx: &Cx, label: &str, before: &TableMeta, ops: &[&OpNode]) -> Result<(SegmentDone, Option<String>), Fault> {
    let mut parts = Parts::new("table");
    key::table(&mut parts, before);
    key::ops(&mut parts, ops, cx)?;
    segment(cx, label, &parts, ops, || load(cx, before))
}

fn segment(
    cx: &Cx,
    label: &str,
    parts: &Parts,
    ops: &[&OpNode],
    input: impl FnOnce() -> Result<Table, Fault>,
) -> Result<(SegmentDone, Option<String>), Fault> {
    let done = unit(cx, label, parts, || {
        let worked = work_told(ops, input()?, cx, &|done| {
            cx.progress(done, ops.len(), "ops");
            cx.check()
        })?;
        keep(cx, worked)
    })?;
    let table = TableMeta::deserialize(&done.record.meta).map_err(|error| {
        Fault::new("broken-record", "the record of this step can't be read").because(error).help("run with `--force`")
    })?;
    let segment = SegmentDone { key: done.key, table, fitted: done.output("fitted")?, recipe: done.output("recipe")? };
    Ok((segment, done.ran))
}

/// Where ops find what isn't in their own table.
pub(super) trait Tables {
    /// The plan that they are of.
    fn plan(&self) -> &Plan;
    /// Another table.
    fn other(&self, input: Input) -> Result<Table, Fault>;
}

impl Tables for Cx<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn other(&self, input: Input) -> Result<Table, Fault> {
        match input {
            Input::Source(source) => Ok((*self.table(source)?).clone()),
            Input::Step(step) => load(self, self.done(step).table()),
        }
    }
}

/// A table through ops, with what they learned.
pub(super) struct Worked {
    pub(super) table: Table,
    pub(super) fitted: Vec<Json>,
    pub(super) recipe: Vec<RowStep>,
    pub(super) dropped: Vec<(String, i64)>,
    pub(super) input: usize,
}

/// Fits and applies each op in turn. Faults have their route from the document's root.
pub(super) fn work(ops: &[&OpNode], table: Table, tables: &dyn Tables) -> Result<Worked, Fault> {
    work_told(ops, table, tables, &|_| Ok(()))
}

/// The same. `go_on` is asked before each op and in the end, with how many are done.
pub(super) fn work_told(
    ops: &[&OpNode],
    mut table: Table,
    tables: &dyn Tables,
    go_on: &dyn Fn(usize) -> Result<(), Fault>,
) -> Result<Worked, Fault> {
    let plan = tables.plan();
    let mut fitted = Vec::new();
    let mut recipe = Vec::new();
    let mut dropped = Vec::new();
    let input = table.rows();
    for (nth, node) in ops.iter().enumerate() {
        go_on(nth)?;
        let at = |fault: Fault| {
            let message = format!("`{}`: {}", node.op.name(), fault.message);
            Fault { message, ..node.place(fault) }
        };
        let others = |name: &str| match node.others.iter().find(|(other, _)| other == name) {
            Some((_, input)) => tables.other(*input),
            None => no_tables(name),
        };
        let cx = FitContext { target: plan.target.as_deref(), seed: plan.seed, rows: node.rows, tables: &others };
        let mut faults = Vec::new();
        node.op.shape(&table.shape, None, &mut faults);
        if let Some(fault) = faults.pop() {
            return Err(at(fault));
        }
        let learned = node.op.fit(&table, &cx).map_err(at)?;
        // Some columns are known only now: their names may be taken.
        node.op.shape(&table.shape, Some(&learned), &mut faults);
        if let Some(fault) = faults.into_iter().next() {
            return Err(at(fault));
        }
        let steps = node.op.lower(&learned, &table.shape).map_err(at)?;
        let guarded = node.guarded(&steps, &table.shape.guarded);
        if node.op.serves(node.rows) {
            recipe.extend(steps);
        }
        let before = table.rows();
        table = node.op.table(&learned, table, &cx).map_err(at)?;
        guarded.iter().for_each(|name| table.shape.guard(name));
        dropped.push((node.op.name().to_owned(), before as i64 - table.rows() as i64));
        fitted.push(learned);
    }
    go_on(ops.len())?;
    Ok(Worked { table, fitted, recipe, dropped, input })
}

fn keep(cx: &Cx, worked: Worked) -> Result<Made, Fault> {
    let mut outputs = BTreeMap::new();
    let mut parts = Vec::new();
    for (part, frame) in worked.table.parts() {
        // Straight into the store: in memory the rows are once.
        let mut writer = cx.store.writer()?;
        data::write_rows(frame, &mut writer).map_err(|error| writer.error(error))?;
        let digest = writer.finish()?;
        outputs.insert(part.name().to_owned(), digest);
        let columns =
            frame.columns().iter().map(|column| (column.name().to_string(), Digest(column_digest(column)))).collect();
        parts.push(PartMeta { part, digest, rows: frame.height(), columns });
        cx.frames.keep(digest, frame.clone());
    }
    outputs.insert("fitted".to_owned(), cx.store.put(&crate::store::canonical(&Json::Array(worked.fitted)))?);
    let recipe = serde_json::to_value(&worked.recipe).expect("row steps are plain data");
    outputs.insert("recipe".to_owned(), cx.store.put(&crate::store::canonical(&recipe))?);
    let meta =
        TableMeta { shape: worked.table.shape.clone(), parts, dropped: worked.dropped, input: Some(worked.input) };
    Ok(Made::new(outputs, json!(meta)))
}

/// A kept table, in memory.
pub(super) fn load(cx: &Cx, meta: &TableMeta) -> Result<Table, Fault> {
    let parts = meta
        .parts
        .iter()
        .map(|part| Ok((part.part, (*frame(cx, part)?).clone())))
        .collect::<Result<Vec<_>, Fault>>()?;
    Ok(Table::of_parts(meta.shape.clone(), parts))
}

/// The rows of a kept part, from memory if this run has made or read them.
pub(super) fn frame(cx: &Cx, meta: &PartMeta) -> Result<Arc<polars::prelude::DataFrame>, Fault> {
    if let Some(frame) = cx.frames.get(&meta.digest) {
        return Ok(frame);
    }
    let frame = load_part(&cx.store, meta)?;
    Ok(cx.frames.keep(meta.digest, frame))
}

/// The rows of a kept part, from the store.
///
/// # Errors
/// `lost-object` if they are gone or damaged: then they must be made again.
pub fn load_part(store: &Store, meta: &PartMeta) -> Result<polars::prelude::DataFrame, Fault> {
    data::from_bytes(object(store, &meta.digest)?)
}

/// An object's bytes, which must be there.
///
/// # Errors
/// `lost-object` if they are gone or damaged.
pub fn object(store: &Store, digest: &Digest) -> Result<Vec<u8>, Fault> {
    let found = store.get(digest)?;
    found.ok_or_else(|| {
        Fault::new("lost-object", format!("the kept result {} is gone or damaged", digest.short()))
            .help("run again: it is made anew")
    })
}

/// A kept recipe's row steps.
pub(super) fn recipe(store: &Store, digest: &Digest) -> Result<Vec<RowStep>, Fault> {
    serde_json::from_slice(&object(store, digest)?).map_err(|error| {
        Fault::new("broken-record", "a kept recipe can't be read").because(error).help("run with `--force`")
    })
}

/// A source as if it were a kept table: for steps that need its columns' digests.
pub(super) fn of_source(cx: &Cx, source: usize) -> Result<TableMeta, Fault> {
    let identity = cx.identity(source)?;
    let name = &cx.plan.sources[source].spec.name;
    let mut parts = Parts::new("source");
    parts.add(format!("source.{name}"), identity.bytes.to_string());
    parts.add("reading", identity.reading);
    if let Some(shape) = &cx.plan.sources[source].shape {
        key::shape(&mut parts, shape);
    }
    let label = label(&cx.plan.name, name, "source");
    let (segment, _) = segment(cx, &label, &parts, &[], || Ok((*cx.table(source)?).clone()))?;
    cx.tables.counted(source, segment.table.input);
    Ok(segment.table)
}

/// The table that a step or source gives.
pub(super) fn meta(cx: &Cx, input: Input) -> Result<TableMeta, Fault> {
    match input {
        Input::Step(step) => Ok(cx.done(step).table().clone()),
        Input::Source(source) => of_source(cx, source),
    }
}

/// The columns of a shape that hold what `name` says, hidden ones too.
pub(super) fn digest_of(meta: &PartMeta, name: &str, shape: &Shape) -> Result<Digest, Fault> {
    let found = meta.columns.get(name).copied();
    found.ok_or_else(|| shape.unknown(name))
}

/// Where the rows of a part stand in their source.
pub(super) const POSITIONS: &str = ROW;

/// The part of a table that a model is judged on.
pub(super) fn needed(meta: &TableMeta, part: Part) -> Result<&PartMeta, Fault> {
    let found = meta.part(part);
    found.ok_or_else(|| Fault::new("no-part", format!("the table has no {part} part")))
}
