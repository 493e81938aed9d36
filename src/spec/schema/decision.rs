//! What a train step says of its answers.

use serde_json::{Map, Value as Json, json};

use super::{fields, object, words};
use crate::learn::Transform;

/// The keys.
pub(super) fn keys() -> Map<String, Json> {
    let cost = |text: &str| json!({"description": text, "type": "number", "minimum": 0});
    let costs = fields(
        "The threshold whose mistakes cost least together.",
        object(json!({
            "fn": cost("What a positive row costs that is called negative."),
            "fp": cost("What a negative row costs that is called positive.")
        })),
        &["fn", "fp"],
        false,
    );
    let goal = json!({
        "description": "The best threshold on rows that the model hasn't learned from: by a metric of labels, or by cost.",
        "type": "object",
        "properties": {
            "maximize": {"description": "A metric of labels, as `f1` or `balanced_accuracy`.", "type": "string"},
            "cost": costs
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false
    });
    let scales =
        Transform::ALL.map(|scale| (scale.name(), format!("Learns {}; for {}.", scale.meaning(), scale.takes())));
    object(json!({
        "calibrate": words(
            "How probabilities are calibrated, on rows that the model hasn't learned from.",
            [
                ("isotonic", "By any rising function; for a thousand held-out rows or more.".to_owned()),
                ("sigmoid", "By Platt's logistic curve; also for few rows.".to_owned())
            ],
        ),
        "threshold": {
            "description": "From which probability on the positive one of two classes is the answer. Without it, the likelier class is.",
            "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, goal],
            "examples": [0.3, {"maximize": "f1"}, {"cost": {"fn": 5, "fp": 1}}]
        },
        "target_transform": words("The scale on which a number is learned; answers are brought back from it.", scales)
    }))
}
