//! What a client is told when it can't be answered: how to mend the request, and nothing of the insides.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

/// How many bad fields one answer names.
pub(super) const MOST_DETAILS: usize = 100;

/// What is wrong with one row of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    /// Which record, from 0; none if it isn't a record's fault.
    pub row: Option<usize>,
    /// Which field; none if it isn't a single one's fault.
    pub field: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Map<String, Json>,
}

impl Failure {
    /// With what is wrong and how to mend it, as one sentence.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("error".into(), Json::String(error.into()));
        Self { status, body }
    }

    /// With more to tell.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    /// Of everything that is wrong with the records: the first [`MOST_DETAILS`] of `count`.
    pub fn records(details: &[Detail], count: usize) -> Self {
        let error = match details {
            [one] if count == 1 => format!("the request can't be answered: {}", sentence(one)),
            _ => format!("the request can't be answered: {count} things are wrong with it, see `details`"),
        };
        let told: Vec<Json> = details
            .iter()
            .map(|detail| json!({"row": detail.row, "field": detail.field, "reason": detail.reason}))
            .collect();
        let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, error).with("details", told);
        match count.saturating_sub(details.len()) {
            0 => failure,
            more => failure.with("more", more),
        }
    }

    /// A request that isn't about a record: a part of the body has the wrong form.
    pub fn body(field: Option<&str>, reason: &str) -> Self {
        Self::records(&[Detail { row: None, field: field.map(str::to_owned), reason: reason.to_owned() }], 1)
    }

    /// Something broke that the client can't mend.
    pub fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed to answer this request; other requests are not affected",
        )
    }

    /// Too much to do right now.
    pub fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server has too much to do: send the request again in a second")
    }

    /// The body is larger than `most` bytes.
    pub fn too_large(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {most} bytes: split the records over several requests"),
        )
    }

    /// There are more than `most` records.
    pub fn too_many(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("there are more than {most} records: split them over several requests"),
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = reply(status, Json::Object(self.body).to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A response of JSON that is written already.
pub(super) fn reply(status: StatusCode, json: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response of 200 with JSON.
pub(super) fn ok(json: &Json) -> Response {
    reply(StatusCode::OK, json.to_string())
}

fn sentence(detail: &Detail) -> String {
    // A refusal of the recipe names its field itself.
    let field = detail.field.as_ref().map(|field| format!("`{field}`"));
    let field = field.filter(|field| !detail.reason.contains(field)).map_or_else(String::new, |field| field + " ");
    match detail.row {
        Some(row) => format!("row {row}: {field}{}", detail.reason),
        None => format!("{field}{}", detail.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_said_in_words_and_many_are_listed() {
        let detail = Detail { row: Some(2), field: Some("age".into()), reason: "is missing".into() };
        let one = Failure::records(std::slice::from_ref(&detail), 1);
        assert_eq!(one.body["error"], "the request can't be answered: row 2: `age` is missing");
        let many = Failure::records(&vec![detail; MOST_DETAILS], 105);
        assert_eq!((&many.body["more"], many.body["details"][0]["row"].clone()), (&json!(5), json!(2)));
    }
}
