//! `vigo version`.

use crate::output;
use clap::Args;
use std::hint::black_box;
use std::process::ExitCode;
use vigo_core::bundle::PROGRAM_MARK;

/// By this a server knows the agent's program, and its version, without running it: [`PROGRAM_MARK`] and the version.
static MARK: &str = concat!("vigo agent program, version ", env!("CARGO_PKG_VERSION"), "\n");

/// Print the version
#[derive(Args, Debug)]
pub struct Version {}

impl Version {
    /// Prints it.
    pub fn run(&self) -> ExitCode {
        // It is read here so that no linker leaves it out.
        let version = black_box(MARK).strip_prefix(PROGRAM_MARK).unwrap_or_default().trim_end();
        output::print(|out| writeln!(out, "vigo {version}"))
    }
}
