//! `vigocli config trace`.

mod json;
mod text;
mod verb;

pub(crate) use verb::Trace;
