//! JSON Schemas of the language, for editors. They follow from the catalogues, so that a new op or model is completed and
//! checked without a word here.
//!
//! They are a help while writing, no judge: what a schema accepts may still be wrong, and `gristmill check` says why.

mod adapt;
mod decision;
mod models;
mod ops;
mod sources;
mod steps;
mod top;
mod tune;

use serde_json::{Map, Value as Json, json};

use crate::data::Contract;

/// The dialect that both schemas are written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a pipeline file: `schemas/pipeline.schema.json`.
pub fn pipeline() -> Json {
    let mut definitions = adapt::Definitions::default();
    let mut schema = top::schema(&mut definitions);
    schema.insert("$defs".to_owned(), definitions.finish());
    titled("a gristmill pipeline", schema)
}

/// The schema of a data contract: `schemas/contract.schema.json`.
pub fn contract() -> Json {
    let mut schema = schemars::schema_for!(Contract).to_value();
    adapt::clean(&mut schema);
    let Json::Object(mut fields) = schema else { unreachable!("a contract is a map of fields") };
    let example = json!({
        "columns": {"species": {"type": "category", "one_of": ["Adelie", "Gentoo"]}, "body_mass_g": {"type": "int", "min": 2000}},
        "rows": {"min": 100}
    });
    fields.insert("examples".to_owned(), json!([example]));
    titled("a gristmill data contract", fields)
}

/// With dialect and title before the rest.
fn titled(title: &str, rest: Map<String, Json>) -> Json {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), DIALECT.into());
    schema.insert("title".to_owned(), title.into());
    schema.extend(rest);
    Json::Object(schema)
}

/// A map of fields that takes no others but, where `extensions`, those that begin with `x-`.
fn fields(description: &str, properties: Map<String, Json>, required: &[&str], extensions: bool) -> Json {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), description.into());
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Json::Object(properties));
    if extensions {
        schema.insert("patternProperties".to_owned(), json!({"^x-": {"description": "Ignored: a place for anchors."}}));
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    Json::Object(schema)
}

/// One of some words, each with what it means.
fn words<'a>(description: &str, words: impl IntoIterator<Item = (&'a str, String)>) -> Json {
    let words: Vec<Json> =
        words.into_iter().map(|(word, meaning)| json!({"const": word, "description": meaning})).collect();
    json!({"description": description, "oneOf": words})
}

/// The fields of a literal object.
fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A fragment as a sentence: its first letter in upper case, and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{learn, ops};

    fn every_ref_resolves(schema: &Json, root: &Json) {
        match schema {
            Json::Object(fields) => {
                if let Some(Json::String(to)) = fields.get("$ref") {
                    let pointer = to.strip_prefix('#').expect("a reference within");
                    assert!(root.pointer(pointer).is_some(), "{to}");
                }
                fields.values().for_each(|field| every_ref_resolves(field, root));
            }
            Json::Array(items) => items.iter().for_each(|item| every_ref_resolves(item, root)),
            _ => {}
        }
    }

    fn constants(schema: &Json) -> Vec<&str> {
        let words = schema["oneOf"].as_array().expect("words");
        words.iter().filter_map(|word| word["const"].as_str()).collect()
    }

    #[test]
    fn every_reference_resolves_and_bytes_repeat() {
        for schema in [pipeline, contract] {
            let once = schema();
            every_ref_resolves(&once, &once);
            assert_eq!(once.to_string(), schema().to_string());
            assert_eq!(once["$schema"], DIALECT);
        }
    }

    #[test]
    fn every_op_model_and_metric_is_there() {
        let schema = pipeline();
        let definitions = &schema["$defs"];
        for op in ops::catalogue() {
            assert!(definitions["op"]["properties"][op.name].is_object(), "{}", op.name);
            let described = &definitions[format!("op.{}", op.name)];
            assert!(
                described["description"].as_str().is_some_and(|text| text.starts_with(op.page.summary)),
                "{}",
                op.name
            );
            assert!(described["examples"].is_array(), "the example of `{}` is of itself", op.name);
        }
        let models = constants(&definitions["train"]["properties"]["model"]);
        let known: Vec<&str> = learn::models().iter().map(|model| model.name).chain(["ensemble"]).collect();
        assert_eq!(models, known);
        for model in learn::models() {
            let properties = definitions[format!("model.{}", model.name)]["properties"].as_object().expect("fields");
            for hyper in model.hyper {
                assert!(properties[hyper.name]["description"].is_string(), "{} {}", model.name, hyper.name);
            }
            assert_eq!(properties.len(), model.hyper.len(), "{}", model.name);
        }
        let metrics = constants(&definitions["metric"]);
        assert_eq!(metrics, learn::metrics().iter().map(|metric| metric.name).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_may_be_templates_and_bounds_are_said() {
        let schema = pipeline();
        let trees = &schema["$defs"]["model.random_forest"]["properties"]["n_estimators"];
        assert_eq!(trees["type"], json!(["integer", "string"]));
        assert_eq!((&trees["minimum"], &trees["default"]), (&json!(1), &json!(100)));
        assert_eq!(trees["pattern"], schema["$defs"]["template"]["pattern"]);
        assert_eq!(schema["properties"]["params"]["type"], "object");
    }

    #[test]
    fn contracts_offer_what_is_supported() {
        assert_eq!(constants(&contract()["$defs"]["OnViolation"]), ["fail", "quarantine", "warn"]);
        assert_eq!(constants(&contract()["$defs"]["ExtraColumns"]), ["error", "keep", "drop"]);
    }

    #[test]
    fn only_ops_that_need_no_argument_may_be_bare() {
        let schema = pipeline();
        assert_eq!(constants(&schema["$defs"]["bare_op"]), ["drop_duplicates"]);
    }
}
