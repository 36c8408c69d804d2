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
    use super::*;
    use vigo_core::action::{Effect, Outputs};
    use vigo_core::traits::{Found, Machine, areas};

    #[test]
    fn every_collector_has_an_area_of_freebsd_and_only_reads() {
        for collector in COLLECTORS {
            let area = areas().iter().find(|area| area.name == collector.area);
            let systems = area.map(|area| area.systems).unwrap_or_default();
            let ours = systems.split(' ').any(|system| matches!(system, "all" | "unix" | "F"));
            assert!(ours, "{}: {systems}", collector.area);
            assert_eq!(COLLECTORS.iter().filter(|c| c.area == collector.area).count(), 1, "{}", collector.area);
            for op in (collector.probe)(&Machine::default()) {
                assert_eq!(op.effect(), Effect::Reads, "{}: {op}", collector.area);
            }
        }
    }

    #[test]
    fn without_answers_nothing_panics() {
        for collector in COLLECTORS {
            let seen = (collector.interpret)(&Machine::default(), &Outputs::default());
            assert!(!matches!(&seen, Ok(Found::Ask(ops)) if ops.is_empty()), "{}: {seen:?}", collector.area);
        }
    }
}
