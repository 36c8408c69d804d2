//! `vigocli config trace`.

mod chosen;
mod json;
mod text;
mod verb;

pub(crate) use verb::Trace;
