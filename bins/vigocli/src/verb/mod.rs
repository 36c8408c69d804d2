//! The verbs: one file for each group.

mod audit;
mod config;
mod envoys;
mod keys;
mod runs;
mod secrets;
mod server;
mod tokens;
mod traits;
mod trusted;

pub(crate) use audit::Audit;
pub(crate) use config::Config;
pub(crate) use envoys::Envoys;
pub(crate) use keys::Keys;
pub(crate) use runs::Runs;
pub(crate) use secrets::Secrets;
pub(crate) use server::Server;
pub(crate) use tokens::Tokens;
pub(crate) use traits::Traits;
pub(crate) use trusted::Trusted;
