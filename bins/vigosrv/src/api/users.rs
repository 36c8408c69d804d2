//! The people who may ask the server something from elsewhere.

use super::extract::{Json, Name};
use super::password::{self, PasswordError};
use super::problem::Problem;
use super::view::time;
use super::{Caller, Context};
use crate::store::User;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::server::{Role, RoleError};

/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;

/// A user who is to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    name: String,
    role: String,
    password: String,
}

/// Another password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    password: String,
}

/// Another role.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: String,
}

pub(super) async fn add(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let Wanted { name, role, password } = wanted;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_name) {
        let expected = "expected up to 64 small letters, digits, `-`, `_`, `.` and `@`";
        return Err(Problem::invalid(format!("name: {expected}, found `{}`", name.escape_debug())));
    }
    let role = read_role(&role)?;
    let hash = hash(&context, password).await?;
    let now = context.running.now();
    if !context.store.add_user(name.clone(), hash, role, caller.actor(), now).await? {
        let problem = Problem::new(StatusCode::CONFLICT, "taken", format!("there is a user `{name}`"));
        return Err(problem.help("give that one another password or role"));
    }
    Ok(Answer(json!({ "name": name, "role": role.word() })))
}

pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let users = context.store.users().await?;
    Ok(Answer(json!({ "users": users.iter().map(view).collect::<Vec<_>>() })))
}

pub(super) async fn set_password(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Json(wanted): Json<NewPassword>,
) -> Result<Answer<Value>, Problem> {
    let hash = hash(&context, wanted.password).await?;
    let done = context.store.set_password(name.clone(), hash, caller.actor(), context.running.now()).await?;
    answer(done, &name)
}

pub(super) async fn set_role(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Json(wanted): Json<NewRole>,
) -> Result<Answer<Value>, Problem> {
    let role = read_role(&wanted.role)?;
    let done = context.store.set_role(name.clone(), role, caller.actor(), context.running.now()).await?;
    answer(done, &name)
}

pub(super) async fn remove(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    let done = context.store.remove_user(name.clone(), caller.actor(), context.running.now()).await?;
    answer(done, &name)
}

/// Reads a role.
pub(super) fn read_role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|error: RoleError| Problem::invalid(format!("role: {error}")))
}

async fn hash(context: &Context, password: String) -> Result<String, Problem> {
    let _turn = context.auth.hashing.acquire().await;
    let hashed = tokio::task::spawn_blocking(move || password::hash(&password)).await?;
    hashed.map_err(|error| match error {
        PasswordError::Length { .. } => Problem::invalid(format!("password: {error}")),
        PasswordError::System(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()),
    })
}

fn answer(done: bool, name: &str) -> Result<Answer<Value>, Problem> {
    match done {
        true => Ok(Answer(json!({ "name": name }))),
        false => Err(Problem::not_found("user", name).help("see `vigocli users list`")),
    }
}

fn view(user: &User) -> Value {
    json!({
        "name": user.name,
        "role": user.role.word(),
        "created_at": time(user.created_at),
        "created_by": user.created_by,
    })
}
