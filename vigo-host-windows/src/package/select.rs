//! The choice of a package manager.

use super::choco::CHOCO;
use super::scoop::SCOOP;
use super::winget::WINGET;
use alloc::format;
use vigo_core::host::{Adapter, HostFacts, Problem};
use vigo_core::resource::package::Package;

/// A package manager of Windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manager {
    /// Chocolatey.
    Choco,
    /// The Windows Package Manager.
    Winget,
    /// Scoop.
    Scoop,
}

pub(crate) const CHOCO_PROGRAM: &str = "choco.exe";
pub(super) const WINGET_PROGRAM: &str = "winget.exe";
pub(crate) const SCOOP_PROGRAM: &str = "scoop.cmd";

/// The programs that show which manager a machine has.
pub(crate) const PROGRAMS: &[&str] = &[CHOCO_PROGRAM, WINGET_PROGRAM, SCOOP_PROGRAM];

/// The first that the machine has.
pub(crate) fn native(facts: &HostFacts) -> Option<Manager> {
    let all = [(CHOCO_PROGRAM, Manager::Choco), (WINGET_PROGRAM, Manager::Winget), (SCOOP_PROGRAM, Manager::Scoop)];
    all.into_iter().find(|(program, _)| facts.has(program)).map(|(_, manager)| manager)
}

/// Returns the adapter of `manager`, or of the first that the machine has.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when Windows has no such manager, or the machine none.
pub(crate) fn select(facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
    let manager = match manager {
        Some("choco") => Some(Manager::Choco),
        Some("winget") => Some(Manager::Winget),
        Some("scoop") => Some(Manager::Scoop),
        Some(other) => {
            let message = format!("manager `{other}` of type `package` is not supported on windows");
            return Err(Problem::unsupported(message));
        }
        // Nothing is known of the machine: a table is made of the adapters.
        None if *facts == HostFacts::default() => Some(Manager::Choco),
        None => native(facts),
    };
    match manager {
        Some(Manager::Choco) => Ok(&CHOCO),
        Some(Manager::Winget) => Ok(&WINGET),
        Some(Manager::Scoop) => Ok(&SCOOP),
        None => {
            let problem = Problem::unsupported("type `package` found no package manager on windows");
            Err(problem.help("install Chocolatey, winget or Scoop first, or write `manager`"))
        }
    }
}
