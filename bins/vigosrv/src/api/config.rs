//! What is published: how far it has come, in what it differs, and the freeze.

use super::extract::{Json, Params, end};
use super::problem::Problem;
use super::view::{time, time_or_null};
use super::{Caller, Context};
use crate::config::{Span, annotated};
use crate::publish::{PublishError, Published, Publisher, diff as differ};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::server::Freeze;
use vigo_core::time::Timestamp;
use vigo_driver::{diagnostics_json, differences_json};

/// Names and files that are shown of many.
const SHOWN_MAX: usize = 20;

/// Bytes of a reason.
const REASON_BYTES_MAX: usize = 500;

/// What is wanted of a freeze.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// When it ends by itself.
    until: Option<String>,
    /// After how long it ends by itself.
    #[serde(rename = "for")]
    span: Option<Span>,
    #[serde(default)]
    reason: String,
}

/// Two publishes. Without the first it is what is published; without the second what is in `stacks/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    from: Option<u64>,
    to: Option<u64>,
}

pub(super) async fn freeze(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    if wanted.reason.len() > REASON_BYTES_MAX {
        let found = wanted.reason.len();
        return Err(Problem::invalid(format!("reason: expected at most {REASON_BYTES_MAX} bytes, found {found}")));
    }
    let freezing = tokio::spawn(async move {
        // A publish that is under way ends first: after the answer there is none.
        let _publisher = context.publisher.lock().await;
        let now = context.running.now();
        let until = end(wanted.until.as_deref(), wanted.span, now)?;
        let (freeze, before) = context.store.set_freeze(until, wanted.reason, caller.actor(), now).await?;
        let mut answer = frozen(&freeze);
        answer["instead_of"] = before.filter(|before| before.holds(now)).map_or(Value::Null, |before| frozen(&before));
        Ok::<_, Problem>(Answer(answer))
    });
    freezing.await?
}

pub(super) async fn unfreeze(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    let ended = context.store.unfreeze(caller.actor(), context.running.now()).await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, "not-found", "publishing is not frozen");
    ended.map(|freeze| Answer(frozen(&freeze))).ok_or_else(none)
}

/// Refuses what would publish while that is frozen.
pub(super) async fn refuse_frozen(context: &Context, now: Timestamp) -> Result<(), Problem> {
    match context.store.freeze().await?.filter(|freeze| freeze.holds(now)) {
        None => Ok(()),
        Some(freeze) => {
            let problem = Problem::new(StatusCode::CONFLICT, "frozen", format!("publishing is {freeze}"));
            Err(problem.help("wait, or end it with `vigocli config unfreeze`"))
        }
    }
}

pub(super) async fn status(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let freeze = context.store.freeze().await?.filter(|freeze| freeze.holds(now));
    let publisher = context.publisher.clone().lock_owned().await;
    let looking = tokio::task::spawn_blocking(move || {
        let live = publisher.live().and_then(|id| publisher.history().ok()?.into_iter().find(|record| record.id == id));
        (live, publisher.edited())
    });
    let (live, edited) = looking.await?;
    let (mut have_it, mut not_yet) = (0_u64, Vec::new());
    for envoy in context.store.envoys().await?.into_iter().filter(|envoy| envoy.revoked_at.is_none()) {
        if live.is_some() && context.running.is_current(envoy.id) { have_it += 1 } else { not_yet.push(envoy.hostname) }
    }
    let publish = live.map(|record| {
        json!({
            "id": record.id,
            "author": record.author,
            "at": time(record.at),
            "age_seconds": now.since(record.at).as_secs(),
            "restores": record.restores,
            "classes": record.classes.len(),
        })
    });
    let edited = match edited {
        Ok(files) => json!({ "differs": !files.is_empty(), "count": files.len(), "files": shown(&files) }),
        Err(error) => json!({ "differs": Value::Null, "error": error.to_string() }),
    };
    Ok(Answer(json!({
        "publish": publish,
        "serial": context.running.serial(),
        "envoys": { "have_it": have_it, "not_yet": { "count": not_yet.len(), "hostnames": shown(&not_yet) } },
        "freeze": freeze.as_ref().map(frozen),
        "stacks": edited,
    })))
}

pub(super) async fn diff(
    State(context): State<Context>,
    Params(between): Params<Between>,
) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let publisher = context.publisher.clone().lock_owned().await;
    let comparing = tokio::task::spawn_blocking(move || {
        let (before, after, warnings) = both(&publisher, &between, now)?;
        drop(publisher);
        let found = differ(before.as_ref(), &after).map_err(unreadable)?;
        Ok::<_, Problem>((between, before, after, warnings, found))
    });
    let (between, before, after, warnings, found) = comparing.await??;
    let envoys = context.store.envoys().await?;
    let policy = |of: &Published, name: &str| {
        of.class_of(name).map(|class| (class.digest, class.environment.clone(), class.observe_only))
    };
    let concerned = envoys.iter().filter(|envoy| envoy.revoked_at.is_none()).filter(|envoy| {
        let before = before.as_ref().and_then(|before| policy(before, &envoy.hostname));
        before != policy(&after, &envoy.hostname)
    });
    let concerned: Vec<_> = concerned.map(|envoy| envoy.hostname.clone()).collect();
    let mut answer = json!({
        "from": before.as_ref().map(|before| before.id),
        "to": between.to.map_or_else(|| Value::from("stacks"), Value::from),
    });
    if let (Value::Object(answer), Value::Object(found)) = (&mut answer, differences_json(&found)) {
        answer.extend(found);
    }
    answer["envoys"] = json!({ "count": concerned.len(), "hostnames": shown(&concerned) });
    answer["warnings"] = warnings.into();
    Ok(Answer(answer))
}

/// The configuration of the server with all that goes without saying.
pub(super) async fn server_yaml() -> Answer<Value> {
    Answer(json!({ "text": annotated() }))
}

/// Returns what is compared, and what is doubtful in `stacks/` where that is one of the two.
fn both(
    publisher: &Publisher,
    between: &Between,
    now: Timestamp,
) -> Result<(Option<Published>, Published, Vec<Value>), PublishError> {
    let before = between.from.or_else(|| publisher.live()).map(|id| publisher.read(id)).transpose()?;
    if let Some(to) = between.to {
        return Ok((before, publisher.read(to)?, Vec::new()));
    }
    let draft = publisher.draft("", now)?;
    Ok((before, draft.published, diagnostics_json(&draft.warnings, draft.sources.map())))
}

fn unreadable(error: vigo_core::bundle::BundleError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store", format!("a bundle cannot be read: {error}"))
}

fn frozen(freeze: &Freeze) -> Value {
    json!({ "by": freeze.by, "at": time(freeze.at), "until": time_or_null(freeze.until), "reason": freeze.reason })
}

fn shown(names: &[String]) -> &[String] {
    names.get(..SHOWN_MAX).unwrap_or(names)
}
