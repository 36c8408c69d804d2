//! All collectors.

use super::{
    accounts, agent_self, apparmor, cert_lifecycle, cpu, custom_types, disks, dmi, dns, docker, filesystem, firewall,
    hardware, host_containers, host_self, hypervisor, init, interfaces, kernel, kernel_module_attestation, listeners,
    loadavg, locale, memory, mountpoints, network, os, package_source_audit, package_updates, packages, ports, reboot,
    repositories, secureboot, security_scan, selinux, services, ssh, storage, time, tpm, uptime, users, virtualization,
};
use vigo_core::traits::Collector;

/// The collectors of Linux.
pub static COLLECTORS: &[Collector] = &[
    time::COLLECTOR,
    uptime::COLLECTOR,
    loadavg::COLLECTOR,
    memory::MEMORY,
    memory::SWAP,
    mountpoints::COLLECTOR,
    filesystem::COLLECTOR,
    users::COLLECTOR,
    ports::COLLECTOR,
    agent_self::COLLECTOR,
    host_self::COLLECTOR,
    package_updates::COLLECTOR,
    os::COLLECTOR,
    hardware::COLLECTOR,
    cpu::COLLECTOR,
    disks::COLLECTOR,
    network::COLLECTOR,
    interfaces::COLLECTOR,
    dns::COLLECTOR,
    dmi::COLLECTOR,
    virtualization::COLLECTOR,
    hypervisor::COLLECTOR,
    docker::COLLECTOR,
    host_containers::COLLECTOR,
    packages::COLLECTOR,
    repositories::COLLECTOR,
    services::COLLECTOR,
    init::COLLECTOR,
    accounts::COLLECTOR,
    kernel::COLLECTOR,
    kernel_module_attestation::COLLECTOR,
    locale::COLLECTOR,
    selinux::COLLECTOR,
    apparmor::COLLECTOR,
    firewall::COLLECTOR,
    ssh::COLLECTOR,
    tpm::COLLECTOR,
    secureboot::COLLECTOR,
    listeners::COLLECTOR,
    package_source_audit::COLLECTOR,
    reboot::COLLECTOR,
    storage::COLLECTOR,
    cert_lifecycle::COLLECTOR,
    security_scan::COLLECTOR,
    custom_types::COLLECTOR,
];

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{Effect, Outputs};
    use vigo_core::traits::areas;
    use vigo_core::traits::{Found, Machine};

    #[test]
    fn every_collector_has_an_area_and_only_reads() {
        for collector in COLLECTORS {
            assert!(areas().iter().any(|area| area.name == collector.area), "{}", collector.area);
            let twice = COLLECTORS.iter().filter(|c| c.area == collector.area).count();
            assert_eq!(twice, 1, "{}", collector.area);
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
