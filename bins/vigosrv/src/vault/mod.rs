//! Where secrets are kept: a folder of sealed records, and the key that opens them.

mod error;
mod local;
mod master;
mod record_file;
#[cfg(test)]
mod tests;

pub use error::VaultError;
pub use local::{Checked, LocalVault, Secret, Staged};
