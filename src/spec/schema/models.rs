//! Models, their hyper-parameters, and metrics.

use serde_json::{Map, Value as Json, json};

use super::adapt::{Definitions, reference};
use super::{sentence, words};
use crate::learn::{Direction, HyperParameter, ModelEntry, metrics as all_metrics, models};

/// The schema of `model`.
pub(super) fn names() -> Json {
    let summary = |model: &ModelEntry| {
        let tasks: Vec<&str> = model.tasks.iter().map(|task| task.name()).collect();
        format!("{} For {}.", sentence(model.summary), tasks.join(" and "))
    };
    words("What learns.", models().iter().map(|model| (model.name, summary(model))))
}

/// What `with` may be for each model: conditions for `allOf`.
pub(super) fn conditions(definitions: &mut Definitions) -> Vec<Json> {
    let mut conditions = Vec::new();
    for model in models() {
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
    let mut properties: Map<String, Json> =
        all_metrics().iter().map(|metric| (metric.name.to_owned(), described(sentence(metric.summary)))).collect();
    properties.insert("coverage".to_owned(), described("The share of the rows that no op refused.".to_owned()));
    let text = "What the winner must reach; otherwise the run ends with exit code 3.";
    let mut schema = super::fields(text, properties, &[], false);
    schema["examples"] = json!([{"accuracy": {"min": 0.9}}]);
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
