//! The routes that tell what is served, and whether it can be asked.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::Model;
use super::app::{App, Served};
use super::errors::{Failure, ok, reply};
use crate::seal::InputField;
use crate::source::suggest;

/// `GET /`.
pub(super) async fn index(State(app): State<Arc<App>>) -> Response {
    let served = app.served();
    let names: Vec<&str> = served.models.names().collect();
    let predict: Vec<String> = match served.models.default() {
        Some(_) => vec!["/predict".into()],
        None => names.iter().map(|name| format!("/models/{name}/predict")).collect(),
    };
    ok(&json!({
        "server": "gristmill",
        "models": names,
        "links": {"models": "/models", "predict": predict, "openapi": "/openapi.json", "live": "/health/live", "ready": "/health/ready"},
    }))
}

/// `GET /models`.
pub(super) async fn models(State(app): State<Arc<App>>) -> Response {
    let served = app.served();
    let models: Vec<Json> = served.models.iter().map(|(name, model)| Json::Object(summary(name, model))).collect();
    ok(&json!({"models": models, "default": served.models.default().map(|(name, _)| name)}))
}

/// `GET /models/{name}`.
pub(super) async fn model(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let name = path.map(|Path(name)| name).unwrap_or_default();
    let served = app.served();
    let model = served.models.get(&name).ok_or_else(|| unknown_model(&served, &name))?;
    Ok(ok(&Json::Object(details(&name, model))))
}

/// `GET /openapi.json`.
pub(super) async fn openapi(State(app): State<Arc<App>>) -> Response {
    reply(StatusCode::OK, app.served().openapi.clone())
}

/// `GET /health/live`: the process runs.
pub(super) async fn live() -> Response {
    ok(&json!({"status": "live"}))
}

/// `GET /health/ready`: requests are welcome.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    if app.is_draining() {
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping: ask another one"));
    }
    if app.served().models.is_empty() {
        return Err(no_model());
    }
    Ok(ok(&json!({"status": "ready"})))
}

/// No route.
pub(super) async fn nowhere() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing at this address: `GET /` lists what there is")
}

/// A route, but not with this method.
pub(super) async fn other_method(method: Method, uri: Uri) -> Failure {
    let instead = if uri.path().ends_with("/predict") { "POST" } else { "GET" };
    let error = format!("`{method}` can't be used at this address: use `{instead}`");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, error)
}

/// Nothing to ask as yet.
pub(super) fn no_model() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no model yet: it is served as soon as a run has deployed one; send the request again then",
    )
}

/// No model of that name.
pub(super) fn unknown_model(served: &Served, name: &str) -> Failure {
    if served.models.is_empty() {
        return no_model();
    }
    let names: Vec<&str> = served.models.names().collect();
    let shown: String = name.chars().take(100).collect();
    let help = suggest(&shown, names.iter().copied()).unwrap_or_default();
    Failure::new(StatusCode::NOT_FOUND, format!("no model `{shown}` is served: {help}")).with("models", names)
}

fn summary(name: &str, model: &Model) -> Map<String, Json> {
    let trained = &model.predictor.sealed().trained;
    object([
        ("name", model.name.clone().into()),
        ("version", model.version.into()),
        ("alias", model.alias.clone().into()),
        ("digest", model.digest.clone().into()),
        ("model", trained.model.clone().into()),
        ("target", trained.target.clone().into()),
        ("task", json!(trained.task)),
        ("predict", format!("/models/{name}/predict").into()),
    ])
}

fn details(name: &str, model: &Model) -> Map<String, Json> {
    let trained = &model.predictor.sealed().trained;
    let fields: Vec<Json> = model.predictor.sealed().signature.iter().map(|one| Json::Object(field(one))).collect();
    let classes: Vec<Json> = trained.classes.iter().map(crate::data::Value::to_json).collect();
    let mut told = summary(name, model);
    told.extend(object([
        ("classes", if classes.is_empty() { Json::Null } else { classes.into() }),
        ("features", trained.features.len().into()),
        ("signature", fields.into()),
    ]));
    told
}

fn field(field: &InputField) -> Map<String, Json> {
    let mut told = object([("name", field.name.clone().into()), ("type", field.kind.name().into())]);
    if !field.one_of.is_empty() {
        told.insert("one_of".into(), field.one_of.iter().map(crate::data::Value::to_json).collect());
    }
    for (key, limit) in [("min", field.min), ("max", field.max)] {
        if let Some(limit) = limit {
            told.insert(key.into(), limit.into());
        }
    }
    told
}

fn object<const N: usize>(entries: [(&str, Json); N]) -> Map<String, Json> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
