//! All collectors.

use super::tools::Tools;
use super::{disks, firewall, memory, packages, system};
use crate::traits::{hardware, mounts, services, system as shared};
use vigo_core::traits::{Collector, form, posix};

/// The collectors of FreeBSD.
pub(crate) static COLLECTORS: &[Collector] = &[
    shared::TIME,
    shared::uptime::<Tools>(),
    shared::loadavg::<Tools>(),
    memory::MEMORY,
    memory::SWAP,
    mounts::mountpoints::<Tools>(),
    mounts::filesystem::<Tools>(),
    posix::users::<Tools>(),
    posix::ports::<Tools>(),
    shared::AGENT_SELF,
    packages::UPDATES,
    shared::os::<Tools>(),
    hardware::hardware::<Tools>(),
    hardware::cpu::<Tools>(),
    disks::DISKS,
    posix::network::<Tools>(),
    posix::interfaces::<Tools>(),
    posix::DNS,
    system::DMI,
    system::VIRTUALIZATION,
    packages::PACKAGES,
    packages::REPOSITORIES,
    services::SERVICES,
    Collector::quick("init", |_| alloc::vec::Vec::new(), |_, _| Ok(form::init("rc"))),
    posix::accounts(),
    system::KERNEL,
    firewall::FIREWALL,
    posix::ssh::<Tools>(),
    system::REBOOT,
    disks::STORAGE,
    posix::cert_lifecycle::<Tools>(),
    posix::security_scan::<mounts::Local<Tools>>(),
    posix::CUSTOM_TYPES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::COLLECTORS, "freebsd"), [""; 0]);
    }
}
