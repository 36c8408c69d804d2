//! The verbs: one file for each group.

mod config;
mod envoys;
mod runs;
mod server;
mod tokens;

pub(crate) use config::Config;
pub(crate) use envoys::Envoys;
pub(crate) use runs::Runs;
pub(crate) use server::Server;
pub(crate) use tokens::Tokens;
