//! The table of Linux adapters.

use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::package::Package;

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
    }
}

static CAPABILITIES: &[Capability] = &[];

/// Programs whose presence decides which adapter is taken.
static PROGRAMS: &[&str] = &["apt-get"];
