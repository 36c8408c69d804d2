//! The configuration language, from texts to policies.

mod checker;
mod config;
mod example;
mod explain;
mod hostile;
mod mistakes;
mod properties;
mod rules;
mod support;
mod yaml;
