//! The patterns that admit a name without a token.

use super::extract::{Json, Name, later};
use super::problem::Problem;
use super::view::{time, time_or_null};
use super::{Caller, Context};
use crate::store::TrustedPattern;
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::glob::Glob;
use vigo_core::server::{Network, NetworkError};
use vigo_core::time::Timestamp;

/// What is said of a pattern that is to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(rename = "match")]
    match_glob: String,
    from: String,
    until: Option<String>,
}

pub(super) async fn add(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let invalid_glob = |e| Problem::invalid(format!("match: {e}")).help("write a glob of hostnames such as `web-*`");
    Glob::parse(&wanted.match_glob).map_err(invalid_glob)?;
    let network = |e: NetworkError| Problem::invalid(format!("from: {e}, found `{}`", wanted.from.escape_debug()));
    let _: Network = wanted.from.parse().map_err(network)?;
    let now = context.running.now();
    let until = wanted.until.as_deref().map(|text| later(text, now)).transpose()?;
    let (by, created_by) = (caller.actor(), caller.actor().to_string());
    let Wanted { match_glob, from: source, .. } = wanted;
    let id = context.store.add_trusted(match_glob.clone(), source.clone(), until, by, now).await?;
    Ok(Answer(view(&TrustedPattern { id, match_glob, source, until, created_at: now, created_by }, now)))
}

/// Those of the database. The ones in `server.yaml` stand there.
pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let patterns = context.store.trusted().await?;
    Ok(Answer(json!({ "trusted": patterns.iter().map(|pattern| view(pattern, now)).collect::<Vec<_>>() })))
}

pub(super) async fn remove(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    let id = name.parse().map_err(|_| Problem::invalid("expected the number of a trusted pattern"))?;
    if !context.store.remove_trusted(id, caller.actor(), context.running.now()).await? {
        let help = "see `vigocli trusted list`; those of server.yaml are removed there";
        return Err(Problem::not_found("trusted pattern", &name).help(help));
    }
    Ok(Answer(json!({ "id": id, "removed": true })))
}

fn view(pattern: &TrustedPattern, now: Timestamp) -> Value {
    json!({
        "id": pattern.id,
        "match": pattern.match_glob,
        "from": pattern.source,
        "state": if pattern.until.is_some_and(|until| until <= now) { "expired" } else { "good" },
        "until": time_or_null(pattern.until),
        "created_at": time(pattern.created_at),
        "created_by": pattern.created_by,
    })
}
