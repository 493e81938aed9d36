//! The key of a step: the digest of everything that its result depends on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Describe, Digest, Hasher, Manifest, ParseDigestError, Part, Recorder, canonical};

/// Raised when keys or records change their meaning, so that old results aren't taken for new ones.
const FORMAT: u32 = 1;

/// Names the result of a step before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub Digest);

impl Key {
    /// The 64 hex digits.
    pub fn hex(&self) -> String {
        self.0.hex()
    }

    /// The first 8 hex digits, for people.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Key {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Hashes the parts. Every path and value is preceded by its length, so that no two lists of parts read alike.
pub struct KeyHasher(Hasher);

impl Default for KeyHasher {
    fn default() -> Self {
        let mut hasher = Hasher::default();
        hasher.update_prefixed(format!("gristmill key {FORMAT}").as_bytes());
        Self(hasher)
    }
}

impl KeyHasher {
    /// The key of all parts so far.
    pub fn finish(self) -> Key {
        Key(self.0.finish())
    }
}

impl Manifest for KeyHasher {
    fn leaf(&mut self, path: &str, value: &Json) {
        self.0.update_prefixed(path.as_bytes());
        self.0.update_prefixed(&canonical(value));
    }
}

/// Both sinks at once.
#[derive(Default)]
struct Both {
    hasher: KeyHasher,
    recorder: Recorder,
}

impl Manifest for Both {
    fn leaf(&mut self, path: &str, value: &Json) {
        self.hasher.leaf(path, value);
        self.recorder.leaf(path, value);
    }
}

/// The key of something. Most of the time it is kept under that key, and nobody asks what it was made of.
pub fn key_alone(what: &(impl Describe + ?Sized)) -> Key {
    let mut hasher = KeyHasher::default();
    what.describe(&mut hasher);
    hasher.finish()
}

/// The key of something and the parts that it was made of.
pub fn key_of(what: &(impl Describe + ?Sized)) -> (Key, Vec<Part>) {
    let mut both = Both::default();
    what.describe(&mut both);
    (both.hasher.finish(), both.recorder.into_parts())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Step(Vec<(&'static str, Json)>);

    impl Describe for Step {
        fn describe(&self, manifest: &mut dyn Manifest) {
            for (path, value) in &self.0 {
                manifest.part(path, value);
            }
        }
    }

    fn key(parts: &[(&'static str, Json)]) -> Key {
        key_of(&Step(parts.to_vec())).0
    }

    #[test]
    fn the_order_of_a_map_is_ignored_and_that_of_a_list_is_kept() {
        let one = key(&[("with", json!({"a": 1, "b": 2}))]);
        assert_eq!(one, key(&[("with", json!({"b": 2, "a": 1}))]));
        let list = key(&[("ops", json!(["a", "b"]))]);
        assert_ne!(list, key(&[("ops", json!(["b", "a"]))]));
    }

    #[test]
    fn neighbours_are_not_confused() {
        assert_ne!(key(&[("p", json!("ab")), ("q", json!("c"))]), key(&[("p", json!("a")), ("q", json!("bc"))]));
        assert_ne!(key(&[("ab", json!("c"))]), key(&[("a", json!("bc"))]));
        assert_ne!(key(&[("a", json!([]))]), key(&[("a", json!({}))]));
        assert_ne!(key(&[("a", json!(1))]), key(&[("a", json!("1"))]));
        assert_ne!(key(&[("a", json!([[1], [2]]))]), key(&[("a", json!([[1, 2]]))]));
        assert_ne!(key(&[]), key(&[("", json!(null))]));
    }

    #[test]
    fn a_key_stays_what_it_was() {
        let key = key(&[("with", json!({"n_estimators": 200, "rate": 0.1}))]);
        assert_eq!(key.short(), "e3ac8f00");
    }

    #[test]
    fn the_key_and_its_explanation_come_from_one_walk() {
        let step = Step(vec![("with", json!({"b": [1, 2], "a": {}}))]);
        let (key, parts) = key_of(&step);
        let mut hasher = KeyHasher::default();
        for part in &parts {
            hasher.part(&part.path, &part.value);
        }
        assert_eq!(hasher.finish(), key);
        assert_eq!(key_alone(&step), key);
    }
}
