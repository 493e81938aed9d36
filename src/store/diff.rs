//! Why a key isn't what it was: the parts that differ.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::{Digest, Part};

/// The longest value that is shown whole, in characters.
const SHOWN: usize = 60;

/// One part that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its path.
    pub part: String,
    /// What it was; none if it is new.
    pub before: Option<Json>,
    /// What it is; none if it is gone.
    pub after: Option<Json>,
}

/// The parts that differ: changed and new ones in the order of `after`, then those that are gone in the order of `before`.
pub fn diff(before: &[Part], after: &[Part]) -> Vec<Change> {
    // A path told twice is compared with its first and its second telling.
    let mut old: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (nth, part) in before.iter().enumerate() {
        old.entry(&part.path).or_default().push_back(nth);
    }
    let mut changes = Vec::new();
    for part in after {
        let was = old.get_mut(part.path.as_str()).and_then(VecDeque::pop_front).map(|nth| &before[nth].value);
        if was != Some(&part.value) {
            changes.push(Change { part: part.path.clone(), before: was.cloned(), after: Some(part.value.clone()) });
        }
    }
    let mut gone: Vec<usize> = old.into_values().flatten().collect();
    gone.sort_unstable();
    changes.extend(gone.into_iter().map(|nth| Change {
        part: before[nth].path.clone(),
        before: Some(before[nth].value.clone()),
        after: None,
    }));
    changes
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: ", self.part)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{} → {}", show(before), show(after)),
            (None, Some(after)) => write!(f, "{} is new", show(after)),
            (Some(before), None) => write!(f, "{} is gone", show(before)),
            (None, None) => write!(f, "nothing"),
        }
    }
}

/// JSON as people read it: digests short, long text cut.
fn show(value: &Json) -> String {
    if let Some(digest) = value.as_str().and_then(|text| text.parse::<Digest>().ok()) {
        return digest.short();
    }
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(list: &[(&str, Json)]) -> Vec<Part> {
        let part = |(path, value): &(&str, Json)| Part { path: (*path).to_owned(), value: value.clone() };
        list.iter().map(part).collect()
    }

    fn text(before: &[(&str, Json)], after: &[(&str, Json)]) -> Vec<String> {
        let changes = diff(&parts(before), &parts(after));
        changes.iter().map(Change::to_string).collect()
    }

    #[test]
    fn changed_new_and_gone_parts_are_told() {
        let before = [("with.depth", json!(5)), ("with.n_estimators", json!(200)), ("seed", json!(1))];
        let after = [("with.n_estimators", json!(300)), ("with.rate", json!(0.1)), ("seed", json!(1))];
        assert_eq!(
            text(&before, &after),
            ["`with.n_estimators`: 200 → 300", "`with.rate`: 0.1 is new", "`with.depth`: 5 is gone",]
        );
        assert!(text(&before, &before).is_empty());
    }

    #[test]
    fn digests_are_short_and_long_text_is_cut() {
        let digest = |bytes| json!(Digest::of(bytes).to_string());
        assert_eq!(
            text(&[("inputs.train", digest(b"abc"))], &[("inputs.train", digest(b""))]),
            ["`inputs.train`: ba7816bf → e3b0c442"]
        );
        let cut = &text(&[], &[("sql", json!("é".repeat(200)))])[0];
        assert!(cut.ends_with("… is new") && cut.chars().count() < 80);
    }

    #[test]
    fn a_path_told_twice_is_compared_in_turn() {
        let before = [("input", json!(1)), ("input", json!(2))];
        let after = [("input", json!(1)), ("input", json!(3))];
        assert_eq!(text(&before, &after), ["`input`: 2 → 3"]);
    }
}
