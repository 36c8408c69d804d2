//! The envoys.

use super::extract::{Json, Name, Params, limit};
use super::problem::Problem;
use super::view::{counts, time, time_or_null};
use super::{Caller, Context, tokens};
use crate::store::{Entry, Envoy, NewToken, Renamed, Status as Run, make_token};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::bundle::Maintenance;
use vigo_core::diagnostic::nearest;
use vigo_core::fleet::{self, Drift, Reach, Shown, Status};
use vigo_core::glob::Glob;
use vigo_core::hex;
use vigo_core::id::EnvoyId;
use vigo_core::resolve::hostname;
use vigo_core::server::Waits;
use vigo_core::time::Timestamp;

/// Envoys of one page.
const PAGE_MAX: u32 = 1000;

/// The status of those that were thrown out.
const REVOKED: &str = "revoked";

/// Which envoys are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// A glob of hostnames.
    #[serde(rename = "match")]
    match_glob: Option<String>,
    /// A word of status.
    status: Option<String>,
    /// Revoked ones, too.
    #[serde(default)]
    revoked: bool,
    /// Only those that were adopted, and that nobody has looked at.
    #[serde(default)]
    adopted: bool,
    /// Those behind this id: where the page before ended.
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(context): State<Context>,
    Params(wanted): Params<Wanted>,
) -> Result<Answer<Value>, Problem> {
    if let Some(word) = &wanted.status {
        known(word)?;
    }
    let limit = limit(wanted.limit, PAGE_MAX, PAGE_MAX)? as usize;
    let glob = wanted.match_glob.as_deref().map(Glob::parse).transpose();
    let glob = glob.map_err(|e| Problem::invalid(format!("match: {e}")))?;
    let now = context.running.now();
    let mut envoys = context.store.envoys().await?;
    envoys.retain(|envoy| {
        (wanted.revoked || envoy.revoked_at.is_none())
            && (!wanted.adopted || envoy.adopted_at.is_some())
            && glob.as_ref().is_none_or(|g| g.matches(&envoy.hostname))
    });
    if let Some(after) = &wanted.after {
        let id = after.parse().map_err(|e| Problem::invalid(format!("after: {e}")))?;
        let known = envoys.iter().position(|envoy| envoy.id == id);
        let known = known.ok_or_else(|| Problem::not_found("envoy", after).help("begin again at the first page"))?;
        envoys.drain(..=known);
    }
    let mut views = Vec::new();
    let mut next = Value::Null;
    for envoy in &envoys {
        let view = view(envoy, context.running.envoy(envoy.id).as_ref(), now);
        if wanted.status.as_ref().is_some_and(|status| view["status"] != status.as_str()) {
            continue;
        }
        if views.len() == limit {
            next = views.last().map_or(Value::Null, |last: &Value| last["id"].clone());
            break;
        }
        views.push(view);
    }
    Ok(Answer(json!({ "envoys": views, "next": next })))
}

pub(super) async fn show(State(context): State<Context>, Name(name): Name) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    let mut answer = view(&envoy, context.running.envoy(envoy.id).as_ref(), context.running.now());
    if let Some(traits) = context.store.traits(envoy.id).await? {
        answer["traits_digest"] = hex::encode(traits.digest).into();
        answer["traits"] = serde_json::from_str(&traits.json).unwrap_or(Value::Null);
    }
    Ok(Answer(answer))
}

pub(super) async fn revoke(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    // The memory follows even when whoever asked is gone by then.
    let revoking = tokio::spawn(async move {
        let now = context.running.now();
        let revoked = context.store.revoke(envoy.id, caller.actor(), now).await?;
        context.running.revoked(envoy.id);
        Ok::<_, Problem>(revoked.map(|envoy| view(&envoy, context.running.envoy(envoy.id).as_ref(), now)))
    });
    revoking.await??.map(Answer).ok_or_else(|| Problem::not_found("envoy", &name))
}

/// What an envoy is to be called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewName {
    hostname: String,
}

