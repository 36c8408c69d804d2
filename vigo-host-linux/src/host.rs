//! The table of Linux adapters.

use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::package::Package;
use crate::service::Systemd;
use alloc::format;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Init, Problem};
use vigo_core::resource::service::Service;

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

    fn package(&self, facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        crate::package::select(facts, manager)
    fn service(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        match facts.init {
            Init::Systemd => Ok(&Systemd),
            _ => Err(Problem::unsupported(format!(
                "type `service` needs a service manager in charge on {}",
                facts.distro
            ))),
        }
    }
}

static CAPABILITIES: &[Capability] = &[];

/// Programs whose presence decides which adapter is taken.
static PROGRAMS: &[&str] = &["apt-get"];
static PROGRAMS: &[&str] = &["systemctl"];
