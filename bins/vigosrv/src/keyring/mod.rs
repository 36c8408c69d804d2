//! The fleet's keys while the server runs: rotating them, renewing its certificate, learning of newer ones.

mod error;
#[expect(clippy::module_inception, reason = "the room is called after what is in it")]
mod keyring;

pub use error::KeyringError;
pub use keyring::Keyring;