pub(super) async fn rename(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Json(wanted): Json<NewName>,
) -> Result<Answer<Value>, Problem> {
    let hostname = hostname(&wanted.hostname);
    let hostname = hostname.map_err(|e| Problem::invalid(format!("`{}`: {e}", wanted.hostname.escape_debug())))?;
    let envoy = find(&context, &name).await?;
    let renaming = tokio::spawn(async move {
        let now = context.running.now();
        match context.store.rename(envoy.id, hostname.clone(), caller.actor(), now).await? {
            Renamed::Done(envoy) => {
                context.running.renamed(envoy.id, &hostname);
                Ok(Answer(view(&envoy, context.running.envoy(envoy.id).as_ref(), now)))
            }
            Renamed::Unknown => Err(Problem::not_found("envoy that is not revoked", &name)),
            Renamed::Taken(holder) => {
                let detail = format!("`{hostname}` is the name of envoy {holder}");
                Err(Problem::new(StatusCode::CONFLICT, "taken", detail).help("rename or revoke that one first"))
            }
        }
    });
    renaming.await?
}

pub(super) async fn remove(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    let deleting = tokio::spawn(async move {
        let deleted = context.store.delete(envoy.id, caller.actor(), context.running.now()).await?;
        context.running.revoked(envoy.id);
        Ok::<_, Problem>(deleted)
    });
    let deleted = deleting.await??.ok_or_else(|| Problem::not_found("envoy", &name))?;
    Ok(Answer(json!({ "id": deleted.id.to_string(), "hostname": deleted.hostname, "deleted": true })))
}

/// What is to become of an envoy that seems to run twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rebootstrap {
    /// It does not: take the mark from it.
    #[serde(default)]
    dismiss: bool,
}

pub(super) async fn rebootstrap(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Json(wanted): Json<Rebootstrap>,
) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    let doing = tokio::spawn(async move {
        let now = context.running.now();
        if wanted.dismiss {
            let dismissed = context.store.dismiss_clone(envoy.id, caller.actor(), now).await?;
            let Some(envoy) = dismissed else {
                let detail = format!("envoy `{}` is not marked as `cloned?`", name.escape_debug());
                return Err(Problem::new(StatusCode::CONFLICT, "not_cloned", detail));
            };
            context.running.dismissed_clone(envoy.id);
            return Ok(Answer(view(&envoy, context.running.envoy(envoy.id).as_ref(), now)));
        }
        let (text, hash) = tokio::task::spawn_blocking(make_token).await??;
        let expires_at = now + context.about.token_ttl;
        let new = NewToken { match_glob: envoy.hostname.clone(), uses: 1, expires_at, replaces: false };
        let done = context.store.rebootstrap(envoy.id, (&text, hash), new, caller.actor(), now).await?;
        let Some((envoy, token)) = done else { return Err(Problem::not_found("envoy that is not revoked", &name)) };
        context.running.revoked(envoy.id);
        let mut answer = view(&envoy, context.running.envoy(envoy.id).as_ref(), now);
        answer["token"] = tokens::made(&context, &token, &text, now);
        Ok(Answer(answer))
    });
    doing.await?
}

pub(super) async fn waiting(State(context): State<Context>) -> Answer<Value> {
    let waiting = context.running.waiting();
    Answer(json!({ "waiting": waiting.iter().map(waits).collect::<Vec<_>>() }))
}

/// Who of those that wait is to be let in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admit {
    all: bool,
}

pub(super) async fn admit(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(Admit { all }): Json<Admit>,
) -> Result<Answer<Value>, Problem> {
    if !all {
        return Err(Problem::invalid("all: expected `true`, found `false`").help("there is no other choice"));
    }
    let admitting = tokio::spawn(async move {
        let (now, actor) = (context.running.now(), caller.actor());
        let count = context.running.waiting().len();
        let detail = format!("{count} machines that wait are let in, each with its next check-in");
        let entry = Entry { actor: actor.clone(), action: "envoys.rebootstrap-all", subject: String::new(), detail };
        // None is let in of whom the audit does not tell.
        context.store.audit(entry, now).await?;
        let admitted = context.running.admit_waiting(&actor.to_string());
        Ok::<_, Problem>(json!({ "admitted": admitted.iter().map(waits).collect::<Vec<_>>() }))
    });
    Ok(Answer(admitting.await??))
}

