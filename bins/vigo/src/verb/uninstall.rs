//! `vigo uninstall`.

use crate::cli::LogLevel;
use crate::install::{InstallError, Service};
use crate::{apply, output};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Take the agent away from this machine: its service, its program and, with `--purge`, its keys and state
///
/// What the agent has made of the machine stays as it is. Exit status: 0 gone, 1 something could not be removed, 2 usage.
#[derive(Args, Debug)]
pub struct Uninstall {
    /// Remove keys and state, too: the machine is no envoy any more, and reports that wait are lost
    #[arg(long)]
    purge: bool,
    /// Show what would be done, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Where keys and state are kept [default: /var/lib/vigo]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "warn")]
    log_level: LogLevel,
}

impl Uninstall {
    /// Takes it away, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        self.log_level.begin();
        let state_dir = match apply::state_dir(self.state_dir.as_deref(), None) {
            Ok(dir) => dir,
            Err(error) => {
                output::complain(&format!("error: {error}"));
                return ExitCode::from(2);
            }
        };
        let steps = Service::removal(&state_dir);
        let purged = format!("remove {} and all in it", state_dir.display());
        if self.dry_run {
            return output::print(|out| {
                steps.iter().try_for_each(|step| writeln!(out, "{step}"))?;
                if self.purge { writeln!(out, "{purged}") } else { Ok(()) }
            });
        }
        let mut done = Vec::new();
        let mut failed = crate::install::as_root();
        for step in &steps {
            if failed.is_err() {
                break;
            }
            failed = Service::remove(step).map(|was_there| {
                if was_there {
                    done.push(step.to_string());
                }
            });
        }
        if failed.is_ok() && self.purge {
            match remove_state(&state_dir) {
                Ok(()) => done.push(purged),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failed = Err(InstallError::Step { step: purged, why: error.to_string() }),
            }
        }
        let printed = output::print(|out| done.iter().try_for_each(|step| writeln!(out, "{}", output::shown(step))));
        match failed {
            Ok(()) => printed,
            Err(error) => {
                output::complain(&format!("error: {}", output::shown(&error.to_string())));
                if let Some(help) = error.help() {
                    output::complain(&format!("  = help: {}", output::shown(&help)));
                }
                ExitCode::from(1)
            }
        }
    }
}

/// How long a service that was stopped may hold files yet: its manager says that it has stopped before its process is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

fn remove_state(state_dir: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match std::fs::remove_dir_all(state_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && begun.elapsed() < PATIENCE => {
                std::thread::sleep(LOOK);
            }
            other => return other,
        }
    }
}
