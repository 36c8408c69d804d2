//! `vigocli config`: one file for each verb that has something to say.

mod diff;
mod local;
mod plan;
mod publish;
mod status;
mod test;
mod trace;
mod validate;
mod verb;
mod words;

pub(crate) use verb::Config;
