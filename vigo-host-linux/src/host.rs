//! The table of Linux adapters.

use crate::service::{Systemd, Units};
use alloc::format;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Init, Problem};
use vigo_core::resource::service::Service;
use vigo_core::resource::systemd_dropin::SystemdDropin;
use vigo_core::resource::systemd_unit::SystemdUnit;

/// Linux, all distributions.
pub struct Linux;

impl Host for Linux {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn programs(&self) -> &'static [&'static str] {
        PROGRAMS
    }

    fn service(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        match facts.init {
            Init::Systemd => Ok(&Systemd),
            _ => Err(Problem::unsupported(format!(
                "type `service` needs a service manager in charge on {}",
                facts.distro
            ))),
        }
    }

    fn systemd_unit(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<SystemdUnit>, Problem> {
        needs_systemd("systemd_unit", facts).map(|()| &Units as _)
    }

    fn systemd_dropin(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<SystemdDropin>, Problem> {
        needs_systemd("systemd_dropin", facts).map(|()| &Units as _)
    }
}

static CAPABILITIES: &[Capability] = &[];

/// Programs whose presence decides which adapter is taken.
static PROGRAMS: &[&str] = &["systemctl"];

fn needs_systemd(type_name: &str, facts: &HostFacts) -> Result<(), Problem> {
    match facts.init {
        Init::Systemd => Ok(()),
        _ => Err(Problem::unsupported(format!("type `{type_name}` needs systemd in charge on {}", facts.distro))),
    }
}
