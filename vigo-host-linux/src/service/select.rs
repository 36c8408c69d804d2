//! Which service manager is in charge.

use super::{OpenRc, SysV, Systemd, Units};
use alloc::format;
use vigo_core::host::{Adapter, Family, HostFacts, Init, Problem};
use vigo_core::resource::service::Service;

/// Returns the adapter of the service manager in charge.
pub(crate) fn select(facts: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
    match facts.init {
        Init::Systemd => Ok(&Systemd),
        Init::OpenRc => Ok(&OpenRc),
        Init::SysV => Ok(&SysV),
        _ => {
            let message = format!("type `service` needs a service manager in charge, found none on {}", facts.distro);
            Err(Problem::unsupported(message))
        }
    }
}

/// Returns the adapter of unit and drop-in files.
pub(crate) fn select_units<F: Family>(type_name: &str, facts: &HostFacts) -> Result<&'static dyn Adapter<F>, Problem>
where
    Units: Adapter<F>,
{
    match facts.init {
        Init::Systemd => Ok(&Units),
        _ => Err(Problem::unsupported(format!("type `{type_name}` needs systemd in charge on {}", facts.distro))),
    }
}
