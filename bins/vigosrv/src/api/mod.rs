//! The REST API: over HTTPS what the token may that is shown, over the socket everything, for the local administrator.

mod access;
mod agents;
mod audit;
mod auth;
mod backups;
mod caller;
mod config;
mod context;
mod describe;
mod doctor;
mod endpoints;
mod envoys;
mod extract;
mod guests;
mod health;
mod keys;
mod listen;
mod maintenance;
mod metrics;
mod password;
mod problem;
mod publishes;
mod push;
mod refusals;
mod restored;
mod router;
mod runs;
mod secrets;
mod status;
#[cfg(test)]
mod tests;
mod tokens;
mod traits;
mod trusted;
mod users;
mod view;

pub use caller::{Caller, Remote};
pub use context::{About, Auth, Context, Load, Running};
pub(crate) use doctor::replica;
pub use listen::{ListenError, serve_https, serve_socket, tls_config};
pub use router::{local, public};
