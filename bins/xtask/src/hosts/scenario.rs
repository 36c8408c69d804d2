//! What is tried on real machines. A new scenario is a file `scenario_<name>.rs` with a constant, listed here.

use std::path::{Path, PathBuf};

use super::base::{Base, Layer};
use super::boxes::Machine;
use super::checks::Checks;
use super::first::First;
use super::{
    scenario_converge, scenario_fleet, scenario_hardship, scenario_inits, scenario_packages, scenario_smoke,
    scenario_stacks,
};
use crate::failure::Result;

/// A story with machines.
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Sets of packages of the distribution that its machines install; they are fetched beforehand.
    pub packages: &'static [&'static [&'static str]],
    /// Whether it mostly waits: such a one runs beside those that mostly work.
    pub waits: bool,
    /// Tells it. An error ends this scenario, as a failed check; the others go on.
    pub run: fn(&Lab, &mut Checks) -> Result<()>,
}

/// Every scenario. Those that mostly work run one after the other in this order, and so do those that mostly wait.
pub const SCENARIOS: &[Scenario] = &[
    scenario_smoke::SMOKE,
    scenario_converge::CONVERGE,
    scenario_stacks::STACKS,
    scenario_packages::PACKAGES,
    scenario_inits::INITS,
    scenario_fleet::FLEET,
    scenario_hardship::HARDSHIP,
];

/// Where scenarios get their machines.
pub struct Lab {
    base: Base,
    vigo: Option<PathBuf>,
}

impl Lab {
    /// Returns a lab whose machines stand on `base`; the agent, if it is built, is on each of them.
    pub fn new(base: Base, vigo: Option<PathBuf>) -> Self {
        Self { base, vigo }
    }

    /// Boots a fresh machine.
    pub fn boot(&self, name: &str) -> Result<Machine> {
        Machine::boot(&self.base.layer(name, None)?, name, First::Systemd)
    }

    /// Boots a fresh machine that has what a layer has.
    pub fn boot_on(&self, layer: &Layer, name: &str, first: First) -> Result<Machine> {
        Machine::boot(&self.base.layer(name, Some(layer))?, name, first)
    }

    /// Makes a layer for machines, in which one of the scenario's sets of packages is installed, and a script was run.
    pub fn layer(&self, name: &str, packages: &[&str], script: &str) -> Result<Layer> {
        self.base.extend(name, packages, script)
    }

    /// Returns the agent's program, if it is built.
    pub fn vigo(&self) -> Option<&Path> {
        self.vigo.as_deref()
    }
}
