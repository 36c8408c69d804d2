//! The table of Linux adapters.

use vigo_core::host::{Capability, Host};

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
}

static CAPABILITIES: &[Capability] = &[];

/// Programs whose presence decides which adapter is taken.
static PROGRAMS: &[&str] = &[];
