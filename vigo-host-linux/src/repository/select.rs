//! The choice of whose sources are managed.

use super::apk::APK;
use super::apt::Apt;
use super::pacman::PACMAN;
use super::yum::{DNF, YUM, ZYPPER};
use alloc::format;
use vigo_core::host::{Adapter, HostFacts, Problem};
use vigo_core::resource::repository::Repository;

/// Returns the adapter for the sources of the distribution's own manager.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when there is none that is known.
pub(crate) fn select(facts: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
    match crate::package::native(facts) {
        "apt" => Ok(&Apt),
        "dnf" => Ok(&DNF),
        "yum" => Ok(&YUM),
        "zypper" => Ok(&ZYPPER),
        "pacman" => Ok(&PACMAN),
        "apk" => Ok(&APK),
        _ => Err(Problem::unsupported(format!("type `repository` found no package manager on {}", facts.distro))),
    }
}
