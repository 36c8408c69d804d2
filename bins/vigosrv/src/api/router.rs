//! Which path is what.

use super::access::identify;
use super::endpoints::Endpoints;
use super::endpoints::Verb::{Delete, Get, Post, Put};
use super::problem::Problem;
use super::{
    Context, agents, audit, auth, backups, config, doctor, envoys, health, keys, maintenance, metrics, publishes, push,
    restored, runs, secrets, status, tokens, traits, trusted, users,
};
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json as Answer, Router};
use vigo_core::server::Permission::{
    ManageBackups, ManageEnvoys, ManageKeys, ManageSecrets, ManageUsers, OperateEnvoys, OwnAccount, Publish, ReadFleet,
    ReadPolicy, ReadServer,
};

/// Bytes of a request's body: nothing that is asked here is long.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Returns what the local administrator may ask: everything. Each request carries a [`Caller`](super::Caller).
pub fn local(context: Context) -> Router {
    finish().with_state(context)
}

/// Returns what may be asked from elsewhere: each what the token that it shows may.
pub fn public(context: Context) -> Router {
    let is_open = context.about.metrics_public;
    let router = finish().layer(from_fn_with_state(context.clone(), identify)).with_state(context.clone());
    match is_open {
        true => Router::new().route("/metrics", get(metrics::metrics)).with_state(context).fallback_service(router),
        false => router,
    }
}

