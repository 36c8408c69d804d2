//! `vigocli`: the administrator's command line.

mod cli;
mod client;
mod error;
mod input;
mod output;
mod push;
mod socket;
mod verb;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&cli::Cli::parse())
}
