//! All collectors.

use super::{accounts, firewall, hardware, network, running, services, storage, system};
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
    storage::MOUNTPOINTS,
    storage::FILESYSTEM,
    accounts::USERS,
    running::AGENT_SELF,
    system::OS,
    system::INIT,
    system::REBOOT,
    hardware::HARDWARE,
    hardware::CPU,
    storage::DISKS,
    hardware::DMI,
    hardware::VIRTUALIZATION,
    network::NETWORK,
    network::INTERFACES,
    network::DNS,
    services::PACKAGES,
    services::SERVICES,
    accounts::ACCOUNTS,
    firewall::FIREWALL,
    system::CUSTOM_TYPES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::collectors(), "windows"), [""; 0]);
    }
}
