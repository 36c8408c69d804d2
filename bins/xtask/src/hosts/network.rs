//! A network between machines. It is a bridge in a name space of its own: nothing leads out of it.

use super::boxes::Machine;
use crate::failure::Result;
use crate::process::Program;

/// The name space of the bridge.
const SPACE: &str = "lan";
const BRIDGE: &str = "lan0";

/// A network; it is gone when the value is dropped.
pub struct Network(());

impl Network {
    /// Makes the network. There is one at a time.
    pub fn new() -> Result<Self> {
        ip(&["netns", "add", SPACE])?;
        // From here on Drop cleans up.
        let network = Self(());
        ip(&["-n", SPACE, "link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["-n", SPACE, "link", "set", BRIDGE, "up"])?;
        Ok(network)
    }

    /// Connects a machine, as 10.77.0.`number`.
    pub fn connect(&self, machine: &Machine, number: u8) -> Result<()> {
        let (name, port) = (machine.name(), port(machine));
        ip(&["-n", SPACE, "link", "add", &port, "type", "veth", "peer", "name", "host0", "netns", name])?;
        ip(&["-n", SPACE, "link", "set", &port, "master", BRIDGE, "up"])?;
        ip(&["-n", name, "addr", "add", &format!("10.77.0.{number}/24"), "dev", "host0"])?;
        ip(&["-n", name, "link", "set", "host0", "up"])
    }

    /// Pulls a machine's cable.
    pub fn cut(&self, machine: &Machine) -> Result<()> {
        ip(&["-n", SPACE, "link", "set", &port(machine), "down"])
    }

    /// Puts it back.
    pub fn mend(&self, machine: &Machine) -> Result<()> {
        ip(&["-n", SPACE, "link", "set", &port(machine), "up"])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Err(e) = ip(&["netns", "del", SPACE]) {
            eprintln!("the network stays until the end: {e}");
        }
    }
}

fn port(machine: &Machine) -> String {
    format!("ve-{}", machine.name())
}

fn ip(args: &[&str]) -> Result<()> {
    Program::new("ip").args(args).text().map(|_| ())
}
