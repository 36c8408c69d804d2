//! The data directory: everything that a server has, in one place.

mod aside;
mod dir;
mod error;
mod keys;
mod look;
mod private;
mod rotate;
mod swap;
#[cfg(test)]
mod tests;

pub use aside::{MARK, clear_damage_mark, damage_mark, put_aside, put_rest_aside};
pub use dir::{DataDir, Holder};
pub use error::DataDirError;
pub use keys::{Keys, Kit, secret_of, secret_text};
pub use look::{keys_of, live_of, lock_to_look, modes};
pub use rotate::TakenOver;
pub use swap::{FRESH, Move, OLD, commit, finish};
