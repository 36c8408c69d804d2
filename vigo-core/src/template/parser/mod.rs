//! Text to steps.

mod action;
mod parse;
mod pipeline;
