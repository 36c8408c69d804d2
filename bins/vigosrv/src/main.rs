//! `vigosrv`.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Serves a fleet: enrols machines, publishes policy, answers check-ins, keeps reports.
#[derive(Parser, Debug)]
#[command(name = "vigosrv", version, max_term_width = 100)]
struct Cli {
    /// Where everything is that the server has; made at the first start.
    #[arg(long, value_name = "DIR", env = "VIGO_DATA_DIR", default_value = "/srv/vigo")]
    data_dir: PathBuf,
    /// What is logged on standard error: this and what is graver.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_max_level(cli.log_level).with_writer(std::io::stderr).with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, None),
    };
    match runtime.block_on(vigosrv::serve::run(&cli.data_dir)) {
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
