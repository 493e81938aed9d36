//! How two lists of ops differ: which came, which went, and what is another in those that stayed.

use serde_json::{Map, Value as Json};

use super::tree;
use crate::store::Part;

/// An op as its key has it.
#[derive(Debug, PartialEq)]
struct Op {
    name: String,
    argument: Json,
    version: Json,
    rows: Option<Json>,
    tables: Option<Json>,
}

fn ops(parts: &[Part]) -> Vec<Op> {
    let Some(Json::Array(items)) = tree::value(parts, "ops") else { return Vec::new() };
    items.into_iter().filter_map(op).collect()
}

fn op(item: Json) -> Option<Op> {
    let Json::Object(mut fields) = item else { return None };
    let version = fields.remove("version").unwrap_or_default();
    let rows = fields.remove("rows");
    let tables = fields.remove("tables");
    let (name, argument) = one(fields)?;
    Some(Op { name, argument, version, rows, tables })
}

fn one(fields: Map<String, Json>) -> Option<(String, Json)> {
    fields.into_iter().next()
}

/// What differs between the ops of two keys, in words.
pub(super) fn words(before: &[Part], after: &[Part]) -> Vec<String> {
    let (old, new) = (ops(before), ops(after));
    let mut lines = Vec::new();
    let (mut left, mut right) = (0, 0);
    for (was, is) in pairs(&old, &new) {
        lines.extend(old[left..was].iter().map(|op| format!("`{}` is gone", op.name)));
        lines.extend(new[right..is].iter().map(|op| format!("`{}` is new", op.name)));
        differ(&old[was], &new[is], &mut lines);
        (left, right) = (was + 1, is + 1);
    }
    lines.extend(old[left..].iter().map(|op| format!("`{}` is gone", op.name)));
    lines.extend(new[right..].iter().map(|op| format!("`{}` is new", op.name)));
    if lines.is_empty() && old != new { vec!["the ops changed".to_owned()] } else { lines }
}

fn differ(old: &Op, new: &Op, lines: &mut Vec<String>) {
    let name = &new.name;
    if old.version != new.version {
        lines.push(format!("`{name}` has a new version: {} → {}", tree::text(&old.version), tree::text(&new.version)));
    }
    tree::differ(name, Some(&old.argument), Some(&new.argument), lines);
    tree::differ(&format!("{name}.rows"), old.rows.as_ref(), new.rows.as_ref(), lines);
    if old.tables != new.tables {
        lines.extend(brought(name, old.tables.as_ref(), new.tables.as_ref()));
    }
}

/// What differs in the other tables that an op reads.
fn brought(name: &str, old: Option<&Json>, new: Option<&Json>) -> Vec<String> {
    // Each table is a list of columns: name, type, content.
    let columns = |tables: Option<&Json>| -> Vec<(usize, Json)> {
        let tables = tables.and_then(Json::as_array).into_iter().flatten().enumerate();
        let each = tables.filter_map(|(place, table)| Some((place, table.as_array()?)));
        each.flat_map(|(place, table)| table.iter().map(move |column| (place, column.clone()))).collect()
    };
    let (old, new) = (columns(old), columns(new));
    let changed: Vec<&str> =
        new.iter().filter(|column| !old.contains(column)).filter_map(|(_, column)| column[0].as_str()).collect();
    match changed.as_slice() {
        [column] if new.len() > 1 => {
            vec![format!("column `{column}` of the table that `{name}` reads changed")]
        }
        _ => vec![format!("the table that `{name}` reads changed")],
    }
}

/// The longest way to pair ops of one name in both orders; of equally long ones, that with the most equal ops.
fn pairs(old: &[Op], new: &[Op]) -> Vec<(usize, usize)> {
    // best[i][j]: what the ops from i and from j on can give. Steps have few ops: the square is small.
    let mut best = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    let weight = |i: usize, j: usize| match (old[i].name == new[j].name, old[i] == new[j]) {
        (true, true) => 1001,
        (true, false) => 1000,
        _ => 0,
    };
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let paired = match weight(i, j) {
                0 => 0,
                weight => weight + best[i + 1][j + 1],
            };
            best[i][j] = paired.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let mut found = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        let weight = weight(i, j);
        if weight > 0 && best[i][j] == weight + best[i + 1][j + 1] {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[i][j] == best[i + 1][j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}
