//! All collectors.

use super::tools::Tools;
use super::{packages, services};
use crate::traits::{disks, hardware, memory, mounts, system};
use vigo_core::traits::{Collector, form, posix};

/// The collectors of OpenBSD.
pub(crate) static COLLECTORS: &[Collector] = &[
    system::TIME,
    system::uptime::<Tools>(),
    system::loadavg::<Tools>(),
    memory::MEMORY,
    memory::SWAP,
    mounts::mountpoints::<Tools>(),
    mounts::filesystem::<Tools>(),
    posix::users::<Tools>(),
    posix::ports::<Tools>(),
    system::AGENT_SELF,
    system::os::<Tools>(),
    hardware::hardware::<Tools>(),
    hardware::cpu::<Tools>(),
    disks::disks::<Tools>(),
    posix::network::<Tools>(),
    posix::interfaces::<Tools>(),
    posix::DNS,
    system::virtualization::<Tools>(),
    packages::PACKAGES,
    packages::REPOSITORIES,
    services::SERVICES,
    Collector::quick("init", |_| alloc::vec::Vec::new(), |_, _| Ok(form::init("rcctl"))),
    posix::accounts(),
    services::FIREWALL,
    posix::ssh::<Tools>(),
    posix::cert_lifecycle::<Tools>(),
    posix::security_scan::<mounts::Local<Tools>>(),
    posix::CUSTOM_TYPES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(super::COLLECTORS, "openbsd"), [""; 0]);
    }
}
