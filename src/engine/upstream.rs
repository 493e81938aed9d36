//! Tables of other pipelines, as their last runs have left them.

use serde_json::{Value as Json, json};

use super::look::Right;
use super::outcome::{PartMeta, TableMeta};
use super::run::Env;
use super::sources::SourceTables;
use super::status::kept;
use super::table::load_part;
use crate::data::{ORDER, ROW, Table, unexpected};
use crate::plan::Plan;
use crate::source::Fault;
use crate::store::{Digest, Store};

/// What is kept of a table of another pipeline.
///
/// # Errors
/// `not-made` if a run would make it anew.
pub(super) fn kept_table(other: &Right, pipeline: &str, step: &str) -> Result<TableMeta, Fault> {
    let place = other.plan.step(step).expect("the plan was made with it");
    let places = with_needs(&other.plan, place);
    let tables = SourceTables::new(&other.project, &other.plan)?;
    let env = Env::looking(Store::open(&other.project.root)?, &tables);
    let done = kept(&other.plan, &places, &env).pop().flatten();
    tables.save()?;
    let done = done.ok_or_else(|| {
        Fault::new("not-made", format!("`{pipeline}/{step}` isn't up to date"))
            .help(format!("run it first: `gristmill run {pipeline}/{step}`"))
    })?;
    Ok(done.table().clone())
}

/// A step after all that it needs.
fn with_needs(plan: &Plan, place: usize) -> Vec<usize> {
    let mut found = std::collections::BTreeSet::from([place]);
    let mut next = vec![place];
    while let Some(step) = next.pop() {
        next.extend(plan.needs(step).into_iter().filter(|need| found.insert(*need)));
    }
    found.into_iter().collect()
}

/// The content of a table: of its rows in their columns, however they came to be.
pub(super) fn digest(meta: &TableMeta) -> Digest {
    let part = |part: &PartMeta| {
        let columns: Vec<Json> = part.columns.iter().map(|(name, digest)| json!([name, digest])).collect();
        json!([part.part, columns])
    };
    Digest::of_json(&meta.parts.iter().map(part).collect())
}

/// All rows of a table, part after part.
pub(super) fn rows(store: &Store, meta: &TableMeta) -> Result<Table, Fault> {
    let mut whole: Option<polars::prelude::DataFrame> = None;
    for part in &meta.parts {
        let frame = load_part(store, part)?;
        match &mut whole {
            None => whole = Some(frame),
            Some(rows) => drop(rows.vstack_mut(&frame).map_err(unexpected)?),
        }
    }
    let whole = whole.ok_or_else(|| Fault::new("no-part", "the table has no such part"))?;
    let whole = whole.drop_many([ROW, ORDER]);
    let shape = crate::data::Shape { fields: meta.shape.fields.clone(), ..crate::data::Shape::default() };
    Table::new(shape, whole)
}
