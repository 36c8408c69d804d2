//! `vigocli`: the administrator's command line.

mod account;
mod cli;
mod client;
mod error;
mod hosts;
mod input;
mod lsp;
mod offline;
mod output;
mod pin;
mod push;
mod rest;
mod stream;
mod verb;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    vigo_driver::forbid_core_dumps();
    cli::run(&cli::Cli::parse())
}
