//! Performs [`vigo_core::action::Op`] on this machine. Decides nothing: what an answer means is the core's business.

mod failure;
mod fetch;
mod name;
mod options;
mod perform;
mod program;
#[cfg(unix)]
mod unix;
mod validate;
#[cfg(windows)]
mod windows;

pub(crate) use failure::text as system_text;
pub use options::ExecutorOptions;
pub use perform::Executor;
pub use program::find as find_program;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;
