//! The data directory: everything that a server has, in one place.

mod dir;
mod error;
mod keys;
mod private;
#[cfg(test)]
mod tests;

pub use dir::DataDir;
pub use error::DataDirError;
pub use keys::Keys;
