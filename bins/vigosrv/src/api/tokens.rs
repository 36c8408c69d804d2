//! Tokens.

use super::extract::{Json, Name};
use super::problem::Problem;
use super::view::time;
use super::{About, Caller, Context};
use crate::agents::quoted_for_powershell;
use crate::config::Span;
use crate::store::{NewToken, Token, make_token};
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::glob::Glob;
use vigo_core::server::TokenText;
use vigo_core::time::{Duration, Timestamp};

/// Machines that one token admits at most.
const USES_MAX: u32 = 100_000;

/// How long a token is good at most: what is forgotten in a script must end some day.
const TTL_MAX: Duration = Duration::from_secs(365 * 86_400);

/// What is said of a token that is to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(rename = "match")]
    match_glob: String,
    ttl: Option<Span>,
    uses: Option<u32>,
    #[serde(default)]
    replace: bool,
    /// The lines that are shown are for machines of another fleet, which they are to leave.
    #[serde(default)]
    leave_fleet: bool,
}

pub(super) async fn create(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let invalid_glob = |e| Problem::invalid(format!("match: {e}")).help("write a glob of hostnames such as `web-*`");
    Glob::parse(&wanted.match_glob).map_err(invalid_glob)?;
    let ttl = wanted.ttl.map_or(context.about.token_ttl, |ttl| ttl.0);
    if ttl == Duration::ZERO || ttl > TTL_MAX {
        return Err(Problem::invalid(format!("ttl: expected up to `365d`, found `{ttl}`")));
    }
    let uses = wanted.uses.unwrap_or(1);
    if uses == 0 || uses > USES_MAX {
        return Err(Problem::invalid(format!("uses: expected 1 to {USES_MAX}, found {uses}")));
    }
    let (text, hash) = tokio::task::spawn_blocking(make_token).await??;
    let now = context.running.now();
    let new = NewToken { match_glob: wanted.match_glob, uses, expires_at: now + ttl, replaces: wanted.replace };
    let token = context.store.add_token(&text, hash, new, caller.actor(), now).await?;
    let mut answer = made(&context, &token, &text, now);
    if wanted.leave_fleet {
        for (line, end) in LINES {
            answer[line] = format!("{}{end} --leave-fleet", answer[line].as_str().unwrap_or_default()).into();
        }
    }
    Ok(Answer(answer))
}

/// The lines that make a machine an envoy, each with what stands before arguments of the agent's at its end.
const LINES: [(&str, &str); 4] =
    [("command", " -s --"), ("command_with_file", " -s --"), ("command_for_windows", ""), ("command_with_agent", "")];

/// Returns a new token as it is shown once, with the lines that make a machine an envoy by it.
pub(super) fn made(context: &Context, token: &Token, text: &TokenText, now: Timestamp) -> Value {
    let mut answer = view(token, now);
    answer["token"] = text.reveal().into();
    let About { https, https_pin, root_key, .. } = &*context.about;
    let ca_sha256 = context.running.keys().authority_fingerprint();
    let fetch = format!("curl --pinnedpubkey {https_pin} -sSfk https://{https}/bootstrap | sudo");
    let token = text.reveal();
    answer["command"] = format!("{fetch} VIGO_TOKEN={token} sh").into();
    answer["command_with_file"] = format!("{fetch} VIGO_TOKEN_FILE=FILE sh").into();
    let fetch = format!("curl.exe --pinnedpubkey {https_pin} -sSfk https://{https}/bootstrap.ps1 | Out-String");
    let set = format!("$env:VIGO_TOKEN={}", quoted_for_powershell(&token));
    answer["command_for_windows"] = format!("{set}; & ([scriptblock]::Create(({fetch})))").into();
    let servers: String = context.running.servers().iter().map(|server| format!(" --server {server}")).collect();
    answer["command_with_agent"] =
        format!("sudo VIGO_TOKEN={token} vigo bootstrap{servers} --root-key {root_key} --ca-sha256 {ca_sha256}").into();
    answer
}

pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let tokens = context.store.tokens().await?;
    Ok(Answer(json!({ "tokens": tokens.iter().map(|token| view(token, now)).collect::<Vec<_>>() })))
}

pub(super) async fn revoke(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Result<Answer<Value>, Problem> {
    if !context.store.revoke_token(id.clone(), caller.actor(), context.running.now()).await? {
        return Err(Problem::not_found("token", &id).help("see `vigocli tokens list`"));
    }
    Ok(Answer(json!({ "id": id, "revoked": true })))
}

fn view(token: &Token, now: Timestamp) -> Value {
    let state = match () {
        () if token.uses_left == 0 => "used up",
        () if token.expires_at <= now => "expired",
        () => "good",
    };
    json!({
        "id": token.id,
        "match": token.match_glob,
        "state": state,
        "uses_left": token.uses_left,
        "expires_at": time(token.expires_at),
        "replace": token.replaces,
        "created_at": time(token.created_at),
        "created_by": token.created_by,
    })
}
