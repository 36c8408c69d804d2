//! `vigosrv`.

use clap::Parser;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Serves a fleet: enrols machines, publishes policy, answers check-ins, keeps reports.
#[derive(Parser, Debug)]
#[command(name = "vigosrv", version, max_term_width = 100)]
struct Cli {
    /// Where everything is that the server has; made at the first start.
    #[arg(long, global = true, value_name = "DIR", env = "VIGO_DATA_DIR", default_value = "/srv/vigo")]
    data_dir: PathBuf,
    /// What is logged on standard error: this and what is graver.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Answers one request from standard input on the data directory of a server that does not run: for vigocli
    Offline,
}

/// Bytes of a request on standard input.
const REQUEST_BYTES_MAX: u64 = 8 << 20;

fn main() -> ExitCode {
    vigo_driver::forbid_core_dumps();
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_max_level(cli.log_level).with_writer(std::io::stderr).with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, None),
    };
    let done = match cli.verb {
        None => runtime.block_on(vigosrv::serve::run(&cli.data_dir)),
        Some(Verb::Offline) => {
            let mut request = String::new();
            if let Err(error) = std::io::stdin().take(REQUEST_BYTES_MAX).read_to_string(&mut request) {
                return failed(&error, None);
            }
            runtime.block_on(vigosrv::serve::offline(&cli.data_dir, &request)).map(|answer| println!("{answer}"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let help = error.help();
            failed(&error, help)
        }
    }
}

fn failed(error: &dyn std::error::Error, help: Option<String>) -> ExitCode {
    eprintln!("error: {error}");
    if let Some(help) = help {
        eprintln!("  = help: {help}");
    }
    ExitCode::FAILURE
}
