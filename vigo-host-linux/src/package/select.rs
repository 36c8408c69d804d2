//! The choice of a package manager.

use super::apk::APK;
use super::apt::Apt;
use super::dnf::{DNF, YUM};
use super::pacman::PACMAN;
use super::zypper::ZYPPER;
use alloc::format;
use vigo_core::host::{Adapter, HostFacts, Problem};
use vigo_core::resource::package::Package;

/// Returns the adapter of `manager`, or of the distribution's own manager.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when Linux has no such manager, or the distribution none that is known.
pub(crate) fn select(facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
    match manager.unwrap_or_else(|| native(facts)) {
        "apt" => Ok(&Apt),
        "dnf" => Ok(&DNF),
        "yum" => Ok(&YUM),
        "zypper" => Ok(&ZYPPER),
        "pacman" => Ok(&PACMAN),
        "apk" => Ok(&APK),
        "" => Err(Problem::unsupported(format!("type `package` found no package manager on {}", facts.distro))),
        other => Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on linux"))),
    }
}

/// Returns the name of the distribution's own manager; empty when none is known.
pub(crate) fn native(facts: &HostFacts) -> &'static str {
    match &*facts.family {
        "debian" => "apt",
        "redhat" if facts.has("dnf") || !facts.has("yum") => "dnf",
        "redhat" => "yum",
        "suse" => "zypper",
        "arch" => "pacman",
        "alpine" => "apk",
        _ => PROGRAMS.iter().find(|(_, program)| facts.has(program)).map_or("", |(name, _)| name),
    }
}

/// Managers, and the program that shows each, for distributions of no known family.
const PROGRAMS: &[(&str, &str)] =
    &[("apt", "apt-get"), ("dnf", "dnf"), ("yum", "yum"), ("zypper", "zypper"), ("pacman", "pacman"), ("apk", "apk")];
