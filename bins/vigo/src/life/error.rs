//! Why there is no life.

use crate::apply::ApplyError;
use crate::executor::system_text;
use crate::identity::IdentityError;
use crate::install::InstallError;
use crate::net::NetError;
use crate::output::shown;
use crate::state::StateError;
use vigo_core::agent::AgentError;
use vigo_core::bundle::ProgramError;

/// Why an agent did not begin, or a machine was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// There is no identity, or it cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// `--root` or the state directory cannot be used.
    #[error(transparent)]
    Place(#[from] ApplyError),
    /// The stored key set is not the pinned root's.
    #[error("the identity cannot be used: {0}")]
    KeySet(#[from] AgentError),
    /// The system does not let a program wait for its sockets or signals.
    #[error("the system gives no sockets or signals: {0}")]
    System(String),
    /// No server answered.
    #[error("no server answered: {0}")]
    Net(#[from] NetError),
    /// The server refused to enrol the machine.
    #[error("the server refused (`{}`): {}", shown(.code), shown(.message))]
    Refused {
        /// The code.
        code: String,
        /// What it says.
        message: String,
    },
    /// The server's answer to the enrolment is not believed.
    #[error("the server's answer is not believed: {0}")]
    NotBelieved(String),
    /// The program that runs is not the one that the fleet hands out.
    #[error("this program is not the fleet's: {0}")]
    OtherProgram(#[from] ProgramError),
    /// The agent is no service.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The machine is enrolled, and the agent is no service.
    #[error("the machine is enrolled as `{}`, but {error}", shown(.hostname))]
    NotInstalled {
        /// The name that the server decided.
        hostname: String,
        /// Why.
        error: InstallError,
    },
    /// The machine belongs to a fleet already, and it is another.
    #[error("this machine is an envoy of another fleet: its root key is `{held}`, not `{told}`")]
    OtherFleet {
        /// The root key that it has, in hexadecimal digits.
        held: String,
        /// The root key that it was told.
        told: String,
    },
    /// The machine is enrolled, and its first check-in failed.
    #[error("the machine is enrolled as `{hostname}`, but its first check-in failed: {why}")]
    NotCheckedIn {
        /// The name that the server decided.
        hostname: String,
        /// Why.
        why: String,
    },
}

impl LifeError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Identity(error) => Some(error.help()),
            Self::State(error) => Some(error.help()),
            Self::Place(error) => error.help(),
            Self::KeySet(_) => Some("restore the identity from a backup, or enrol the machine again".into()),
            Self::Net(NetError::NotTrusted { .. }) | Self::NotBelieved(_) => {
                Some("compare the keys with what `vigocli tokens create` printed".into())
            }
            Self::Net(_) => Some("see that the server runs, and that its port is open for TCP and UDP".into()),
            Self::OtherProgram(_) => Some(
                "it was changed, or the fleet's keys were: nothing was installed. On the server, add the agent again with \
                 `vigocli server agents add`"
                    .into(),
            ),
            Self::Install(error) | Self::NotInstalled { error, .. } => error.help(),
            // The server's own words say what to do.
            Self::Refused { .. } => None,
            Self::OtherFleet { .. } => Some(
                "to leave that fleet, run the same with `--leave-fleet`; reports that wait for it are lost".into(),
            ),
            Self::NotCheckedIn { .. } => Some("run the same command again when the server answers: the machine keeps its keys".into()),
            Self::System(_) => None,
        }
    }

    pub(super) fn system(error: std::io::Error) -> Self {
        Self::System(system_text(error))
    }
}
