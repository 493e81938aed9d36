//! The OpenAPI 3.1 document, written from the models' signatures.

use serde_json::{Map, Value as Json, json};

use super::{Model, Models, Settings};
use crate::data::{Kind, Value};
use crate::learn::Task;
use crate::seal::{InputField, Sample};

/// The document for these models.
pub(super) fn document(models: &Models, settings: &Settings) -> Json {
    let mut schemas = Map::new();
    let mut paths = fixed_paths();
    for (key, model) in models.iter() {
        let name = format!("{}.v{}", model.name, model.version);
        schemas.insert(format!("{name}.record"), record(model));
        schemas.insert(format!("{name}.request"), request(&name, settings));
        schemas.insert(format!("{name}.answer"), answer(model));
        paths.insert(format!("/models/{key}/predict"), predict(key, &name, model));
    }
    if let Some((_, model)) = models.default() {
        paths.insert("/predict".into(), predict("", &format!("{}.v{}", model.name, model.version), model));
    }
    schemas.insert("error".into(), error());
    json!({
        "openapi": "3.1.0",
        "info": {"title": "gristmill", "version": env!("CARGO_PKG_VERSION"), "description": "Sealed models: raw records in, answers out."},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn fixed_paths() -> Map<String, Json> {
    let get = |id: &str, summary: &str, failing: &[(&str, &str)]| {
        let mut responses = Map::new();
        responses.insert(
            "200".into(),
            json!({"description": summary, "content": {"application/json": {"schema": {"type": "object"}}}}),
        );
        responses.extend(failing.iter().map(|(status, why)| ((*status).to_owned(), refused(why))));
        json!({"operationId": id, "summary": summary, "responses": responses})
    };
    let mut model = get("model", "one model, with the fields of a record", &[("404", "no such model")]);
    model["parameters"] = json!([{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}]);
    [
        ("/models", get("models", "the models that are served", &[])),
        ("/models/{name}", model),
        ("/health/live", get("live", "the process runs", &[])),
        ("/health/ready", get("ready", "requests are welcome", &[("503", "the server is stopping")])),
    ]
    .into_iter()
    .map(|(path, get)| (path.to_owned(), json!({"get": get})))
    .collect()
}

fn predict(key: &str, name: &str, model: &Model) -> Json {
    let id = if key.is_empty() { "predict".to_owned() } else { format!("predict-{key}") };
    let refusals = [
        ("400", "the body isn't JSON"),
        ("408", "the body came too slowly"),
        ("413", "the body is too large, or holds too many records"),
        ("415", "the body isn't said to be JSON"),
        ("422", "records can't be answered: every bad field is listed"),
        ("503", "too much to do, or stopping: try again"),
        ("504", "the answer took too long"),
    ];
    let mut responses = Map::new();
    responses.insert("200".into(), json!({"description": "the answers, in the order of the records", "content": content(&format!("{name}.answer"))}));
    responses.extend(refusals.iter().map(|(status, why)| ((*status).to_owned(), refused(why))));
    let target = &model.predictor.sealed().trained.target;
    json!({"post": {
        "operationId": id,
        "summary": format!("predict `{target}` with version {} of `{}`", model.version, model.name),
        "parameters": [{
            "name": "explain",
            "in": "query",
            "description": "whether to say what each feature contributes to the answer",
            "schema": {"type": "boolean", "default": false},
        }],
        "requestBody": {"required": true, "content": content(&format!("{name}.request"))},
        "responses": responses,
    }})
}

fn content(schema: &str) -> Json {
    json!({"application/json": {"schema": reference(schema)}})
}

fn refused(why: &str) -> Json {
    json!({"description": why, "content": content("error")})
}

fn reference(schema: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn request(name: &str, settings: &Settings) -> Json {
    let record = reference(&format!("{name}.record"));
    let many = json!({"type": "array", "items": record, "minItems": 1, "maxItems": settings.max_rows});
    json!({"type": "object", "required": ["input_data"], "properties": {"input_data": {"oneOf": [many, record]}}})
}

/// The fields of a record, with the first recorded sample that was answered as an example.
fn record(model: &Model) -> Json {
    let sealed = model.predictor.sealed();
    let sample = sealed.samples.iter().find(|sample| sample.outcome.is_ok());
    let properties: Map<String, Json> = sealed
        .signature
        .iter()
        .enumerate()
        .map(|(nth, one)| (one.name.clone(), field(one, takes_null(model, sample, nth))))
        .collect();
    let required: Vec<&str> = sealed.signature.iter().map(|field| field.name.as_str()).collect();
    let mut schema = json!({"type": "object", "required": required, "properties": properties});
    if let Some(sample) = sample {
        let values = sealed.signature.iter().zip(&sample.record);
        let example: Map<String, Json> = values.map(|(field, value)| (field.name.clone(), example(value))).collect();
        schema["examples"] = json!([example]);
    }
    schema
}

/// Whether the model answers without a value in the field: it is asked. Without a sample to ask with, it may.
fn takes_null(model: &Model, sample: Option<&Sample>, nth: usize) -> bool {
    let Some(sample) = sample else {
        return true;
    };
    let mut record = sample.record.clone();
    record[nth] = Value::Null;
    model.predictor.answer(&record).is_ok()
}

fn field(field: &InputField, takes_null: bool) -> Json {
    let (kind, format) = json_type(field.kind);
    let mut schema = Map::new();
    schema.insert("type".into(), if takes_null { json!([kind, "null"]) } else { kind.into() });
    if let Some(format) = format {
        schema.insert("format".into(), format.into());
    }
    if !field.one_of.is_empty() {
        let null = takes_null.then_some(Json::Null);
        schema.insert("enum".into(), field.one_of.iter().map(example).chain(null).collect());
    }
    if field.kind.is_numeric() {
        schema.extend(field.min.map(|min| ("minimum".to_owned(), min.into())));
        schema.extend(field.max.map(|max| ("maximum".to_owned(), max.into())));
    }
    if field.kind == Kind::Duration {
        schema.insert(
            "description".into(),
            "a count with `w`, `d`, `h`, `m` or `s`, as `28d`, or a number of seconds as a string".into(),
        );
    }
    Json::Object(schema)
}

/// A value as a request may hold it. Spans of time are strings there.
fn example(value: &Value) -> Json {
    match value {
        Value::Duration(_) => value.to_json().to_string().into(),
        _ => value.to_json(),
    }
}

fn json_type(kind: Kind) -> (&'static str, Option<&'static str>) {
    match kind {
        Kind::Int => ("integer", None),
        Kind::Float => ("number", None),
        Kind::Bool => ("boolean", None),
        Kind::Str | Kind::Category | Kind::Text | Kind::Duration => ("string", None),
        Kind::Date => ("string", Some("date")),
        Kind::Datetime => ("string", Some("date-time")),
    }
}

fn answer(model: &Model) -> Json {
    let trained = &model.predictor.sealed().trained;
    let (prediction, probability) = match trained.task {
        Task::Regression => (json!({"type": "number"}), json!({"type": "null"})),
        Task::Classification => {
            let classes: Vec<Json> = trained.classes.iter().map(Value::to_json).collect();
            let names: Vec<String> = trained.classes.iter().map(Value::to_string).collect();
            let shares: Map<String, Json> = names
                .iter()
                .map(|name| (name.clone(), json!({"type": "number", "minimum": 0, "maximum": 1})))
                .collect();
            let share = json!({"type": "object", "required": names, "properties": shares});
            (json!({"enum": classes}), json!({"type": "array", "items": share}))
        }
    };
    json!({
        "type": "object",
        "required": ["prediction", "probability", "model"],
        "properties": {
            "prediction": {"type": "array", "items": prediction},
            "probability": probability,
            "explanation": {"type": "array", "items": explanation()},
            "model": {
                "type": "object",
                "required": ["name", "version", "digest"],
                "properties": {"name": {"type": "string"}, "version": {"type": "integer"}, "digest": {"type": "string"}},
            },
        },
    })
}

/// With `explain=true`: base + Σ contributions is what the model says of the class, or said before calibration, on the
/// scale.
fn explanation() -> Json {
    json!({
        "type": "object",
        "required": ["class", "scale", "of", "method", "base", "contributions"],
        "properties": {
            "class": {},
            "scale": {"enum": ["number", "logarithm", "log1p", "root", "yeo_johnson", "quantile", "probability", "log_odds"]},
            "of": {"enum": ["answer", "score_before_calibration"]},
            "method": {"enum": ["exact", "sampled"]},
            "base": {"type": "number"},
            "contributions": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    })
}

fn error() -> Json {
    let detail = json!({
        "type": "object",
        "properties": {"row": {"type": ["integer", "null"]}, "field": {"type": ["string", "null"]}, "reason": {"type": "string"}},
    });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {"type": "string"},
            "details": {"type": "array", "items": detail},
            "more": {"type": "integer", "description": "how many further things are wrong"},
        },
    })
}
