//! What is tried next, by each method.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::space::{Combination, Space};
use super::tpe;

/// How many trials are proposed at a time. What comes next depends on whole batches that are done, so this is one number
/// for every machine.
pub const BATCH: usize = 4;
/// How many draws are made for a combination that wasn't tried before.
const ATTEMPTS: u64 = 64;

/// How a space is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Combinations drawn at random (Bergstra and Bengio 2012).
    #[default]
    Random,
    /// Every combination, in order.
    Grid,
    /// Drawn near the best trials so far (Bergstra et al. 2011).
    Tpe,
    /// Many on a share of the rows, the better ones on more (Jamieson and Talwalkar 2016).
    Halving,
}

impl Method {
    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Method::Random => "random",
            Method::Grid => "grid",
            Method::Tpe => "tpe",
            Method::Halving => "halving",
        }
    }
}

/// A combination that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The combination.
    pub values: Combination,
    /// How good it is, more being better; `None` if it failed or was ended early.
    pub score: Option<f64>,
}

/// The next combinations, at most `most`: new ones, in a fixed order. Fewer only if the space has no more. A space with no
/// more combinations than `trials` is tried whole, in order.
pub fn propose(
    method: Method,
    space: &Space,
    seed: u64,
    trials: usize,
    tried: &[Tried],
    most: usize,
) -> Vec<Combination> {
    let whole = space.size().filter(|size| method == Method::Grid || *size <= trials as u64);
    let most = most.min(trials.saturating_sub(tried.len()));
    if let Some(size) = whole {
        let from = tried.len() as u64;
        return (from..size.min(from + most as u64)).map(|place| space.nth(place)).collect();
    }
    let mut taken: HashSet<String> = tried.iter().map(|tried| text(&tried.values)).collect();
    let mut found = Vec::new();
    for nth in tried.len()..tried.len() + most {
        let guided = |attempt| match method {
            Method::Tpe => tpe::propose(space, seed, nth, attempt, tried),
            _ => None,
        };
        let fresh = (0..ATTEMPTS)
            .map(|attempt| guided(attempt).unwrap_or_else(|| space.draw(seed, nth, attempt)))
            .find(|values| !taken.contains(&text(values)))
            // Where chance only meets what was tried, the first that is left.
            .or_else(|| (0..space.size()?).map(|place| space.nth(place)).find(|values| !taken.contains(&text(values))));
        let Some(values) = fresh else { break };
        taken.insert(text(&values));
        found.push(values);
    }
    found
}

fn text(values: &[Json]) -> String {
    serde_json::to_string(values).expect("JSON is text")
}
