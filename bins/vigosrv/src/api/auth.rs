//! Logging in, and the tokens of the API.

use super::access::wait_first;
use super::extract::{Json, Name};
use super::password;
use super::problem::Problem;
use super::users::read_role;
use super::view::{time, time_or_null};
use super::{Caller, Context, Remote};
use crate::config::Span;
use crate::store::{Actor, ApiToken};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::PoisonError;
use vigo_core::entropy::Entropy;
use vigo_core::server::{ApiTokenText, Role};
use vigo_core::time::{Duration, Timestamp};

/// How long a login is good.
const LOGIN_TTL: Duration = Duration::from_secs(12 * 3600);

/// How long a token is good where nothing is said, and at most.
const TOKEN_TTL: Duration = Duration::from_secs(90 * 86_400);
const TOKEN_TTL_MAX: Duration = Duration::from_secs(3660 * 86_400);

/// Bytes of a label.
const LABEL_BYTES_MAX: usize = 100;

/// A name and a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    name: String,
    password: String,
}

/// A token that is to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    label: String,
    role: String,
    user: Option<String>,
    ttl: Option<Span>,
}

/// Answers a password with a token. Whether there is such a user shows neither in the answer nor in its time.
pub(super) async fn login(
    State(context): State<Context>,
    from: Option<Extension<Remote>>,
    Json(Login { name, password }): Json<Login>,
) -> Result<Answer<Value>, Problem> {
    let from = from.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Extension(Remote(address))| address.ip());
    let now = context.running.now();
    let logins = || context.auth.logins.lock().unwrap_or_else(PoisonError::into_inner);
    let account = format!("user {name}");
    let begun = logins().begin(&account, from, now);
    begun.map_err(wait_first)?;
    let user = context.store.user(name.clone()).await?;
    let hash = user.as_ref().map_or_else(password::decoy, |user| user.hash.clone());
    let turn = context.auth.hashing.acquire().await;
    let is_right = tokio::task::spawn_blocking(move || password::is_of(&password, &hash)).await?;
    drop(turn);
    let Some(user) = user.filter(|_| is_right) else {
        tracing::warn!("a login as `{}` from {from} failed", name.escape_debug());
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "the name or the password is wrong"));
    };
    logins().succeeded(&account, from);
    let by = Actor::User(user.name.clone());
    make(&context, format!("login from {from}"), Some(user.name), user.role, LOGIN_TTL, by, now).await
}

/// Makes the token worthless that asks for it.
pub(super) async fn logout(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    let Caller::Token { id, .. } = &caller else { return Err(Problem::invalid("the socket needs no login")) };
    context.store.revoke_api_token(id.clone(), caller.actor(), context.running.now()).await?;
    Ok(Answer(json!({ "id": id, "revoked": true })))
}

pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Answer<Value> {
    Answer(json!({ "actor": caller.actor().to_string(), "role": caller.role().word() }))
}

pub(super) async fn create(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let Wanted { label, role, user, ttl } = wanted;
    let role = read_role(&role)?;
    if label.is_empty() || label.len() > LABEL_BYTES_MAX || label.chars().any(char::is_control) {
        return Err(Problem::invalid(format!("label: expected 1 to {LABEL_BYTES_MAX} bytes of text")));
    }
    if role > caller.role() {
        return Err(Problem::invalid(format!("role: expected at most your own, `{}`, found `{role}`", caller.role())));
    }
    let ttl = ttl.map_or(TOKEN_TTL, |ttl| ttl.0);
    if ttl == Duration::ZERO || ttl > TOKEN_TTL_MAX {
        return Err(Problem::invalid(format!("ttl: expected up to `3660d`, found `{ttl}`")));
    }
    make(&context, label, user, role, ttl, caller.actor(), context.running.now()).await
}

pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let tokens = context.store.api_tokens().await?;
    Ok(Answer(json!({ "tokens": tokens.iter().map(|token| view(token, now)).collect::<Vec<_>>() })))
}

pub(super) async fn revoke(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Result<Answer<Value>, Problem> {
    if !context.store.revoke_api_token(id.clone(), caller.actor(), context.running.now()).await? {
        return Err(Problem::not_found("token", &id).help("see `vigocli auth token list`"));
    }
    Ok(Answer(json!({ "id": id, "revoked": true })))
}

/// Makes a token, and answers with its text, this once.
async fn make(
    context: &Context,
    label: String,
    user: Option<String>,
    role: Role,
    ttl: Duration,
    by: Actor,
    now: Timestamp,
) -> Result<Answer<Value>, Problem> {
    let entropy = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|e| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("make a token: {e}")))?;
        Ok::<_, Problem>(Entropy::new(bytes))
    };
    let text = ApiTokenText::new(entropy()?, entropy()?);
    let token = ApiToken {
        id: text.id().into(),
        hash: text.hash(),
        label,
        user,
        role,
        expires_at: Some(now + ttl),
        created_at: now,
        created_by: by.to_string(),
    };
    let mut answer = view(&token, now);
    let user = token.user.clone().unwrap_or_default();
    if !context.store.add_api_token(token, by).await? {
        return Err(Problem::not_found("user", &user).help("see `vigocli users list`"));
    }
    answer["token"] = text.reveal().into();
    Ok(Answer(answer))
}

fn view(token: &ApiToken, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "label": token.label,
        "user": token.user,
        "role": token.role.word(),
        "state": if token.is_good(now) { "good" } else { "expired" },
        "expires_at": time_or_null(token.expires_at),
        "created_at": time(token.created_at),
        "created_by": token.created_by,
    })
}
