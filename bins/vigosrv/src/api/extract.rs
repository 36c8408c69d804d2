//! What comes with a request; what is wrong with it is a problem, too.

use super::problem::Problem;
use crate::config::Span;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use vigo_core::time::{Duration, Timestamp};

/// A JSON body. None at all is an empty object.
pub(super) struct Json<T>(pub(super) T);

/// A JSON body with a secret in it: what is wrong with it is said without a word of it.
pub(super) struct SecretJson<T>(pub(super) T);

/// The part of the path that names something.
pub(super) struct Name(pub(super) String);

/// What stands behind the question mark.
pub(super) struct Params<T>(pub(super) T);

/// How long lasts at most what ends by itself.
const LASTS_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Returns when something ends by itself that is to last until a time, or for a while; none where neither is said.
pub(super) fn end(until: Option<&str>, span: Option<Span>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let until = match (until, span) {
        (Some(_), Some(_)) => return Err(Problem::invalid("expected `until` or `for`, found both")),
        (None, None) => return Ok(None),
        (None, Some(span)) => now + span.0,
        (Some(text), None) => later(text, now)?,
    };
    if until <= now || until.since(now) > LASTS_MAX {
        let latest = now + LASTS_MAX;
        return Err(Problem::invalid(format!("expected an end between {now} and {latest}, found {until}")));
    }
    Ok(Some(until))
}

/// Reads a time that is to come.
pub(super) fn later(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let time = text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp::from_epoch_ms(time.as_millisecond()));
    let expected = "until: expected a time to come such as `2027-01-31T12:00:00Z`";
    time.filter(|time| *time > now)
        .ok_or_else(|| Problem::invalid(format!("{expected}, found `{}`", text.escape_debug())))
}

/// Returns how many there may be on a page.
pub(super) fn limit(wanted: Option<u32>, default: u32, max: u32) -> Result<u32, Problem> {
    match wanted.unwrap_or(default) {
        number @ 1.. if number <= max => Ok(number),
        number => Err(Problem::invalid(format!("limit: expected 1 to {max}, found {number}"))),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for SecretJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await.map_err(|e| Problem::invalid(e.body_text()))?;
        serde_json::from_slice(&body).map(Self).map_err(|e| {
            let at = format!("line {} column {}", e.line(), e.column());
            let detail = format!("the body: expected an object such as `{{\"value\": \"…\"}}`, found other at {at}");
            Problem::invalid(detail)
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await.map_err(|e| Problem::invalid(e.body_text()))?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map(Self).map_err(|e| Problem::invalid(format!("the body: {e}")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|e| Problem::invalid(e.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Query::<T>::from_request_parts(parts, state).await;
        params.map(|Query(params)| Self(params)).map_err(|e| Problem::invalid(e.body_text()))
    }
}
