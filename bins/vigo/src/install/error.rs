//! Why the agent is no service.

use std::path::PathBuf;
use vigo_core::host::Problem;

/// Why the agent was not installed, or not taken away.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Whoever asks may not.
    #[error("only root or an administrator can install or remove the agent")]
    NotRoot,
    /// The machine has nothing that would start it.
    #[error("the agent cannot be a service here: {}", .0.message)]
    Unsupported(Problem),
    /// A step failed.
    #[error("`{step}` failed: {why}")]
    Step {
        /// The step.
        step: String,
        /// Why.
        why: String,
    },
    /// An agent lives there that is not the service, or does not end with it in time.
    #[error("an agent is at work with `{}`, which does not end with the service", .state_dir.display())]
    Other {
        /// Its state directory.
        state_dir: PathBuf,
    },
    /// The service was started, and there is no agent.
    #[error("the service was started, and no agent stays at work with `{}`", .state_dir.display())]
    NotAlive {
        /// Its state directory.
        state_dir: PathBuf,
    },
}

impl InstallError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotRoot => Some("run it as one of them, or enrol with `--no-service`".into()),
            Self::Unsupported(problem) => problem.help.clone(),
            Self::Step { .. } => Some("mend that, and run the same command again".into()),
            Self::Other { .. } => Some("end it first, or wait until it has finished what it is doing".into()),
            Self::NotAlive { .. } => Some(
                "see its log (`journalctl -u vigo-envoy`, /var/log/vigo-envoy.log, or vigo.log in its state directory), and run the same command again"
                    .into(),
            ),
        }
    }
}
