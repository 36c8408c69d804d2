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
    /// Live as the service that the service control manager has started
    #[cfg(windows)]
    #[arg(long, hide = true)]
    service: bool,
}

impl Run {
    /// Lives, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        let options = LifeOptions {
            state_dir: self.state_dir.clone(),
            root: self.root.clone(),
            until: if self.once { Until::Converged } else { Until::Stopped },
        };
        #[cfg(windows)]
        if self.service {
            return self.serve(options);
        }
        self.log_level.begin();
        match live(&options) {
            Ok(ended) if self.once && (!ended.in_touch || ended.converged == Some(false)) => ExitCode::from(1),
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        }
    }

    /// Lives as a service. Nobody takes what a service says: it logs into its state directory.
    #[cfg(windows)]
    fn serve(&self, options: LifeOptions) -> ExitCode {
        let level = self.log_level;
        let served = crate::windows::serve(vigo_core::host::SERVICE, move |manager| {
            let folder = crate::apply::state_dir(options.state_dir.as_deref(), None).ok();
            if let Some(file) = folder.and_then(|folder| crate::life::LogFile::open(&folder).ok()) {
                level.begin_in(file);
            }
            match crate::life::live_as_service(&options, manager) {
                Ok(_) => 0,
                Err(error) => {
                    tracing::error!("{error}");
                    1
                }
            }
        });
        match served {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => {
                crate::output::complain("error: the service control manager has not started this program");
                crate::output::complain("  = help: leave `--service` out");
                ExitCode::from(2)
            }
            Err(error) => {
                crate::output::complain(&format!("error: the service could not begin: {error}"));
                ExitCode::from(2)
            }
        }
    }
}
