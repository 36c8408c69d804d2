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
mod webhook_url;

pub use declared::annotated;
pub use error::ConfigError;
pub use listen::Listen;
pub use load::{load, parse};
pub use sections::{
    Backend, Backup, CheckIn, Config, Database, Enrollment, Limits, Notify, OnClone, Secrets, Server, Trusted, Webhook,
};
pub use span::Span;
pub use splay::Splay;
pub use webhook_url::WebhookUrl;
