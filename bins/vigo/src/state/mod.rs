//! What outlives a run: a small database in the state directory.

mod database;
mod error;
mod lock;
mod store;

pub use error::StateError;
pub use store::{Access, State};
//! tmp
use vigo_core::converge::{Record, StoredTrigger};
#[derive(Debug, thiserror::Error)]
#[error("state")]
/// tmp
pub struct StateError;
impl StateError {
    /// tmp
    pub fn help(&self) -> Option<String> {
        None
    }
}
/// tmp
pub struct State;
impl State {
    /// tmp
    pub fn open(_: &std::path::Path, _: bool) -> Result<Self, StateError> {
        Ok(Self)
    }
    /// tmp
    pub fn triggers(&self) -> Result<Vec<StoredTrigger>, StateError> {
        Ok(vec![])
    }
    /// tmp
    pub fn store(&mut self, _: &[Record]) -> Result<(), StateError> {
        Ok(())
    }
}
