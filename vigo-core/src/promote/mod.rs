//! Bringing what one environment sets over to another: as edits of `environments.vgo` that leave comments, order and layout
//! as they are.

mod change;
mod error;
mod flow;
#[cfg(test)]
mod tests;
mod text;

pub use change::{Change, Choice, Promoted, promote};
pub use error::PromoteError;
