//! `vigo version`.

use crate::output;
use clap::Args;
use std::process::ExitCode;

/// Print the version
#[derive(Args, Debug)]
pub struct Version {}

impl Version {
    /// Prints it.
    pub fn run(&self) -> ExitCode {
        output::print(|out| writeln!(out, "vigo {}", env!("CARGO_PKG_VERSION")))
    }
}
