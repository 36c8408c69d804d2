//! `server.yaml`: every key may be left out.

mod declared;
mod error;
mod listen;
mod load;
mod sections;
mod span;
mod splay;
#[cfg(test)]
mod tests;

pub use declared::annotated;
pub use error::ConfigError;
pub use listen::Listen;
pub use load::{load, parse};
pub use sections::{Backend, CheckIn, Config, Database, Enrollment, Limits, OnClone, Secrets, Server, Trusted};
pub use span::Span;
pub use splay::Splay;
