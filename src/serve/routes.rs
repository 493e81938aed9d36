//! Which address leads where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use super::app::App;
use super::{describe, guard, predict};

/// All routes of a server.
pub(super) fn router(app: Arc<App>) -> Router {
    let most = app.settings.max_body;
    let routes = Router::new()
        .route("/", get(describe::index))
        .route("/predict", post(predict::default))
        .route("/models", get(describe::models))
        .route("/models/{name}", get(describe::model))
        .route("/models/{name}/predict", post(predict::named))
        .route("/openapi.json", get(describe::openapi))
        .route("/health/live", get(describe::live))
        .route("/health/ready", get(describe::ready))
        .method_not_allowed_fallback(describe::other_method)
        .fallback(describe::nowhere)
        .with_state(app);
    guarded(routes, most)
}

/// What holds for every request, whatever its route.
pub(super) fn guarded(routes: Router, most: usize) -> Router {
    routes.layer(DefaultBodyLimit::max(most)).layer(from_fn(guard::guard))
}
