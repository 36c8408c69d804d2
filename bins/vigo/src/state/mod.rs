//! What outlives a run: a small database in the state directory.

mod database;
mod error;
mod journal;
mod lock;
mod private;
mod store;
#[cfg(test)]
mod tests;

pub use database::Kept;
pub use error::StateError;
pub use journal::{Journal, JournalError, Opened};
pub(crate) use lock::is_alive;
pub(crate) use private::{make_dir, new_file, replace_file, replace_file_durably};
pub use store::{Access, State};
