//! What tells an agent to end, or to ask its server at once.

use super::LifeError;

/// What is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// SIGTERM, SIGINT; the service control manager, Ctrl-C.
    End,
    /// SIGUSR1; the service's control 128.
    CheckIn,
}

#[cfg(unix)]
pub(super) use unix::Signals;
#[cfg(windows)]
pub(super) use windows::Signals;

#[cfg(unix)]
mod unix {
    use super::{Call, LifeError};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that an agent hears.
    pub(crate) struct Signals {
        terminate: Signal,
        interrupt: Signal,
        user: Signal,
    }

    impl Signals {
        /// Begins to listen.
        pub(crate) fn new() -> Result<Self, LifeError> {
            let of = |kind| signal(kind).map_err(LifeError::system);
            Ok(Self {
                terminate: of(SignalKind::terminate())?,
                interrupt: of(SignalKind::interrupt())?,
                user: of(SignalKind::user_defined1())?,
            })
        }

        /// Waits for the next one.
        pub(crate) async fn next(&mut self) -> Call {
            tokio::select! {
                _ = self.terminate.recv() => Call::End,
                _ = self.interrupt.recv() => Call::End,
                _ = self.user.recv() => Call::CheckIn,
            }
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::{Call, LifeError};
    use crate::windows::Control;
    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};
    use tokio::sync::mpsc::UnboundedReceiver;

    /// What an agent hears: the service control manager, or the console.
    pub(crate) struct Signals {
        interrupt: CtrlC,
        end: CtrlBreak,
        manager: Option<UnboundedReceiver<Control>>,
    }

    impl Signals {
        /// Begins to listen.
        pub(crate) fn new() -> Result<Self, LifeError> {
            let (interrupt, end) = (ctrl_c().map_err(LifeError::system)?, ctrl_break().map_err(LifeError::system)?);
            Ok(Self { interrupt, end, manager: None })
        }

        /// Begins to listen, as a service.
        pub(crate) fn of_service(manager: UnboundedReceiver<Control>) -> Result<Self, LifeError> {
            Ok(Self { manager: Some(manager), ..Self::new()? })
        }

        /// Waits for the next one.
        pub(crate) async fn next(&mut self) -> Call {
            let manager = async {
                match &mut self.manager {
                    Some(manager) => manager.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => Call::End,
                _ = self.end.recv() => Call::End,
                said = manager => match said {
                    Some(Control::CheckIn) => Call::CheckIn,
                    Some(Control::Stop) | None => Call::End,
                },
            }
        }
    }
}
