//! All collectors.

use super::{hardware, network, running, system};
use vigo_core::traits::Collector;

/// Returns the collectors of Windows.
pub fn collectors() -> &'static [Collector] {
    COLLECTORS
}

static COLLECTORS: &[Collector] = &[
    running::TIME,
    running::UPTIME,
    running::MEMORY,
    running::SWAP,
    running::AGENT_SELF,
    system::OS,
    system::INIT,
    system::REBOOT,
    hardware::HARDWARE,
    hardware::DMI,
    hardware::VIRTUALIZATION,
    network::NETWORK,
    network::INTERFACES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::collectors(), "windows"), [""; 0]);
    }
}
