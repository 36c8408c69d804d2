//! `vigo run`.

use super::bootstrap::failed;
use crate::cli::LogLevel;
use crate::life::{LifeOptions, live};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use vigo_core::agent::Until;

/// Live as the agent of this machine: check in, converge, report, and again
///
/// Exit status: 0 ended as asked, 1 `--once` did not reach a server or did not converge, 2 usage or nothing to live from.
#[derive(Args, Debug)]
pub struct Run {
    /// Converge an image or sandbox below this directory; services are only enabled there
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Where keys and state are kept [default: /var/lib/vigo, a folder in it for each --root]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Check in, converge, report, and end
    #[arg(long)]
    once: bool,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "info")]
    log_level: LogLevel,
}

impl Run {
    /// Lives, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        self.log_level.begin();
        let options = LifeOptions {
            state_dir: self.state_dir.clone(),
            root: self.root.clone(),
            until: if self.once { Until::Converged } else { Until::Stopped },
        };
        match live(&options) {
            Ok(ended) if self.once && (!ended.in_touch || ended.converged == Some(false)) => ExitCode::from(1),
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        }
    }
}
