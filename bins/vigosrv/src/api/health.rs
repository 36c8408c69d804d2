//! Whether the server lives, and whether it is ready.

use super::Context;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// It answers: it lives.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// It is ready when the database reads and writes. What is wrong is not for everybody.
pub(super) async fn ready(State(context): State<Context>) -> (StatusCode, Json<Value>) {
    let answers = match context.store.publishes(None, 1).await {
        Ok(_) => context.store.is_open(),
        Err(error) => {
            tracing::error!("not ready: {error}");
            false
        }
    };
    match answers {
        true => (StatusCode::OK, Json(json!({ "ready": true, "reasons": [] }))),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reasons": ["the database"] }))),
    }
}