/// Returns all endpoints. Each names one permission.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::default()
        .open(Get, "/api/v1/health", "Whether the server lives", health::health)
        .open(Get, "/api/v1/ready", "Whether the server is ready, and why not", health::ready)
        .open(Get, "/bootstrap", "The script that makes a machine an envoy", agents::bootstrap)
        .open(Get, "/bootstrap.ps1", "The script that makes a machine with Windows an envoy", agents::bootstrap_windows)
        .open(Get, "/bootstrap/binary/{target}", "The agent's program for a kind of machine", agents::binary)
        .open(Post, "/api/v1/login", "Exchange a password for a token", auth::login)
        .at(Post, "/api/v1/logout", OwnAccount, "Make the token worthless that asks", auth::logout)
        .at(Get, "/api/v1/whoami", OwnAccount, "Show who asks", auth::whoami)
        .at(Get, "/api/v1/status", ReadFleet, "How server and fleet are", status::status)
        .at(Get, "/api/v1/doctor", ReadServer, "What ails the server, and what to do about it", doctor::doctor)
        .at(Get, "/api/v1/restored", ReadServer, "When the database was put back, and what is lost", restored::show)
        .at(Post, "/api/v1/restored/reviewed", ManageUsers, "It was looked at", restored::reviewed)
        .at(Get, "/api/v1/envoys", ReadFleet, "List envoys", envoys::list)
        .at(Get, "/api/v1/envoys/waiting", ReadFleet, "List machines that wait to be let in", envoys::waiting)
        .at(Post, "/api/v1/envoys/waiting", ManageEnvoys, "Let the machines in that wait", envoys::admit)
        .at(Get, "/api/v1/envoys/{id}", ReadFleet, "Show an envoy, by id or hostname", envoys::show)
        .at(Delete, "/api/v1/envoys/{id}", ManageEnvoys, "Throw an envoy out and forget it", envoys::remove)
        .at(
            Post,
            "/api/v1/envoys/{id}/rebootstrap",
            ManageEnvoys,
            "Void an identity that two machines have",
            envoys::rebootstrap,
        )
        .at(Post, "/api/v1/envoys/{id}/rename", ManageEnvoys, "Give an envoy another name", envoys::rename)
        .at(Post, "/api/v1/envoys/{id}/revoke", ManageEnvoys, "Throw an envoy out", envoys::revoke)
        .at(Post, "/api/v1/envoys/{id}/maintenance", OperateEnvoys, "Have an envoy apply nothing", maintenance::begin)
        .at(
            Delete,
            "/api/v1/envoys/{id}/maintenance",
            OperateEnvoys,
            "Have it apply its policy again",
            maintenance::over,
        )
        .at(
            Post,
            "/api/v1/envoys/{id}/observe",
            OperateEnvoys,
            "Have an envoy report and change nothing",
            maintenance::observe,
        )
        .at(Delete, "/api/v1/envoys/{id}/observe", OperateEnvoys, "Have it make changes again", maintenance::change)
        .at(Get, "/api/v1/envoys/{id}/traits", ReadFleet, "Show an envoy's traits", traits::show)
        .at(Get, "/api/v1/envoys/{id}/traits/history", ReadFleet, "What an envoy's traits were before", traits::history)
        .at(Get, "/api/v1/traits", ReadFleet, "List the envoys whose traits fit a question", traits::query)
        .at(Get, "/api/v1/runs", ReadFleet, "List runs, the newest first", runs::list)
        .at(Get, "/api/v1/runs/{id}", ReadFleet, "Show a run", runs::show)
        .at(Post, "/api/v1/push", OperateEnvoys, "Have envoys converge now", push::push)
        .at(Get, "/api/v1/pushes/{id}", ReadFleet, "What came of it", push::show)
        .at(Post, "/api/v1/publish", Publish, "Publish the stacks", publishes::publish)
        .at(Post, "/api/v1/rollback", Publish, "Publish once more what a publish was", publishes::rollback)
        .at(Get, "/api/v1/publishes", ReadPolicy, "List what was published, the newest first", publishes::list)
        .at(Get, "/api/v1/config/status", ReadPolicy, "How far what is published has come", config::status)
        .at(Get, "/api/v1/config/diff", ReadPolicy, "In what two publishes differ", config::diff)
        .at(Get, "/api/v1/config/server-yaml", ReadPolicy, "The configuration, explained", config::server_yaml)
        .at(Post, "/api/v1/config/freeze", Publish, "Refuse to publish for a while", config::freeze)
        .at(Delete, "/api/v1/config/freeze", Publish, "End a freeze", config::unfreeze)
        .at(Get, "/api/v1/agents", ReadFleet, "List the agent's programs", agents::list)
        .at(Post, "/api/v1/agents", ManageEnvoys, "Take a program of the agent", agents::add)
        .at(Delete, "/api/v1/agents/{target}", ManageEnvoys, "Remove a program of the agent", agents::remove)
        .at(Get, "/api/v1/tokens", ManageEnvoys, "List the tokens that admit machines", tokens::list)
        .at(Post, "/api/v1/tokens", ManageEnvoys, "Make a token that admits machines", tokens::create)
        .at(Delete, "/api/v1/tokens/{id}", ManageEnvoys, "Make such a token worthless", tokens::revoke)
        .at(Get, "/api/v1/trusted", ManageEnvoys, "List the names that need no token", trusted::list)
        .at(Post, "/api/v1/trusted", ManageEnvoys, "Admit names without a token", trusted::add)
        .at(Delete, "/api/v1/trusted/{id}", ManageEnvoys, "Admit them no more", trusted::remove)
        .at(Get, "/api/v1/secrets", ManageSecrets, "List secrets, without their values", secrets::list)
        .at(Get, "/api/v1/secrets/{path}", ManageSecrets, "Show a secret, without its value", secrets::show)
        .large(
            Put,
            "/api/v1/secrets/{path}",
            ManageSecrets,
            "Give a secret a value",
            secrets::set,
            secrets::BODY_BYTES_MAX,
        )
        .at(Delete, "/api/v1/secrets/{path}", ManageSecrets, "Remove a secret", secrets::delete)
        .at(Post, "/api/v1/secrets/{path}/reveal", ManageSecrets, "Show a secret's value", secrets::reveal)
        .at(Post, "/api/v1/vault/init", ManageSecrets, "Make the master key", secrets::init)
        .at(Post, "/api/v1/vault/rekey", ManageSecrets, "Seal all secrets by a new master key", secrets::rekey)
        .at(Post, "/api/v1/vault/verify", ManageSecrets, "Open every secret, to see whether it can be", secrets::verify)
        .at(Get, "/api/v1/keys", ManageKeys, "Show the fleet's keys, and what waits", keys::show)
        .at(Post, "/api/v1/keys/rotate", ManageKeys, "Put another key in the place of one", keys::rotate)
        .at(Post, "/api/v1/keys/root/export", ManageKeys, "Show the root key", keys::export_root)
        .at(Post, "/api/v1/keys/root/remove", ManageKeys, "Take the root key away from the server", keys::remove_root)
        .at(Get, "/metrics", ReadServer, "What the server measures, for Prometheus", metrics::metrics)
        .at(Get, "/api/v1/backups", ReadServer, "List the backups that are made by schedule", backups::list)
        .at(Post, "/api/v1/backups", ManageBackups, "Make a backup, on the server's machine", backups::create)
        .at(Get, "/api/v1/backups/progress", ManageBackups, "How far the backup in hand is", backups::progress)
        .at(Get, "/api/v1/audit", ReadServer, "List who did what, the newest first", audit::list)
        .at(Get, "/api/v1/audit/verify", ReadServer, "Whether the audit is as it was written", audit::verify)
        .at(Get, "/api/v1/users", ManageUsers, "List users", users::list)
        .at(Post, "/api/v1/users", ManageUsers, "Add a user", users::add)
        .at(Delete, "/api/v1/users/{name}", ManageUsers, "Remove a user", users::remove)
        .at(Post, "/api/v1/users/{name}/password", ManageUsers, "Give a user a password", users::set_password)
        .at(Post, "/api/v1/users/{name}/role", ManageUsers, "Give a user a role", users::set_role)
        .at(Get, "/api/v1/auth/tokens", ManageUsers, "List tokens of the API", auth::list)
        .at(Post, "/api/v1/auth/tokens", ManageUsers, "Make a token of the API", auth::create)
        .at(Delete, "/api/v1/auth/tokens/{id}", ManageUsers, "Make a token of the API worthless", auth::revoke)
}

fn finish() -> Router<Context> {
    let (router, document) = endpoints().finish();
    let wrong_method =
        || async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "the path has no such method") };
    router
        .route("/api/v1/openapi.json", get(move || async move { Answer(document) }))
        .fallback(|uri: Uri| async move { Problem::not_found("path", uri.path()) })
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}
