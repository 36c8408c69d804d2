//! `vigo-load`: a fleet of generated machines. Each is the real agent, with real keys, handshakes and signatures; its disk is
//! memory, and what it converges is made up.

mod cli;
mod clock;
mod count;
mod enrol;
mod error;
mod fleet;
mod ledger;
mod machine;
mod profile;
mod show;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    vigo_driver::forbid_core_dumps();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is wrong usage.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match fleet::live(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigo-load: {error}");
            ExitCode::FAILURE
        }
    }
}
