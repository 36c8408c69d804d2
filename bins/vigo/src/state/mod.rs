//! What outlives a run: a small database in the state directory.

mod database;
mod error;
mod lock;
mod private;
mod store;

pub use database::Kept;
pub use error::StateError;
pub(crate) use private::{make_dir, replace_file};
pub use store::{Access, State};
