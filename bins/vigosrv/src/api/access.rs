//! Who may ask what.

use super::problem::Problem;
use super::{Caller, Context, Remote};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::PoisonError;
use vigo_core::server::{ApiTokenText, Permission};
use vigo_core::time::Timestamp;

/// Has a handler answer those who may.
pub(super) fn admit(handler: MethodRouter<Context>, needs: Permission) -> MethodRouter<Context> {
    handler.route_layer(from_fn(move |request: Request, next: Next| async move {
        match request.extensions().get::<Caller>() {
            Some(caller) if caller.may(needs) => next.run(request).await,
            Some(caller) => forbidden(caller, needs).into_response(),
            None => unknown().into_response(),
        }
    }))
}

/// Has a handler answer everybody.
pub(super) const fn open(handler: MethodRouter<Context>) -> MethodRouter<Context> {
    handler
}

/// Finds out who asks over HTTPS. A token that is none is a guess: whoever guesses waits ever longer.
pub(super) async fn identify(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let Some(text) = bearer(request.headers()) else { return next.run(request).await };
    let from = request.extensions().get::<Remote>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |from| from.0.ip());
    let now = context.running.now();
    let logins = || context.auth.logins.lock().unwrap_or_else(PoisonError::into_inner);
    // Of the text only the id is counted: what is wrong with the rest is guessed.
    let token = ApiTokenText::parse(text);
    let account = format!("token {}", token.as_ref().map_or("", ApiTokenText::id));
    let begun = logins().begin(&account, from, now);
    if let Err(wait) = begun {
        return wait_first(wait).into_response();
    }
    let caller = match token {
        Some(token) => caller(&context, &token, now).await,
        None => Ok(None),
    };
    match caller {
        Ok(Some(caller)) => {
            logins().succeeded(&account, from);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => {
            tracing::warn!("somebody at {from} showed a token that is good for nothing");
            unknown().into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(context: &Context, text: &ApiTokenText, now: Timestamp) -> Result<Option<Caller>, Problem> {
    let token = context.store.api_token(text.id().into()).await?;
    // Hashes are compared, not secrets: how far two agree says nothing of what was hashed.
    let token = token.filter(|token| token.hash == text.hash() && token.is_good(now));
    Ok(token.map(|token| Caller::Token { id: token.id, user: token.user, role: token.role }))
}

/// Refuses an attempt that came too early.
pub(super) fn wait_first(wait: vigo_core::time::Duration) -> Problem {
    let seconds = wait.as_ms().div_ceil(1000);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "wait", format!("too many attempts; the next counts in {seconds} s"))
}

fn unknown() -> Problem {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "this needs a token that is good");
    problem.help("log in with `vigocli login https://SERVER:8443`, or give a token with `--token`")
}

fn forbidden(caller: &Caller, needs: Permission) -> Problem {
    let (role, least) = (caller.role(), needs.needs());
    let detail = format!("this needs the permission `{}`, which role `{role}` does not have", needs.word());
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).help(format!("ask somebody with role `{least}`"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
