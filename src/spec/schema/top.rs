//! The keys at the top.

use serde_json::{Map, Value as Json, json};

use super::adapt::{Definitions, allow_templates, reference};
use super::{fields, object, sources, steps};
use crate::spec::TIME_SPAN;

/// What a name is made of: letters, digits, `-` and `_`. Letters beyond Latin are not told from other signs there, since
/// not every validator knows Unicode's classes.
const NAME: &str = r"^[-_0-9A-Za-z\u00AA-\uFFFF]+$";

/// Keys whose values no template is rendered in.
const PLAIN: [&str; 6] = ["params", "profiles", "env", "secrets", "tests", "name"];

/// The schema of a whole file, with all that it refers to in `definitions`.
pub(super) fn schema(definitions: &mut Definitions) -> Map<String, Json> {
    definitions.add("target", target());
    let named = |description: &str, of: Json| {
        json!({
            "description": description,
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": of
        })
    };
    let source = sources::source(definitions);
    let step = steps::step(definitions);
    let mut properties = object(json!({
        "name": {"description": "The pipeline's name: letters, digits, `-` and `_`.", "type": "string", "pattern": NAME},
        "description": {"description": "What it is for, as listings and reports show it.", "type": "string"},
        "target": reference("target"),
        "roles": roles(),
        "seed": {"description": "What every random choice derives from.", "type": "integer", "minimum": 0, "default": 0},
        "params": {
            "description": "Values for `{{ params.x }}` in scalars, and for `params.x` in SQL expressions. Overridden by `--params FILE`, `GRISTMILL_PARAM_X` and `--set x=…`.",
            "type": "object",
            "examples": [{"trees": 200}]
        },
        "profiles": {
            "description": "Sets of values for params, one of which `--profile` chooses.",
            "type": "object",
            "additionalProperties": fields("Values for params.", object(json!({"params": {"description": "Values by param.", "type": "object"}})), &[], false),
            "examples": [{"dev": {"params": {"sample": 0.02}}}]
        },
        "env": names("Environment variables that the file may use, as `{{ env.X }}`. Their values count in keys."),
        "secrets": names("Environment variables that steps may use. Their values never count in keys, and never show."),
        "sources": named("The tables that come from outside, by name.", source),
        "steps": named("The graph, by name. The order means nothing.", step),
        "watch": watch(),
        "tests": {"description": "Rows in, expected rows out.", "type": "array", "items": test()}
    }));
    for (key, schema) in &mut properties {
        if !PLAIN.contains(&key.as_str()) {
            allow_templates(schema);
        }
    }
    let text = "What is to be made: where the data comes from, how it is cleaned and transformed, which models are trained on it, how they are judged, and where the winner goes.";
    object(fields(text, properties, &["name", "steps"], true))
}

fn target() -> Json {
    let named = json!({
        "column": {"description": "The column to predict.", "type": "string"},
        "positive": {"description": "Which of two classes is the positive one.", "type": ["string", "number", "boolean"]}
    });
    json!({
        "description": "The column to predict, or `{column: status, positive: bad}`.",
        "anyOf": [{"type": "string"}, fields("The column, and which of two classes is the positive one.", object(named), &["column"], true)],
        "examples": ["species", {"column": "status", "positive": "bad"}]
    })
}

fn roles() -> Json {
    let roles = json!({
        "id": {"description": "What identifies a row.", "type": "string"},
        "time": {"description": "When it happened.", "type": "string"},
        "group": {"description": "What it belongs to.", "type": "string"},
        "held": {"description": "Columns kept for slices.", "type": "array", "items": {"type": "string"}}
    });
    let text = "Columns that no model is trained on, but that travel with their rows to slices, cross-validation and the prediction log.";
    fields(text, object(roles), &[], false)
}

fn watch() -> Json {
    let span = |description: &str, examples: [&str; 2]| json!({"description": description, "type": "string", "pattern": TIME_SPAN, "examples": examples});
    let zone = json!({"description": "The time zone of the schedule; UTC without one.", "type": "string", "examples": ["Europe/Berlin"]});
    let cron = json!({
        "description": "Minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.",
        "type": "string",
        "examples": ["0 6 * * 1-5", "@daily"]
    });
    let nested = object(json!({"cron": cron, "timezone": zone}));
    let keys = json!({
        "debounce": span("How long files must be left alone before a run starts; 500ms without it.", ["500ms", "2s"]),
        "schedule": {
            "description": "When a run starts whatever happened.",
            "anyOf": [cron, fields("When, and in which time zone.", nested, &["cron"], false)]
        },
        "timezone": zone,
        "cooldown": span("The least time between the starts of two runs that changed data started.", ["10m", "1h"])
    });
    let text = "What makes a running `gristmill watch` start again; changed data always does.";
    fields(text, object(keys), &[], false)
}

fn names(description: &str) -> Json {
    json!({"description": description, "type": "array", "items": {"type": "string"}})
}

fn test() -> Json {
    let rows = |description: &str| {
        json!({
            "description": description,
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "object"}}
        })
    };
    let keys = json!({
        "name": {"description": "What it shows.", "type": "string"},
        "given": rows("Rows by source. Columns that aren't given are null."),
        "expect": rows("Rows by step. Columns that aren't named are not compared.")
    });
    fields("Rows in, expected rows out.", object(keys), &["name", "given", "expect"], false)
}
