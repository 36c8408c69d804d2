//! The configuration language, from texts to policies.

mod example;
mod support;
