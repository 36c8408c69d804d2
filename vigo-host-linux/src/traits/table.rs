//! All collectors.

use super::{
    accounts, agent_self, apparmor, cpu, disks, dmi, docker, filesystem, firewall, hardware, host_containers,
    host_self, hypervisor, init, interfaces, kernel, kernel_module_attestation, listeners, loadavg, locale, memory,
    mountpoints, network, os, package_source_audit, package_updates, packages, ports, reboot, repositories, secureboot,
    security_scan, selinux, services, storage, time, tools, tpm, uptime, users, virtualization,
};
use tools::Tools;
use vigo_core::traits::{Collector, posix};

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
    posix::DNS,
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
    posix::ssh::<Tools>(),
    tpm::COLLECTOR,
    secureboot::COLLECTOR,
    listeners::COLLECTOR,
    package_source_audit::COLLECTOR,
    reboot::COLLECTOR,
    storage::COLLECTOR,
    posix::cert_lifecycle::<Tools>(),
    security_scan::COLLECTOR,
    posix::CUSTOM_TYPES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::COLLECTORS, "linux"), [""; 0]);
    }
}
