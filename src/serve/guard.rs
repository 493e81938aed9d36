//! Around every request: a panic ends the request and nothing else, and the connection knows when it is being answered.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::Pulse;
use super::errors::Failure;

/// Passes the request on.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let pulse = request.extensions().get::<ConnectInfo<Pulse>>().map(|ConnectInfo(pulse)| pulse.clone());
    if let Some(pulse) = &pulse {
        pulse.answering();
    }
    let response = caught(next.run(request)).await.unwrap_or_else(|| Failure::broken().into_response());
    if let Some(pulse) = &pulse {
        pulse.answered(response.status().is_client_error());
    }
    response
}

/// What the future gives; none if it panics. It isn't asked again after that, so nothing half-done is seen.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Err(_) => Poll::Ready(None),
    })
    .await
}
