//! Times at which the database was put back to an earlier state.

use super::problem::Problem;
use super::view::{time, time_or_null};
use super::{Caller, Context};
use crate::store::Restore;
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde_json::{Value, json};
use vigo_core::server::to_look_at;

pub(super) async fn show(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let restores = context.store.restores().await?;
    let envoys = context.store.envoys().await?;
    let adopted = envoys.iter().filter(|envoy| envoy.adopted_at.is_some() && envoy.revoked_at.is_none()).count();
    let is_open = restores.iter().any(|restore| restore.reviewed.is_none());
    Ok(Answer(json!({
        "restores": restores.iter().map(view).collect::<Vec<_>>(),
        "adopted": adopted,
        "look_at": to_look_at(is_open, adopted),
    })))
}

pub(super) async fn reviewed(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    let is_news = context.store.review_restores(caller.actor(), context.running.now()).await?;
    Ok(Answer(json!({ "reviewed": is_news })))
}

/// Returns what is lost, and what was made void for it.
pub(super) fn view(restore: &Restore) -> Value {
    json!({
        "id": restore.id,
        "at": time(restore.at),
        "how": restore.how,
        "detail": restore.detail,
        "lost_from": time(restore.lost_from),
        "lost_to": time(restore.lost_to),
        "void": {
            "tokens": restore.voided.tokens,
            "api_tokens": restore.voided.api_tokens,
            "orders": restore.voided.orders,
        },
        "older_secrets": restore.older_secrets,
        "reviewed_at": time_or_null(restore.reviewed.as_ref().map(|(at, _)| *at)),
        "reviewed_by": restore.reviewed.as_ref().map(|(_, by)| by),
    })
}
