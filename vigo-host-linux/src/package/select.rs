//! The choice of a package manager.

use super::apt::Apt;
use alloc::format;
use vigo_core::host::{Adapter, HostFacts, Problem};
use vigo_core::resource::package::Package;

/// Returns the adapter of `manager`, or of the distribution's own manager.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when Linux has no such manager, or the distribution none that is known.
pub(crate) fn select(facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
    let native = match &*facts.family {
        "debian" => "apt",
        _ => PREFERENCE.iter().find(|(_, program)| facts.has(program)).map_or("", |(name, _)| name),
    };
    match manager.unwrap_or(native) {
        "apt" => Ok(&Apt),
        "" => Err(Problem::unsupported(format!("type `package` found no package manager on {}", facts.distro))),
        other => Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on linux"))),
    }
}

/// Managers, and the program that shows each.
const PREFERENCE: &[(&str, &str)] = &[("apt", "apt-get")];
