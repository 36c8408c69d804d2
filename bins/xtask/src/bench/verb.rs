//! Which benchmark is asked for.

use super::{agent, config};
use crate::failure::{Failure, Result};

/// Runs the benchmark that the first argument names.
pub fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["agent"] => agent::run(false),
        ["agent", "--all-peers"] => agent::run(true),
        ["config"] => config::run(),
        _ => Err(Failure::new("expected `bench agent [--all-peers]` or `bench config`")),
    }
}
