//! Envoys that are to leave their machines as they are.

use super::envoys::{find, view};
use super::extract::{Json, Name, end};
use super::problem::Problem;
use super::{Caller, Context};
use crate::config::Span;
use crate::store::{Envoy, StoreError};
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::Value;
use std::future::Future;
use vigo_core::bundle::Maintenance;
use vigo_core::id::EnvoyId;

/// How long maintenance lasts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// When it ends by itself.
    until: Option<String>,
    /// After how long it ends by itself.
    #[serde(rename = "for")]
    span: Option<Span>,
}

pub(super) async fn begin(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let end = end(wanted.until.as_deref(), wanted.span, context.running.now())?;
    let maintenance = end.map_or(Maintenance::Open, Maintenance::Until);
    rest(context, caller, name, maintenance).await
}

pub(super) async fn over(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    rest(context, caller, name, Maintenance::No).await
}

async fn rest(
    context: Context,
    caller: Caller,
    name: String,
    maintenance: Maintenance,
) -> Result<Answer<Value>, Problem> {
    let (store, by, now) = (context.store.clone(), caller.actor(), context.running.now());
    tell(context, name, move |id| async move { store.set_maintenance(id, maintenance, by, now).await }).await
}

pub(super) async fn observe(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    watch(context, caller, name, true).await
}

pub(super) async fn change(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    watch(context, caller, name, false).await
}

async fn watch(context: Context, caller: Caller, name: String, observes: bool) -> Result<Answer<Value>, Problem> {
    let (store, by, now) = (context.store.clone(), caller.actor(), context.running.now());
    tell(context, name, move |id| async move { store.set_observes(id, observes, by, now).await }).await
}

/// Stores what an envoy is to do, then tells the running server. The memory follows even when whoever asked is gone by then.
async fn tell<F>(
    context: Context,
    name: String,
    set: impl FnOnce(EnvoyId) -> F + Send + 'static,
) -> Result<Answer<Value>, Problem>
where
    F: Future<Output = Result<Option<Envoy>, StoreError>> + Send,
{
    let id = find(&context, &name).await?.id;
    let telling = tokio::spawn(async move {
        // What is stored last is what the memory has.
        let _turn = context.envoy_turn.lock().await;
        let none = || Problem::not_found("envoy that is not revoked", &name);
        let envoy = set(id).await?.ok_or_else(none)?;
        let called = context.running.rests(id, envoy.maintenance, envoy.observes);
        let mut answer = view(&envoy, context.running.envoy(id).as_ref(), context.running.now());
        answer["called"] = called.into();
        Ok(Answer(answer))
    });
    telling.await?
}
