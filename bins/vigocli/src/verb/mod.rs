//! The verbs: one file for each group.

mod audit;
mod auth;
mod backup;
mod completions;
mod config;
mod envoys;
mod explain;
mod keys;
mod login;
mod lsp;
mod man;
mod runs;
mod secrets;
mod server;
mod tokens;
mod traits;
mod trusted;
mod users;

pub(crate) use audit::Audit;
pub(crate) use auth::Auth;
pub(crate) use backup::Backup;
pub(crate) use completions::Completions;
pub(crate) use config::Config;
pub(crate) use envoys::Envoys;
pub(crate) use explain::Explain;
pub(crate) use keys::Keys;
pub(crate) use login::{Login, logout};
pub(crate) use lsp::Lsp;
pub(crate) use man::Man;
pub(crate) use runs::Runs;
pub(crate) use secrets::Secrets;
pub(crate) use server::Server;
pub(crate) use tokens::Tokens;
pub(crate) use traits::Traits;
pub(crate) use trusted::Trusted;
pub(crate) use users::Users;
