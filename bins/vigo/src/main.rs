//! `vigo`: the agent. `vigo apply` converges this machine from a tree of files.

use clap::Parser;
use std::process::ExitCode;
use vigo_agent::cli::{self, Cli};

fn main() -> ExitCode {
    vigo_driver::forbid_core_dumps();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is wrong usage.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    cli::run(&cli)
}
