//! The functions of the template language: Go's own and the helpers, all in one table.

mod arithmetic;
mod call;
mod collection;
mod compare;
mod default;
mod encoding;
mod escape;
mod logic;
mod print;
mod secret;
mod table;
mod text;
mod yaml;

pub(super) use call::Call;
use call::expected;
pub(super) use table::{Body, Flow, Optional, at, find};
pub use table::{Function, functions};
