//! What is tried on real machines. A new scenario is a file `scenario_<name>.rs` with a constant, listed here.

use std::path::{Path, PathBuf};

use super::base::Base;
use super::boxes::SystemdBox;
use super::checks::Checks;
use super::{scenario_converge, scenario_fleet, scenario_hardship, scenario_smoke, scenario_stacks};
use crate::failure::Result;

/// A story with machines.
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Packages of the distribution that its machines install; they are fetched beforehand.
    pub packages: &'static [&'static str],
    /// Tells it. An error ends this scenario, as a failed check; the others go on.
    pub run: fn(&Lab, &mut Checks) -> Result<()>,
}

/// Every scenario, in the order in which they run.
pub const SCENARIOS: &[Scenario] = &[
    scenario_smoke::SMOKE,
    scenario_converge::CONVERGE,
    scenario_stacks::STACKS,
    scenario_fleet::FLEET,
    scenario_hardship::HARDSHIP,
];

/// Where scenarios get their machines.
pub struct Lab {
    base: Base,
    vigo: Option<PathBuf>,
}

impl Lab {
    /// Returns a lab whose machines stand on `base`.
    pub fn new(base: Base, vigo: Option<PathBuf>) -> Self {
        Self { base, vigo }
    }

    /// Boots a fresh machine; the agent, if it is built, is in its `PATH`.
    pub fn boot(&self, name: &str) -> Result<SystemdBox> {
        let machine = SystemdBox::boot(&self.base, name)?;
        if let Some(vigo) = &self.vigo {
            machine.push(vigo, "/usr/bin/vigo")?;
        }
        Ok(machine)
    }

    /// Returns the agent's program, if it is built.
    pub fn vigo(&self) -> Option<&Path> {
        self.vigo.as_deref()
    }
}
