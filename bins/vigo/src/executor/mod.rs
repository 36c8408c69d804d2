//! Performs [`vigo_core::action::Op`] on this machine. Decides nothing: what an answer means is the core's business.

mod account;
mod failure;
mod fetch;
mod list;
mod meta;
mod metadata;
mod options;
mod output;
mod perform;
mod program;
mod read;
mod remove;
mod resolve;
mod run;
mod secret_file;
mod signal;
mod temp;
mod unsynced;
mod validate;
mod write;

pub(crate) use failure::text as system_text;
pub use options::ExecutorOptions;
pub use perform::Executor;
pub use program::find as find_program;
