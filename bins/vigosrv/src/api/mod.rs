//! The REST API: over HTTPS what anybody may ask, over the socket everything, for the local administrator.

mod agents;
mod audit;
mod caller;
mod config;
mod context;
mod envoys;
mod extract;
mod guests;
mod health;
mod keys;
mod listen;
mod problem;
mod publishes;
mod push;
mod router;
mod runs;
mod secrets;
mod status;
#[cfg(test)]
mod tests;
mod tokens;
mod traits;
mod trusted;
mod view;

pub use caller::{Caller, Remote};
pub use context::{About, Context, Running};
pub use listen::{ListenError, serve_https, serve_socket, tls_config};
pub use router::{local, public};