/// Shows a machine that waits.
fn waits(waits: &Waits) -> Value {
    json!({
        "id": waits.adoption.id.to_string(),
        "hostname": waits.adoption.hostname,
        "remote": waits.remote.to_string(),
        "since": time(waits.since),
        "last_heard": time(waits.heard),
        "admitted_by": waits.admitted.as_ref().map(|(by, _)| by),
    })
}

/// Refuses a word that no envoy has as its status.
fn known(word: &str) -> Result<(), Problem> {
    if Status::WORDS.contains(&word) || word == REVOKED {
        return Ok(());
    }
    let words = || Status::WORDS.into_iter().chain([REVOKED]);
    let help = match nearest(word, words()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("it is one of: {}", words().collect::<Vec<_>>().join(", ")),
    };
    Err(Problem::invalid(format!("status: no envoy is `{}`", word.escape_debug())).help(help))
}

/// Returns the envoy of an id or of a hostname.
pub(super) async fn find(context: &Context, name: &str) -> Result<Envoy, Problem> {
    let found = match name.parse::<EnvoyId>() {
        Ok(id) => context.store.envoy(id).await?,
        Err(_) => context.store.envoy_named(name.to_ascii_lowercase()).await?,
    };
    found.ok_or_else(|| Problem::not_found("envoy", name).help("see `vigocli envoys list`"))
}

/// Returns an envoy: what is stored, and the last contact as the memory has it.
pub(super) fn view(envoy: &Envoy, live: Option<&fleet::Envoy>, now: Timestamp) -> Value {
    let status = live.map(|live| Status::of(live, now));
    let word = match (envoy.revoked_at, &status) {
        (Some(_), _) => REVOKED.into(),
        (None, Some(status)) => status.to_string(),
        (None, None) => "no data".into(),
    };
    let cloned = live.map_or(envoy.cloned, |live| live.cloned).filter(|_| envoy.revoked_at.is_none());
    let last_seen = live.map_or(envoy.seen.last_seen, |live| live.last_seen.max(envoy.seen.last_seen));
    json!({
        "id": envoy.id.to_string(),
        "hostname": envoy.hostname,
        "status": word,
        "health": status.and_then(|s| s.health).map(fleet::Health::word),
        "drift": status.map(|s| match s.drift {
            Drift::None => "none",
            Drift::Changed => "changed",
            Drift::Relapsed => "relapsed",
            Drift::Diverged => "diverged",
        }),
        "reach": status.map(|s| match s.reach {
            Reach::Online => "online",
            Reach::Stale => "stale",
            Reach::Offline => "offline",
        }),
        "last_seen": time(last_seen),
        "remote": envoy.seen.remote,
        "agent_version": envoy.seen.agent_version,
        "queued": envoy.seen.queued,
        "enrolled_at": time(envoy.enrolled_at),
        "revoked_at": time_or_null(envoy.revoked_at),
        "adopted_at": time_or_null(envoy.adopted_at),
        "observes": envoy.observes,
        "maintenance": match envoy.maintenance.at(now) {
            Maintenance::No => Value::Null,
            maintenance => json!({ "until": time_or_null(maintenance.end()) }),
        },
        "told": live.is_some_and(|live| live.shown != Shown::Other),
        "cloned": cloned.map(|cloned| json!({ "from": cloned.from, "at": time(cloned.at) })),
        "reports_doubled": envoy.reports_doubled,
        "last_run": envoy.status.as_ref().map(run),
    })
}

fn run(run: &Run) -> Value {
    json!({
        "outcome": run.outcome,
        "counts": counts(&run.counts),
        "changed_in_a_row": run.changed_in_a_row,
        "observed": run.observed,
        "ended_at": time(run.ended_at),
        "bundle": run.bundle_digest.map(hex::encode),
        "error": run.error,
    })
}
