//! Where secrets are kept: in a folder of sealed records with the key that opens them, or with somebody else, who is asked.

mod command;
mod error;
mod kv;
mod local;
mod lost;
mod master;
mod outside;
mod record_file;
mod seen;
mod source;
#[cfg(test)]
mod tests;
#[expect(clippy::module_inception, reason = "the room is named after it")]
mod vault;

pub use error::VaultError;
pub use local::{Checked, LocalVault, Secret, Staged};
pub use outside::Outside;
pub use vault::Vault;
