//! `vigocli config`: one file for each verb that has something to say.

mod dedup;
mod diff;
mod edit;
mod examples;
mod fmt;
mod local;
mod plan;
mod promote;
mod publish;
mod replace;
mod schema;
mod search;
mod status;
mod test;
mod trace;
mod tree;
mod trees;
mod validate;
mod verb;
mod words;

pub(crate) use verb::Config;
