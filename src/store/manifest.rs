//! What a key is made of. One walk makes both the key and its explanation, so that they can't drift apart.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One leaf of what a key was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Where it stands: `with.n_estimators`, `ops[1].filter`.
    pub path: String,
    /// A scalar, or an empty list or map.
    pub value: Json,
}

/// Takes in the parts of a step.
pub trait Manifest {
    /// One leaf. Implementations need only this; callers say [`Manifest::part`].
    fn leaf(&mut self, path: &str, value: &Json);

    /// A value and everything in it, each leaf by its own path; map keys in byte order, lists in theirs.
    fn part(&mut self, path: &str, value: &Json) {
        match value {
            Json::Array(items) if !items.is_empty() => {
                for (nth, item) in items.iter().enumerate() {
                    self.part(&format!("{path}[{nth}]"), item);
                }
            }
            Json::Object(map) if !map.is_empty() => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                for (key, item) in entries {
                    self.part(&under(path, key), item);
                }
            }
            leaf => self.leaf(path, leaf),
        }
    }
}

/// What can tell its parts.
pub trait Describe {
    /// Names every part that may change the result; nothing else.
    fn describe(&self, manifest: &mut dyn Manifest);
}

/// Keeps the parts, for `why`.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Vec<Part>);

impl Recorder {
    /// What was told, in order.
    pub fn into_parts(self) -> Vec<Part> {
        self.0
    }
}

impl Manifest for Recorder {
    fn leaf(&mut self, path: &str, value: &Json) {
        self.0.push(Part { path: path.to_owned(), value: value.clone() });
    }
}

/// A key that could be read as more than one segment is quoted, so that two values never share their paths.
fn under(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '[', ']', '"', '\\']);
    let key = if plain { key.to_owned() } else { Json::from(key).to_string() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(value: &Json) -> Vec<(String, Json)> {
        let mut recorder = Recorder::default();
        recorder.part("with", value);
        let parts = recorder.into_parts().into_iter();
        parts.map(|part| (part.path, part.value)).collect()
    }

    #[test]
    fn a_nested_value_is_told_by_its_leaves() {
        let value = json!({"ops": [{"filter": "a > 1"}, {"drop": ["b", "c"]}], "n": 2, "none": {}});
        let expected = [
            ("with.n", json!(2)),
            ("with.none", json!({})),
            ("with.ops[0].filter", json!("a > 1")),
            ("with.ops[1].drop[0]", json!("b")),
            ("with.ops[1].drop[1]", json!("c")),
        ]
        .map(|(path, value)| (path.to_owned(), value));
        assert_eq!(record(&value), expected);
    }

    #[test]
    fn keys_with_dots_do_not_look_like_nesting() {
        assert_ne!(record(&json!({"a.b": 1}))[0].0, record(&json!({"a": {"b": 1}}))[0].0);
        assert_ne!(record(&json!({"a[0]": 1}))[0].0, record(&json!({"a": [1]}))[0].0);
    }
}
