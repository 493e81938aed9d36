//! The parts that differ, in the words of the pipeline's file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Side, files, ops, tree};
use crate::data::ROW;
use crate::source::list;
use crate::store::{Change, Digest, Part, diff};

/// How many names are told one by one.
const TOLD: usize = 3;
/// How many names are listed.
const LISTED: usize = 8;

/// What each change means; those that belong together are told together.
pub(super) fn all(old: &Side, new: &Side, changes: &[Change]) -> Vec<String> {
    let (before, after) = (old.parts, new.parts);
    let mut lines = Vec::new();
    let mut told = BTreeSet::new();
    for change in changes {
        let root = change.part.split(['.', '[']).next().unwrap_or_default();
        let whole = matches!(
            root,
            "ops" | "columns" | "features" | "metrics" | "rows" | "protected" | "guarded" | "unasked" | "recipe"
        );
        if whole && !told.insert(root.to_owned()) {
            continue;
        }
        match root {
            "ops" => lines.extend(ops::words(before, after)),
            "columns" => lines.extend(columns(before, after)),
            "features" => lines.extend(names("feature", "features", before, after)),
            "metrics" => lines.extend(names("metric", "metrics", before, after)),
            "rows" => lines.extend(rows(before, after)),
            "protected" | "guarded" | "unasked" => lines.push("which columns are kept from models changed".to_owned()),
            "source" => {
                let told = files::words(&change.part["source.".len()..], &old.files, &new.files);
                let whole = told.is_empty().then(|| one(root, change, before, after));
                lines.extend(told.into_iter().chain(whole));
            }
            "inputs" => {
                let name = input(&change.part);
                if told.insert(format!("inputs.{name}")) {
                    lines.extend(of_input(&name, before, after));
                }
            }
            "recipe" => lines.push("what leads from a request to the model changed".to_owned()),
            _ => lines.push(one(root, change, before, after)),
        }
    }
    lines
}

/// The name of the input that a part is of: `features` of `inputs.features.rows.train.age`.
fn input(path: &str) -> String {
    let rest = path.strip_prefix("inputs.").unwrap_or(path);
    let end = ["rows", "columns", "protected", "guarded", "format"]
        .iter()
        .filter_map(|word| rest.find(&format!(".{word}")))
        .min()
        .unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// What changed of an input of a program: of a table its columns and rows, of a file only that it did.
fn of_input(name: &str, before: &[Part], after: &[Part]) -> Vec<String> {
    let root = format!("inputs.{name}.");
    let within = |parts: &[Part]| -> Vec<Part> {
        let rest = parts.iter().filter_map(|part| Some((part.path.strip_prefix(&root)?, &part.value)));
        rest.map(|(path, value)| Part { path: path.to_owned(), value: value.clone() }).collect()
    };
    let (old, new) = (within(before), within(after));
    let side = |parts| Side { parts, ..Side::default() };
    let lines = all(&side(&old), &side(&new), &diff(&old, &new));
    if lines.is_empty() {
        return vec![format!("the input `{name}` changed")];
    }
    lines.into_iter().map(|line| format!("{line}, in the input `{name}`")).collect()
}

/// A change that stands for itself.
fn one(root: &str, change: &Change, before: &[Part], after: &[Part]) -> String {
    let rest = change.part[root.len()..].trim_start_matches('.');
    let became = became(change);
    match root {
        "source" => format!("the source `{rest}` {became}"),
        "env" => format!("the environment variable `{rest}` {became}"),
        "code" => format!("code: `{rest}` {became}"),
        "model" if is_digest(change) => format!("the model {became}"),
        "file" if is_digest(change) => format!("the network that the program leaves {became}"),
        "models" => match change.part.split_once("].") {
            Some((model, "model")) => format!("the model `{model}]` changed"),
            Some((model, "cv")) => format!("the cross-validation of `{model}]` changed"),
            Some((model, _)) => format!("how many rows `{model}]` is judged on changed"),
            None => plain(change),
        },
        "parent" if change.after.is_none() => "it no longer goes on from another model".to_owned(),
        "parent" => "it goes on from the model that was made last".to_owned(),
        "slices" => format!("the slices of `{}` changed", rest.strip_suffix(".rows").unwrap_or(rest)),
        "verb" => "its verb changed".to_owned(),
        "version" => {
            let name = |parts: &[Part]| text_at(parts, "model");
            let name = name(after).or_else(|| name(before)).unwrap_or_else(|| "it".to_owned());
            let show = |value: &Option<Json>| value.as_ref().map_or_else(|| "none".to_owned(), tree::text);
            format!("`{name}` has a new version: {} → {}", show(&change.before), show(&change.after))
        }
        _ => plain(change),
    }
}

/// A change of a value, told by its path.
fn plain(change: &Change) -> String {
    let path = shown(&change.part);
    let mut lines = Vec::new();
    tree::differ(&path, change.before.as_ref(), change.after.as_ref(), &mut lines);
    lines.pop().unwrap_or_else(|| change.to_string())
}

/// A path as the file has it: how a source is read is told by the source's own keys.
fn shown(path: &str) -> String {
    match path.strip_prefix("reading.") {
        Some(rest) => match rest.strip_prefix("reading.kinds.") {
            Some(column) => format!("columns.{column}"),
            None => rest.strip_prefix("reading.").unwrap_or(rest).to_owned(),
        },
        None => path.to_owned(),
    }
}

fn became(change: &Change) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "is new",
        (_, None) => "is gone",
        _ => "changed",
    }
}

