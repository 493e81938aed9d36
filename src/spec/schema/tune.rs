//! `tune`: the search for hyper-parameters.

use serde_json::{Value as Json, json};

use super::adapt::{Definitions, reference};
use super::{fields, object, words};
use crate::spec::MOST_TRIALS;

/// The schema of `tune`.
pub(super) fn tune(definitions: &mut Definitions) -> Json {
    let mut method = words(
        "How the space is searched.",
        [
            ("random", "Combinations drawn at random.".to_owned()),
            ("grid", "Every combination, in order.".to_owned()),
            ("tpe", "Drawn near the best trials so far: tree-structured Parzen estimators.".to_owned()),
            (
                "halving",
                "Many with a share of the rows, the best third with three times as many, and so on.".to_owned(),
            ),
        ],
    );
    method["default"] = "random".into();
    let folds = json!({
        "description": "Folds of its own, as in `cv`.",
        "type": "object",
        "properties": {
            "folds": {"description": "How many folds.", "type": "integer", "minimum": 2},
            "time": {"description": "The column to go along.", "type": "string"},
            "group": {"description": "The column whose rows of one value stay in one fold.", "type": "string"}
        },
        "required": ["folds"],
        "additionalProperties": false
    });
    let using = words(
        "What trials are judged on. Without it: the validation part if the split makes one, else folds.",
        [
            ("validation", "The validation part.".to_owned()),
            ("cv", "Folds of the train rows, drawn as `cv` says; 5 without it.".to_owned()),
        ],
    );
    let space = space(definitions);
    // `metric` is defined with the verbs that judge.
    let mut metric = reference("metric");
    metric["description"] = "What is to be best.".into();
    let keys = json!({
        "metric": metric,
        "method": method,
        "trials": {"description": "How many combinations are tried at most; of a grid, all.", "type": "integer", "minimum": 1, "maximum": MOST_TRIALS, "default": 30},
        "using": {"anyOf": [using, folds]},
        "prune": {"description": "Whether a trial that is clearly behind is ended before its last fold.", "type": "boolean", "default": true},
        "resource": {"description": "What `halving` gives less of at first: `rows`, or a hyper-parameter that counts something.", "type": "string", "default": "rows", "examples": ["n_estimators"]},
        "search": {
            "description": "What hyper-parameters may be. Those that stay the same stand in `with`.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": space
        }
    });
    let text = "Searches hyper-parameters. The best combination is learned from all train rows.";
    let mut schema = fields(text, object(keys), &["metric", "search"], false);
    schema["examples"] = json!([{"metric": "f1", "trials": 30, "search": {"max_depth": {"int": [3, 12]}}}]);
    schema
}

/// What one hyper-parameter may be.
fn space(definitions: &mut Definitions) -> Json {
    let bounds = |kind: &str, description: &str| json!({"description": description, "type": "array", "items": {"type": kind}, "minItems": 2, "maxItems": 2});
    let step = |kind: &str| json!({"description": "From one value to the next.", "type": kind, "exclusiveMinimum": 0});
    let range = |name: &str, range: Json, step: Option<Json>| {
        let mut properties = serde_json::Map::from_iter([(name.to_owned(), range)]);
        properties.extend(step.map(|step| ("step".to_owned(), step)));
        json!({"type": "object", "properties": properties, "required": [name], "additionalProperties": false})
    };
    let dimension = json!({
        "description": "What a hyper-parameter may be: one of a list, or a number of a range.",
        "anyOf": [
            {"description": "One of these.", "type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null", "array"]}},
            range("int", bounds("integer", "A whole number from, to; each as likely."), Some(step("integer"))),
            range("float", bounds("number", "A number from, to; each as likely."), Some(step("number"))),
            range("log", bounds("number", "A number from, to; each order of magnitude as likely."), None),
            range("log_int", bounds("integer", "A whole number from, to; each order of magnitude as likely."), None)
        ],
        "examples": [[100, 300], {"int": [3, 12]}, {"float": [0.5, 1.0]}, {"log": [0.001, 0.3]}]
    });
    definitions.add("dimension", dimension)
}
