//! The parts of keys that several kinds of steps share.

use serde_json::{Value as Json, json};

use super::outcome::{PartMeta, TableMeta};
use super::run::Cx;
use super::table;
use super::unit::Parts;
use crate::data::Shape;
use crate::plan::{OpNode, Plan};
use crate::source::Fault;

/// The ops of a segment, in order, and what they read of other tables.
pub(super) fn ops(parts: &mut Parts, ops: &[&OpNode], cx: &Cx) -> Result<(), Fault> {
    said(parts, ops, cx.plan);
    others(parts, ops, cx)
}

/// The ops of a segment as they are said, with their versions, in order.
pub(super) fn said(parts: &mut Parts, ops: &[&OpNode], plan: &Plan) {
    for (nth, node) in ops.iter().enumerate() {
        let name = node.op.name();
        parts.add(format!("ops[{nth}].{name}"), node.op.canonical());
        parts.add(format!("ops[{nth}].version"), node.op.version());
        if let Some(rows) = node.rows {
            parts.add(format!("ops[{nth}].rows"), json!(rows));
        }
    }
    if ops.iter().any(|node| node.op.uses_chance()) {
        parts.add("seed", plan.seed);
    }
    if ops.iter().any(|node| node.op.needs_target()) {
        parts.add("target", json!(plan.target));
    }
}

/// What the ops of a segment read of other tables: each column's type and content.
pub(super) fn others(parts: &mut Parts, ops: &[&OpNode], cx: &Cx) -> Result<(), Fault> {
    for (nth, node) in ops.iter().enumerate().filter(|(_, node)| !node.others.is_empty()) {
        // By their places, not by their names: a table that is called otherwise is the same table.
        let mut tables = Vec::new();
        for (name, other) in &node.others {
            let (meta, read) = (table::meta(cx, *other)?, node.op.reads(name));
            // In the table's order, which is that of what it brings.
            let columns = meta.shape.names().filter(|column| read.as_ref().is_none_or(|read| read.contains(*column)));
            let told = |column: &str| {
                let digest = table::digest_of(meta.training(), column, &meta.shape)?;
                Ok::<_, Fault>(json!([column, meta.shape.known(column), digest.to_string()]))
            };
            tables.push(columns.map(told).collect::<Result<Vec<_>, _>>()?);
        }
        parts.add(format!("ops[{nth}].tables"), json!(tables));
    }
    Ok(())
}

/// The types and protection of columns, which selectors go by.
pub(super) fn shape(parts: &mut Parts, shape: &Shape) {
    let order: Vec<Json> = shape.fields.iter().map(|field| json!([field.name, field.kind])).collect();
    parts.add("columns", order);
    // Also those that aren't there yet: an op of this segment may make them.
    parts.add("protected", json!(shape.protected));
    parts.add("guarded", json!(shape.guarded));
}

/// Every column of a part.
pub(super) fn part(parts: &mut Parts, meta: &PartMeta) {
    for (column, digest) in &meta.columns {
        parts.add(format!("rows.{}.{column}", meta.part), digest.to_string());
    }
}

/// A whole table.
pub(super) fn table(parts: &mut Parts, meta: &TableMeta) {
    shape(parts, &meta.shape);
    for meta in &meta.parts {
        part(parts, meta);
    }
}
