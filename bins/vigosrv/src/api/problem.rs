//! What is answered when something is wrong: RFC 9457.

use crate::agents::AgentsError;
use crate::backup::ArchiveError;
use crate::keyring::KeyringError;
use crate::publish::PublishError;
use crate::store::{StoreError, TokenError};
use crate::vault::VaultError;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use vigo_core::secret;
use vigo_driver::diagnostics_json;

/// A problem.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Problem {
    /// A stable word.
    code: &'static str,
    /// The status, once more.
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// What is wrong with the policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, status: status.as_u16(), detail: detail.into(), help: None, diagnostics: Vec::new() }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The request is not what it should be.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what} `{}`", name.escape_debug()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", error.to_string());
        match error.help() {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl From<AgentsError> for Problem {
    fn from(error: AgentsError) -> Self {
        let problem = match &error {
            AgentsError::File { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", error.to_string()),
            _ => Self::invalid(error.to_string()),
        };
        match error.help() {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        let (status, code) = match &error {
            KeyringError::NoRoot => (StatusCode::CONFLICT, "no-root"),
            KeyringError::OtherRoot { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "other-root"),
            KeyringError::Rotating(_) => (StatusCode::CONFLICT, "rotating"),
            KeyringError::Unknown(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            KeyringError::DataDir(_) | KeyringError::Store(_) | KeyringError::Publish(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "store")
            }
        };
        let mut problem = Self::new(status, code, error.to_string());
        problem.help = error.help();
        problem
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        let code = error.code();
        let status = match code {
            "invalid" => StatusCode::BAD_REQUEST,
            "exists" | "busy" => StatusCode::CONFLICT,
            "internal" => StatusCode::INTERNAL_SERVER_ERROR,
            "store" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let mut problem = Self::new(status, code, error.to_string());
        problem.help = error.help();
        problem
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let (status, code) = match &error {
            PublishError::Unknown { .. } => (StatusCode::NOT_FOUND, "not-found"),
            PublishError::Disk { .. } | PublishError::Damaged { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-policy"),
        };
        let mut problem = Self::new(status, code, error.to_string());
        problem.help = error.help().map(Into::into);
        if let PublishError::Invalid { sources, diagnostics } = &error {
            problem.diagnostics = diagnostics_json(diagnostics, sources.map());
        }
        problem
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        let (status, code) = match &error {
            VaultError::Unknown { .. } => (StatusCode::NOT_FOUND, "not-found"),
            VaultError::NotPath { .. } | VaultError::Record { why: secret::VaultError::TooLong, .. } => {
                (StatusCode::BAD_REQUEST, "invalid")
            }
            VaultError::ReadOnly { .. } => (StatusCode::CONFLICT, "read-only"),
            VaultError::Lost { .. } => (StatusCode::CONFLICT, "lost"),
            VaultError::NotLost { .. } => (StatusCode::CONFLICT, "not-lost"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "vault"),
        };
        let mut problem = Self::new(status, code, error.to_string());
        problem.help = error.help();
        problem
    }
}

/// A task of ours has panicked.
impl From<tokio::task::JoinError> for Problem {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!("a request was not finished: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request was not finished")
    }
}
