//! Why a step ran, in words.

use crate::store::{Change, Digest, Key, Part, Store, diff};

/// Why a unit runs: against the record of its last run.
pub(super) fn of(store: &Store, before: Option<&Key>, key: &Key, parts: &[Part], force: bool) -> String {
    let Some(before) = before else {
        return "it never ran".to_owned();
    };
    if force {
        return "`--force`".to_owned();
    }
    if before == key {
        return "its result is gone".to_owned();
    }
    match store.record(before) {
        Some(record) => headline(&diff(&record.parts, parts)),
        None => "its last record is gone".to_owned(),
    }
}

/// The changes in one line.
pub fn headline(changes: &[Change]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for change in changes {
        let line = explain(change);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    match lines.len() {
        0 => "nothing it depends on changed".to_owned(),
        1..=3 => lines.join("; "),
        many => format!("{}; and {} more", lines[..2].join("; "), many - 2),
    }
}

/// One change in words: "column `age` of the train rows changed", "`with.n_estimators`: 200 → 300".
pub fn explain(change: &Change) -> String {
    let mut segments = change.part.splitn(3, '.');
    let is_digest = change
        .after
        .as_ref()
        .or(change.before.as_ref())
        .and_then(|value| value.as_str())
        .is_some_and(|text| text.parse::<Digest>().is_ok());
    let (first, second, third) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    if !is_digest {
        return change.to_string();
    }
    match (first, second, third) {
        ("source", Some(name), None) => format!("the source `{name}` changed"),
        ("rows", Some(part), Some("__row")) => format!("which rows are in the {} changed", named(part)),
        ("rows", Some(part), Some(column)) => format!("column `{column}` of the {} changed", named(part)),
        ("rows", Some(part), None) => format!("the {} changed", named(part)),
        ("models", _, _) if change.part.ends_with(".model") => "a model changed".to_owned(),
        _ => change.to_string(),
    }
}

fn named(part: &str) -> String {
    match part {
        "table" => "rows".to_owned(),
        part => format!("{part} rows"),
    }
}
