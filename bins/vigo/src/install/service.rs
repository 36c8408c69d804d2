//! The agent's service.

use super::InstallError;
use super::perform::perform;
use crate::apply::programs;
use crate::executor::{Executor, ExecutorOptions, system_text};
use crate::state::is_alive;
use crate::system::{self, host};
use crate::traits;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vigo_core::bundle::TraitsWanted;
use vigo_core::host::{BY_HAND, HostFacts, Installation, Installer, Problem, Step};

/// How long an agent may take to come to life, and to be gone.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it must live to be believed.
const ALIVE_TIME_MIN: Duration = Duration::from_millis(1500);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// The agent's service on this machine. Nothing is changed before [`Service::pause`] and [`Service::install`].
pub struct Service {
    installer: &'static dyn Installer,
    facts: HostFacts,
    state_dir: PathBuf,
    steps: Vec<Step>,
}

impl Service {
    /// Looks how the agent would be a service here that keeps its state in `state_dir`.
    ///
    /// # Errors
    /// [`InstallError::Unsupported`].
    pub fn here(state_dir: &Path) -> Result<Self, InstallError> {
        let own = std::env::current_exe().unwrap_or_default();
        let unknown = || Problem::unsupported("nothing is known here that would start it").help(BY_HAND);
        let installer = host().installer().ok_or_else(|| InstallError::Unsupported(unknown()))?;
        let facts = facts(state_dir);
        let told = Installation::new(installer.places(), &own.to_string_lossy(), &state_dir.to_string_lossy());
        let steps = told.and_then(|told| installer.install(&told, &facts)).map_err(InstallError::Unsupported)?;
        Ok(Self { installer, facts, state_dir: state_dir.to_owned(), steps })
    }

    /// Returns what [`Service::install`] does.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Ends the agent, if one is at work: it has the state directory. Returns whether there was one.
    ///
    /// # Errors
    /// [`InstallError::Step`], [`InstallError::Other`].
    pub fn pause(&self) -> Result<bool, InstallError> {
        if !is_alive(&self.state_dir) {
            return Ok(false);
        }
        self.installer.stop(&self.facts).iter().try_for_each(|step| perform(step).map(drop))?;
        if is_soon(|| !is_alive(&self.state_dir)) {
            return Ok(true);
        }
        // It may be the service all the same, and end late: nobody would start it again then.
        if let Err(error) = self.resume() {
            tracing::debug!("{error}");
        }
        Err(InstallError::Other { state_dir: self.state_dir.clone() })
    }

    /// Starts the agent that [`Service::pause`] ended.
    ///
    /// # Errors
    /// [`InstallError::Step`].
    pub fn resume(&self) -> Result<(), InstallError> {
        self.installer.start(&self.facts).iter().try_for_each(|step| perform(step).map(drop))
    }

    /// Installs it, starts it, and sees that it lives. What a failure leaves is taken away again, where nothing was
    /// `there` before.
    ///
    /// # Errors
    /// [`InstallError::Step`], [`InstallError::NotAlive`].
    pub fn install(&self, was_there: bool) -> Result<(), InstallError> {
        let installed = self.steps.iter().try_for_each(|step| perform(step).map(drop)).and_then(|()| self.lives());
        if installed.is_err() && !was_there {
            for step in self.installer.uninstall(&self.facts) {
                if let Err(error) = perform(&step) {
                    tracing::warn!("{error}");
                }
            }
        }
        installed
    }

    /// Returns what takes the service away from this machine, but for the state.
    pub fn removal(state_dir: &Path) -> Vec<Step> {
        host().installer().map(|installer| installer.uninstall(&facts(state_dir))).unwrap_or_default()
    }

    /// Takes a step of [`Service::removal`]. Returns whether there was something to do.
    ///
    /// # Errors
    /// [`InstallError::Step`].
    pub fn remove(step: &Step) -> Result<bool, InstallError> {
        perform(step)
    }

    /// Waits until an agent is at work, and sees that it stays.
    fn lives(&self) -> Result<(), InstallError> {
        let is_alive = || is_alive(&self.state_dir);
        if is_soon(is_alive) {
            std::thread::sleep(ALIVE_TIME_MIN);
            if is_alive() {
                return Ok(());
            }
        }
        Err(InstallError::NotAlive { state_dir: self.state_dir.clone() })
    }
}

/// Refuses whoever is neither root nor an administrator.
///
/// # Errors
/// [`InstallError::NotRoot`].
pub fn as_root() -> Result<(), InstallError> {
    match system::is_administrator() {
        true => Ok(()),
        false => Err(InstallError::NotRoot),
    }
}

/// Returns what the installer must know: which service manager is in charge, and the programs that there are.
fn facts(state_dir: &Path) -> HostFacts {
    let mut facts = match Executor::new(ExecutorOptions::new(None, state_dir)) {
        Ok(mut executor) => {
            let wanted = TraitsWanted::Areas([Arc::from("init")].into());
            HostFacts::from_traits(traits::collect(&wanted, &mut executor).value())
        }
        Err(error) => {
            tracing::warn!("what starts services here is not known: {}", system_text(error));
            HostFacts::default()
        }
    };
    facts.programs = programs(host().programs());
    facts
}

fn is_soon(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if is_so() {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    false
}
