//! The parts of a key as the values that they were, and how two values differ.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::expr::Expr;
use crate::store::{Digest, Part};

/// How much of a long value is shown, in characters.
const SHOWN: usize = 72;
/// How much of what two long values share is shown before they differ.
const SHARED: usize = 16;

/// One step of a path: a key of a map or a place in a list.
#[derive(Debug, PartialEq)]
enum Segment {
    Key(String),
    Index(usize),
}

/// The segments of a path as manifests write them: `ops[2].filter`, `with."a.b"`.
fn segments(path: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[')
            && let Some((number, after)) = inside.split_once(']')
            && let Ok(number) = number.parse()
        {
            found.push(Segment::Index(number));
            rest = after;
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let mut quoted = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        if rest.starts_with('"')
            && let Some(Ok(key)) = quoted.next()
        {
            rest = &rest[quoted.byte_offset()..];
            found.push(Segment::Key(key));
            continue;
        }
        let end = rest.find(['.', '[']).filter(|end| *end > 0).unwrap_or(rest.len());
        found.push(Segment::Key(rest[..end].to_owned()));
        rest = &rest[end..];
    }
    found
}

/// The value that the parts under `root` were told from; none if there are none.
pub(super) fn value(parts: &[Part], root: &str) -> Option<Json> {
    let mut whole = None;
    for part in parts.iter().filter(|part| is_under(&part.path, root)) {
        let segments = segments(&part.path[root.len()..]);
        insert(whole.get_or_insert(Json::Null), &segments, &part.value);
    }
    whole
}

/// Whether a path is `root` or leads further from it.
pub(super) fn is_under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn insert(into: &mut Json, segments: &[Segment], value: &Json) {
    let Some((first, rest)) = segments.split_first() else {
        *into = value.clone();
        return;
    };
    match first {
        Segment::Key(key) => {
            if !into.is_object() {
                *into = Json::Object(Map::new());
            }
            let map = into.as_object_mut().expect("it was made a map");
            insert(map.entry(key.clone()).or_insert(Json::Null), rest, value);
        }
        Segment::Index(index) => {
            if !into.is_array() {
                *into = Json::Array(Vec::new());
            }
            let list = into.as_array_mut().expect("it was made a list");
            if list.len() <= *index {
                list.resize(index + 1, Json::Null);
            }
            insert(&mut list[*index], rest, value);
        }
    }
}

/// How two values at `path` differ, one line a difference.
pub(super) fn differ(path: &str, before: Option<&Json>, after: Option<&Json>, lines: &mut Vec<String>) {
    if before == after {
        return;
    }
    if let (Some(Json::Object(old)), Some(Json::Object(new))) = (before, after) {
        for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
            differ(&under(path, key), old.get(key), new.get(key), lines);
        }
        return;
    }
    let (before, after) = (before.map(text), after.map(text));
    lines.push(match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = cut(&before, &after);
            format!("`{path}`: {before} → {after}")
        }
        (None, Some(after)) => format!("`{path}`: {} is new", cut(&after, &after).0),
        (Some(before), None) => format!("`{path}`: {} is gone", cut(&before, &before).0),
        (None, None) => return,
    });
}

/// A condition stands for the op that has nothing else.
fn under(path: &str, key: &str) -> String {
    if key == "condition" { path.to_owned() } else { format!("{path}.{key}") }
}

/// A value as people write it: expressions as SQL, digests short, lists of words without quotes.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.parse::<Digest>().map_or_else(|_| text.clone(), |digest| digest.short()),
        Json::Null => "none".to_owned(),
        Json::Array(items) if !items.is_empty() => match Expr::deserialize(value) {
            Ok(expr) => expr.to_string(),
            Err(_) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        },
        Json::Object(map) if !map.is_empty() => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", text(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Two long texts, from a little before they differ.
fn cut(before: &str, after: &str) -> (String, String) {
    let shared = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let long = before.chars().count().max(after.chars().count()) > SHOWN;
    let skipped = if long && before != after { shared.saturating_sub(SHARED) } else { 0 };
    (piece(before, skipped), piece(after, skipped))
}

fn piece(text: &str, skipped: usize) -> String {
    let mut rest = text.chars().skip(skipped);
    let mut shown: String = rest.by_ref().take(SHOWN).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    if skipped > 0 { format!("…{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Manifest, Recorder};
    use serde_json::json;

    #[test]
    fn parts_give_back_the_value_that_they_were_told_from() {
        let whole = json!({"a.b": [1, {"c]": null}], "list": [], "\"": {"x": "y"}, "n": 2.5});
        let mut recorder = Recorder::default();
        recorder.part("with", &whole);
        recorder.part("within", &json!(1));
        assert_eq!(value(&recorder.into_parts(), "with"), Some(whole));
        assert_eq!(value(&[], "with"), None);
    }

    #[test]
    fn long_values_are_shown_from_where_they_differ() {
        let (long, other) = ("x".repeat(100) + "1" + &"y".repeat(100), "x".repeat(100) + "2");
        let (before, after) = cut(&long, &other);
        assert!(before.starts_with("…xxx") && before.contains("x1y") && before.ends_with('…'), "{before}");
        assert_eq!(after, format!("…{}2", "x".repeat(SHARED)));
        assert_eq!(cut("200", "300"), ("200".to_owned(), "300".to_owned()));
    }
}
