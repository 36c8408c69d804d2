//! Which path is what.

use super::problem::Problem;
use super::{
    Context, agents, audit, config, envoys, health, keys, publishes, push, runs, secrets, status, tokens, traits,
    trusted,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::routing::{delete, get, post};

/// Bytes of a request's body: nothing that is asked here is long.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Returns what the local administrator may ask: everything. Each request carries a [`Caller`](super::Caller).
pub fn local(context: Context) -> Router {
    let paths = Router::new()
        .route("/api/v1/agents", get(agents::list).post(agents::add))
        .route("/api/v1/agents/{target}", delete(agents::remove))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/api/v1/tokens/{id}", delete(tokens::revoke))
        .route("/api/v1/envoys", get(envoys::list))
        .route("/api/v1/envoys/{id}", get(envoys::show).delete(envoys::remove))
        .route("/api/v1/envoys/{id}/rename", post(envoys::rename))
        .route("/api/v1/envoys/{id}/traits", get(traits::show))
        .route("/api/v1/traits", get(traits::query))
        .route("/api/v1/trusted", get(trusted::list).post(trusted::add))
        .route("/api/v1/trusted/{id}", delete(trusted::remove))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/audit/verify", get(audit::verify))
        .route("/api/v1/config/freeze", post(config::freeze).delete(config::unfreeze))
        .route("/api/v1/config/status", get(config::status))
        .route("/api/v1/config/diff", get(config::diff))
        .route("/api/v1/config/server-yaml", get(config::server_yaml))
        .route("/api/v1/envoys/{id}/revoke", post(envoys::revoke))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/runs/{id}", get(runs::show))
        .route("/api/v1/push", post(push::push))
        .route("/api/v1/pushes/{id}", get(push::show))
        .route("/api/v1/publish", post(publishes::publish))
        .route("/api/v1/publishes", get(publishes::list))
        .route("/api/v1/rollback", post(publishes::rollback))
        .route("/api/v1/secrets", get(secrets::list))
        .route(
            "/api/v1/secrets/{path}",
            get(secrets::show)
                .put(secrets::set)
                .delete(secrets::delete)
                .layer(DefaultBodyLimit::max(secrets::BODY_BYTES_MAX)),
        )
        .route("/api/v1/secrets/{path}/reveal", post(secrets::reveal))
        .route("/api/v1/vault/init", post(secrets::init))
        .route("/api/v1/vault/rekey", post(secrets::rekey))
        .route("/api/v1/vault/verify", post(secrets::verify))
        .route("/api/v1/keys", get(keys::show))
        .route("/api/v1/keys/rotate", post(keys::rotate))
        .route("/api/v1/keys/root/export", post(keys::export_root))
        .route("/api/v1/keys/root/remove", post(keys::remove_root))
        .route("/api/v1/status", get(status::status));
    finish(open().merge(paths), context)
}

/// Returns what anybody may ask.
pub fn public(context: Context) -> Router {
    finish(open(), context)
}

fn open() -> Router<Context> {
    Router::new()
        .route("/api/v1/health", get(health::health))
        .route("/api/v1/ready", get(health::ready))
        .route("/bootstrap", get(agents::bootstrap))
        .route("/bootstrap/binary/{target}", get(agents::binary))
}

fn finish(router: Router<Context>, context: Context) -> Router {
    let wrong_method =
        || async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "the path has no such method") };
    router
        .fallback(|uri: Uri| async move { Problem::not_found("path", uri.path()) })
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(context)
}
