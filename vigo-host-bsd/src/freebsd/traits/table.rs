//! All collectors.

use super::{accounts, disks, hardware, network, packages, system};
use vigo_core::traits::Collector;

/// The collectors of FreeBSD.
pub(crate) static COLLECTORS: &[Collector] = &[
    system::TIME,
    system::UPTIME,
    system::LOADAVG,
    hardware::MEMORY,
    hardware::SWAP,
    disks::MOUNTPOINTS,
    disks::FILESYSTEM,
    accounts::USERS,
    network::PORTS,
    packages::UPDATES,
    system::OS,
    hardware::HARDWARE,
    hardware::CPU,
    network::NETWORK,
    network::DNS,
    system::VIRTUALIZATION,
    packages::PACKAGES,
    system::INIT,
    accounts::ACCOUNTS,
    system::KERNEL,
    system::REBOOT,
    disks::STORAGE,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::COLLECTORS, "freebsd"), [""; 0]);
    }
}
