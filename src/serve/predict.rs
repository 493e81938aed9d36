//! The routes that answer records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, PathRejection};
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::Model;
use super::answers::answer;
use super::app::{App, Served};
use super::describe::{no_model, unknown_model};
use super::errors::{Failure, reply};
use super::request::{Row, records};
use crate::source::list;

/// Larger bodies are read away from the threads that serve connections.
const INLINE_BYTES: usize = 32 << 10;
/// More records are answered away from those threads.
const INLINE_ROWS: usize = 64;

/// `POST /predict`: the only model.
pub(super) async fn default(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let served = app.served();
    if served.models.is_empty() {
        return Err(no_model());
    }
    let Some(name) = served.models.default().map(|(name, _)| name.to_owned()) else {
        let names: Vec<&str> = served.models.names().collect();
        let error = format!(
            "several models are served: ask one of {} at `/models/{{name}}/predict`",
            list(names.iter().copied())
        );
        return Err(Failure::new(StatusCode::NOT_FOUND, error).with("models", names));
    };
    predict(&app, served, name, request).await
}

/// `POST /models/{name}/predict`.
pub(super) async fn named(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let served = app.served();
    match path {
        Ok(Path(name)) if served.models.get(&name).is_some() => predict(&app, served, name, request).await,
        Ok(Path(name)) => Err(unknown_model(&served, &name)),
        Err(_) => Err(unknown_model(&served, "")),
    }
}

async fn predict(app: &App, served: Arc<Served>, name: String, request: Request) -> Result<Response, Failure> {
    let deadline = Instant::now() + app.settings.timeout;
    understood(request.headers())?;
    let explain = explains(request.uri().query())?;
    let body = read(app, request, deadline).await?;
    let permit = app.gate.clone().try_acquire_owned().map_err(|_| Failure::busy())?;
    let stop = StopOnDrop::default();
    let job = Job { served, name, explain, most: app.settings.max_rows, stop: stop.0.clone(), _permit: permit };
    let text = timeout_at(deadline, job.run(body)).await.map_err(|_| late())??;
    Ok(reply(StatusCode::OK, text))
}

/// A request at work. It keeps its permit until the work has ended, even if nobody waits for it any more, and the model
/// that it began with, even if another one is served by then.
struct Job {
    served: Arc<Served>,
    name: String,
    /// Whether it asks for what each feature contributes.
    explain: bool,
    /// How many records it may hold.
    most: usize,
    stop: Arc<AtomicBool>,
    _permit: OwnedSemaphorePermit,
}

impl Job {
    async fn run(self, body: Bytes) -> Result<String, Failure> {
        // What each feature contributes takes far longer than the answer.
        if self.explain || body.len() > INLINE_BYTES {
            return aside(move || self.answer(&self.records(&body)?)).await;
        }
        let rows = self.records(&body)?;
        if rows.len() > INLINE_ROWS {
            return aside(move || self.answer(&rows)).await;
        }
        self.answer(&rows)
    }

    fn model(&self) -> Result<&Model, Failure> {
        self.served.models.get(&self.name).ok_or_else(|| unknown_model(&self.served, &self.name))
    }

    fn records(&self, body: &[u8]) -> Result<Vec<Row>, Failure> {
        records(body, &self.model()?.predictor.sealed().signature, self.most)
    }

    fn answer(&self, rows: &[Row]) -> Result<String, Failure> {
        answer(self.model()?, rows, self.explain, &self.stop)
    }
}

/// Runs long work on a thread of its own kind. A panic there is a failure of this request only.
async fn aside(work: impl FnOnce() -> Result<String, Failure> + Send + 'static) -> Result<String, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Failure::broken()))
}

/// Ends the work when nobody waits for it any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether the address asks for explanations: `?explain=true`.
fn explains(query: Option<&str>) -> Result<bool, Failure> {
    let mut explain = false;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        explain = match pair {
            "explain=true" => true,
            "explain=false" => false,
            _ => {
                let error = "the address has a parameter that isn't known: there is `explain=true`";
                return Err(Failure::new(StatusCode::BAD_REQUEST, error));
            }
        };
    }
    Ok(explain)
}

/// The body, never more of it than is allowed.
async fn read(app: &App, request: Request, deadline: Instant) -> Result<Bytes, Failure> {
    let most = app.settings.max_body;
    let said = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if said.is_some_and(|length| length > most as u64) {
        return Err(Failure::too_large(most));
    }
    match timeout_at(deadline, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)))) => {
            Err(Failure::too_large(most))
        }
        Ok(Err(_)) => {
            Err(Failure::new(StatusCode::BAD_REQUEST, "the body ended before it was complete: send the request again"))
        }
        Err(_) => Err(Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body wasn't complete within {} seconds: send it faster, or in several requests",
                app.settings.timeout.as_secs_f64()
            ),
        )),
    }
}

/// Refuses bodies that say they aren't JSON in UTF-8. A body that says nothing is read as JSON.
fn understood(headers: &HeaderMap) -> Result<(), Failure> {
    let refused = |error: &str| Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("compressed bodies can't be read: send the body without `Content-Encoding`");
    }
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    // What `curl -d` says of any body, when nobody tells it otherwise.
    let unsaid = media == "application/x-www-form-urlencoded";
    let json = media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
    if !(json || unsaid) {
        return refused("only JSON can be read: send `Content-Type: application/json`");
    }
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    if charset.is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii")) {
        return refused("only UTF-8 can be read: send `Content-Type: application/json` and a body in UTF-8");
    }
    Ok(())
}

fn late() -> Failure {
    Failure::new(
        StatusCode::GATEWAY_TIMEOUT,
        "the answer took too long: send fewer records in one request, or try again later",
    )
}
