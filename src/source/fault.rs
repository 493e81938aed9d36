//! A mistake that knows which field is wrong, not on which line. The edge asks the document for the line.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Route;

/// Any error of another crate, kept as the cause of a fault.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What part of the node at a fault's route is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The node's value.
    #[default]
    Value,
    /// The key that leads to the node.
    Key,
    /// A byte range inside a scalar's text, as a position in an SQL expression.
    Inside(Range<usize>),
}

/// Whether a fault stops the pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can't go on.
    #[default]
    Error,
    /// It can, but somebody should know.
    Warning,
}

/// One mistake.
#[derive(Debug, Default)]
pub struct Fault {
    /// A short stable name of the kind of mistake: `unknown-column`.
    pub code: &'static str,
    /// Whether it stops the pipeline.
    pub severity: Severity,
    /// Which node, from where the fault was made.
    pub route: Route,
    /// Which part of that node.
    pub at: At,
    /// What is wrong: a lowercase fragment, names in backticks.
    pub message: String,
    /// What was probably meant, or what to do.
    pub help: Option<String>,
    /// The error beneath, if there was one.
    pub cause: Option<BoxError>,
}

impl Fault {
    /// A mistake in the value of the node at hand.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    /// A warning about the node at hand.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(code, message) }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With advice, if there is some.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// With the error beneath.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Pointing at the key instead of the value.
    #[must_use]
    pub fn on_key(mut self) -> Self {
        self.at = At::Key;
        self
    }

    /// Pointing at a byte range inside the scalar's text.
    #[must_use]
    pub fn inside(mut self, range: Range<usize>) -> Self {
        self.at = At::Inside(range);
        self
    }

    /// The same fault seen from further up: `route` leads to the node it was made at.
    #[must_use]
    pub fn under(mut self, route: &Route) -> Self {
        self.route = route.join(&self.route);
        self
    }

    /// The same fault, in the field `key` of the node at hand.
    #[must_use]
    pub fn within(self, key: &str) -> Self {
        self.under(&Route::here().key(key))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// The nearest of `known` to `name`, if it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let other = candidate.to_lowercase();
            let score = strsim::damerau_levenshtein(&lower, &other);
            (score, candidate, other.chars().count())
        })
        .filter(|(score, _, length)| *score <= (length.max(&lower.chars().count()) / 3).max(1))
        .min_by_key(|(score, _, _)| *score)
        .map(|(_, candidate, _)| candidate)
}

/// "did you mean `x`?", or the list of what there is when nothing is near.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    match known.len() {
        0 => None,
        1..=24 => Some(format!("there is {}", list(known))),
        _ => Some(format!("there is {} …", list(known[..24].iter().copied()))),
    }
}

/// Names in backticks with commas between: `` `a`, `b` ``.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_listed() {
        assert_eq!(suggest("agee", ["age", "income"]).expect("near"), "did you mean `age`?");
        assert_eq!(suggest("zzz", ["age", "income"]).expect("list"), "there is `age`, `income`");
        assert_eq!(nearest("x", ["age"]), None);
    }

    #[test]
    fn a_fault_travels_up() {
        let fault = Fault::new("x", "wrong").within("max_depth").under(&Route::of(["steps", "forest", "with"]));
        assert_eq!(fault.route.to_string(), "steps.forest.with.max_depth");
    }
}
