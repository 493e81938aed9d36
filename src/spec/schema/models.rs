//! Models, their hyper-parameters, and metrics.

use serde_json::{Map, Value as Json, json};

use super::adapt::{Definitions, reference};
use super::{sentence, words};
use crate::learn::{Direction, HyperParameter, ModelEntry, ensemble_entry, metrics as all_metrics, models};
use crate::spec::MIN_ROWS;

/// Every model of the catalogue, and the ensemble.
fn every() -> impl Iterator<Item = &'static ModelEntry> {
    models().iter().chain([ensemble_entry()])
}

/// The schema of `model`.
pub(super) fn names() -> Json {
    let summary = |model: &ModelEntry| {
        let tasks: Vec<&str> = model.tasks.iter().map(|task| task.name()).collect();
        format!("{} For {}.", sentence(model.summary), tasks.join(" and "))
    };
    words("What learns.", every().map(|model| (model.name, summary(model))))
}

/// What `with` may be for each model: conditions for `allOf`.
pub(super) fn conditions(definitions: &mut Definitions) -> Vec<Json> {
    let mut conditions = Vec::new();
    for model in every() {
        let with = with(model, definitions);
        let with = definitions.add(&format!("model.{}", model.name), with);
        conditions.push(json!({
            "if": {"properties": {"model": {"const": model.name}}, "required": ["model"]},
            "then": {"properties": {"with": with}}
        }));
    }
    conditions
}

fn with(model: &ModelEntry, definitions: &mut Definitions) -> Json {
    let mut schema = definitions.import(&format!("model.{}", model.name), (model.schema)());
    schema["description"] = format!("The hyper-parameters of `{}`: {}", model.name, sentence(model.summary)).into();
    for hyper in model.hyper {
        if let Some(Json::Object(field)) = schema["properties"].get_mut(hyper.name) {
            describe(hyper, field);
        }
    }
    if let Ok(example) = serde_yaml::from_str::<Json>(model.example)
        && example.as_object().is_some_and(|fields| !fields.is_empty())
    {
        schema["examples"] = json!([example]);
    }
    schema
}

fn describe(hyper: &HyperParameter, field: &mut Map<String, Json>) {
    let text = format!("{}\n\n{} Default: {}.", sentence(hyper.summary), sentence(hyper.range), hyper.default);
    field.insert("description".to_owned(), text.into());
    let number = field.get("type").is_some_and(|kind| {
        let is = |kind: &Json| kind == "integer" || kind == "number";
        is(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is))
    });
    if number {
        field.extend(bounds(hyper.range));
    }
}

/// The bounds that a range in words begins with: `≥ 1`, `> 0`, `0 to 1, only with …`.
fn bounds(range: &str) -> Vec<(String, Json)> {
    let words: Vec<&str> = range.split([',', ';']).next().unwrap_or_default().split_whitespace().collect();
    let found = match words.as_slice() {
        ["≥", least] => vec![("minimum", *least)],
        [">", below] => vec![("exclusiveMinimum", *below)],
        [least, "to", most] => vec![("minimum", *least), ("maximum", *most)],
        _ => Vec::new(),
    };
    let read = |(key, text): (&str, &str)| {
        Some((key.to_owned(), serde_json::from_str::<Json>(text).ok().filter(Json::is_number)?))
    };
    found.into_iter().filter_map(read).collect()
}

/// Defines the metrics, and gives the reference to them.
pub(super) fn metrics(definitions: &mut Definitions) -> Json {
    let meaning = |direction, summary| {
        let better = if direction == Direction::Higher { "More" } else { "Less" };
        format!("{} {better} is better.", sentence(summary))
    };
    let found = all_metrics().iter().map(|metric| (metric.name, meaning(metric.direction, metric.summary)));
    definitions.add("metric", words("How well predictions fit the truth.", found))
}

/// The schema of `require`: a bound for each metric, and for the coverage.
pub(super) fn gates(definitions: &mut Definitions) -> Json {
    let gate = json!({
        "description": "A bound that the winner must keep.",
        "type": "object",
        "properties": {
            "min": {"description": "At least.", "type": "number"},
            "max": {"description": "At most.", "type": "number"}
        },
        "minProperties": 1,
        "additionalProperties": false
    });
    definitions.add("gate", gate);
    let described = |text: String| {
        let mut gate = reference("gate");
        gate["description"] = text.into();
        gate
    };
    let of_slices = json!({
        "description": "A bound on what slices reach.",
        "type": "object",
        "properties": {
            "min": {"description": "At least.", "type": "number"},
            "max": {"description": "At most.", "type": "number"},
            "min_rows": {"description": "How many rows a slice must have to count.", "type": "integer", "minimum": 1, "default": MIN_ROWS}
        },
        "additionalProperties": false
    });
    definitions.add("slice_gate", of_slices);
    let mut properties = Map::new();
    for metric in all_metrics() {
        properties.insert(metric.name.to_owned(), described(sentence(metric.summary)));
    }
    properties.insert("coverage".to_owned(), described("The share of the rows that no op refused.".to_owned()));
    for metric in all_metrics() {
        let mut gate = reference("slice_gate");
        gate["description"] = format!("`{}` in the slice where it is worst.", metric.name).into();
        properties.insert(format!("worst_slice.{}", metric.name), gate.clone());
        gate["description"] = format!("How far `{}` is apart between two slices of a column.", metric.name).into();
        properties.insert(format!("slice_gap.{}", metric.name), gate);
    }
    let text = "What the winner must reach; otherwise the run ends with exit code 3.";
    let mut schema = super::fields(text, properties, &[], false);
    schema["examples"] = json!([{"accuracy": {"min": 0.9}}, {"worst_slice.recall": {"min": 0.8, "min_rows": 100}}]);
    schema
}

/// The schema of `promote_if`: a bound for each metric, which may be that of the champion.
pub(super) fn promotion(definitions: &mut Definitions) -> Json {
    let bar = |description: &str| {
        json!({
            "description": description,
            "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\s*champion\s*([+-]\s*[0-9.eE-]+\s*)?$"}]
        })
    };
    let bounds = json!({
        "description": "A bound: a number, or the champion's score on the same rows and so much more or less.",
        "type": "object",
        "properties": {"min": bar("At least."), "max": bar("At most.")},
        "minProperties": 1,
        "additionalProperties": false,
        "examples": [{"min": "champion - 0.01"}]
    });
    definitions.add("promotion", bounds);
    let described = |summary: &str| {
        let mut bounds = reference("promotion");
        bounds["description"] = sentence(summary).into();
        bounds
    };
    let properties = all_metrics().iter().map(|metric| (metric.name.to_owned(), described(metric.summary))).collect();
    let text = "What the model must reach beside the one that the alias points to, before the alias moves. Both are judged anew \
                on the same rows and compared by a paired bootstrap; where the rows don't tell, the alias stays.";
    let mut schema = super::fields(text, properties, &[], false);
    schema["minProperties"] = 1.into();
    schema["examples"] = json!([{"f1": {"min": "champion - 0.01"}}]);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_words_are_bounds() {
        let of = |range| Json::Object(bounds(range).into_iter().collect());
        assert_eq!(of("≥ 1"), json!({"minimum": 1}));
        assert_eq!(of("0 to 1, only with `elasticnet`"), json!({"minimum": 0, "maximum": 1}));
        assert_eq!(of("> 0"), json!({"exclusiveMinimum": 0}));
        assert_eq!(of("sqrt, log2, all"), json!({}));
        assert_eq!(of("a whole number, or a share up to 1"), json!({}));
    }
}