fn is_digest(change: &Change) -> bool {
    let value = change.after.as_ref().or(change.before.as_ref());
    value.and_then(Json::as_str).is_some_and(|text| text.parse::<Digest>().is_ok())
}

fn text_at(parts: &[Part], path: &str) -> Option<String> {
    let part = parts.iter().find(|part| part.path == path)?;
    part.value.as_str().map(str::to_owned)
}

/// The columns that a table has, with their types.
fn columns(before: &[Part], after: &[Part]) -> Vec<String> {
    let fields = |parts: &[Part]| -> Vec<(String, String)> {
        let Some(Json::Array(fields)) = tree::value(parts, "columns") else { return Vec::new() };
        let field = |field: &Json| Some((field[0].as_str()?.to_owned(), tree::text(&field[1])));
        fields.iter().filter_map(field).collect()
    };
    let (old, new) = (fields(before), fields(after));
    let (was, is): (BTreeMap<_, _>, BTreeMap<_, _>) = (old.iter().cloned().collect(), new.iter().cloned().collect());
    let mut lines = Vec::new();
    several(
        &mut lines,
        new.iter().map(|(name, _)| name).filter(|name| !was.contains_key(*name)),
        "column",
        "columns",
        "is new",
    );
    several(
        &mut lines,
        old.iter().map(|(name, _)| name).filter(|name| !is.contains_key(*name)),
        "column",
        "columns",
        "is gone",
    );
    for (name, kind) in &new {
        if let Some(before) = was.get(name).filter(|before| *before != kind) {
            lines.push(format!("column `{name}` is another type: {before} → {kind}"));
        }
    }
    if lines.is_empty() {
        lines.push("the order of the columns changed".to_owned());
    }
    lines
}

/// A list of names in which the order may count.
fn names(one: &str, many: &str, before: &[Part], after: &[Part]) -> Vec<String> {
    let read = |parts: &[Part]| -> Vec<String> {
        match tree::value(parts, many) {
            Some(Json::Array(items)) => items.iter().map(tree::text).collect(),
            Some(Json::String(name)) => vec![name],
            _ => Vec::new(),
        }
    };
    let (old, new) = (read(before), read(after));
    let mut lines = Vec::new();
    several(&mut lines, new.iter().filter(|name| !old.contains(name)), one, many, "is new");
    several(&mut lines, old.iter().filter(|name| !new.contains(name)), one, many, "is gone");
    if lines.is_empty() {
        lines.push(format!("the order of the {many} changed"));
    }
    lines
}

/// "column `a` is new", or in one line for many.
pub(super) fn several<'a>(
    lines: &mut Vec<String>,
    names: impl Iterator<Item = &'a String>,
    one: &str,
    many: &str,
    what: &str,
) {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.len() <= TOLD {
        lines.extend(names.iter().map(|name| format!("{one} `{name}` {what}")));
        return;
    }
    let what = what.replace(" is ", " are ").replacen("is ", "are ", usize::from(what.starts_with("is ")));
    lines.push(format!("{} {many} {what}: {}", names.len(), listed(&names)));
}

fn listed(names: &[&str]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", list(names.iter().take(LISTED).copied()))
}

/// The digests of a part's columns, by part.
fn digests(parts: &[Part]) -> BTreeMap<&str, BTreeMap<&str, &Json>> {
    let mut found: BTreeMap<&str, BTreeMap<&str, &Json>> = BTreeMap::new();
    for part in parts {
        // Column names stand as they are here: only the first dot parts.
        if let Some((of, column)) = part.path.strip_prefix("rows.").and_then(|rest| rest.split_once('.')) {
            found.entry(of).or_default().insert(column, &part.value);
        }
    }
    found
}

/// Which rows of which parts changed.
fn rows(before: &[Part], after: &[Part]) -> Vec<String> {
    let (old, new) = (digests(before), digests(after));
    let parts: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let mut lines = Vec::new();
    for part in parts {
        match (old.get(part), new.get(part)) {
            (Some(was), Some(is)) => part_rows(part, was, is, &mut lines),
            (None, _) => lines.push(format!("{} are new", named(part))),
            (_, None) => lines.push(format!("{} are gone", named(part))),
        }
    }
    lines
}

fn part_rows(part: &str, was: &BTreeMap<&str, &Json>, is: &BTreeMap<&str, &Json>, lines: &mut Vec<String>) {
    let name = named(part);
    let owned = |columns: Vec<&str>| columns.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let lacks = |of: &BTreeMap<&str, &Json>, than: &BTreeMap<&str, &Json>| {
        owned(of.keys().filter(|column| !than.contains_key(*column)).copied().collect())
    };
    several(lines, lacks(is, was).iter(), "column", "columns", "is new");
    several(lines, lacks(was, is).iter(), "column", "columns", "is gone");
    let shared: Vec<&str> = is.keys().filter(|column| was.contains_key(*column)).copied().collect();
    let changed: Vec<&str> = shared.iter().filter(|column| was[*column] != is[*column]).copied().collect();
    match changed.len() {
        0 => {}
        _ if changed.contains(&ROW) => lines.push(format!("{name} are others")),
        many if many == shared.len() && many > TOLD => lines.push(format!("{name} changed in every column")),
        many if many > TOLD => lines.push(format!("{many} columns of {name} changed: {}", listed(&changed))),
        _ => lines.extend(changed.iter().map(|column| format!("column `{column}` of {name} changed"))),
    }
}

fn named(part: &str) -> String {
    match part {
        "table" => "the rows".to_owned(),
        part => format!("the {part} rows"),
    }
}
