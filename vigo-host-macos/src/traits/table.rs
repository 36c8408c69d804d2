//! All collectors.

use super::tools::Tools;
use super::{accounts, clock, disks, hardware, memory, mounts, packages, services, system};
use vigo_core::traits::{Collector, posix};

/// The collectors of macOS. *Unverified*: written after manual pages.
pub(crate) static COLLECTORS: &[Collector] = &[
    clock::TIME,
    clock::UPTIME,
    clock::LOADAVG,
    memory::MEMORY,
    memory::SWAP,
    mounts::MOUNTPOINTS,
    mounts::FILESYSTEM,
    accounts::USERS,
    posix::ports::<Tools>(),
    system::AGENT_SELF,
    packages::UPDATES,
    system::OS,
    hardware::HARDWARE,
    hardware::CPU,
    disks::DISKS,
    posix::network::<Tools>(),
    posix::interfaces::<Tools>(),
    posix::DNS,
    system::VIRTUALIZATION,
    packages::PACKAGES,
    packages::REPOSITORIES,
    services::SERVICES,
    system::INIT,
    accounts::ACCOUNTS,
    services::FIREWALL,
    posix::ssh::<Tools>(),
    posix::cert_lifecycle::<Tools>(),
    posix::security_scan::<Tools>(),
    posix::CUSTOM_TYPES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::{Found, Machine, TraitSet};
    use vigo_core::value::Value;

    /// Returns what a collector says when programs and files say this.
    fn seen(area: &str, items: &[(&str, &str)]) -> Result<Found, alloc::string::String> {
        let collector = COLLECTORS.iter().find(|c| c.area == area).unwrap();
        (collector.interpret)(&machine(), &answers(items))
    }

    fn machine() -> Machine {
        Machine { arch: ARCH.into(), ..Machine::default() }
    }

    #[test]
    fn every_collector_has_an_area_of_this_system_only_reads_and_bears_any_answer() {
        assert_eq!(vigo_core::sim::collectors::collector_faults(COLLECTORS, "macos"), [""; 0]);
    }

    #[test]
    fn what_is_said_is_declared_and_read() {
        for (area, items, expected) in CASES {
            let Ok(Found::Value(value)) = seen(area, items) else { panic!("{area}: {:?}", seen(area, items)) };
            for (path, text) in *expected {
                let shown = value.at(path).map(|v| alloc::format!("{v:?}")).unwrap_or_default();
                assert!(shown.contains(text), "{area}.{path}: {shown}");
            }
            let set = TraitSet::from_value(Value::map([(*area, value)]));
            assert!(set.is_ok(), "{area}: {set:?}");
        }
    }

    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

    const ARCH: &str = "arm64";

    const CASES: &[Case] = &[
        (
            "uptime",
            &[(
                "run /usr/sbin/sysctl kern.boottime kern.bootsessionuuid",
                "kern.boottime: { sec = 100, usec = 5 } Thu Jan  1 1970\nkern.bootsessionuuid: AB-C\n",
            )],
            &[("boot_time", "1970-01-01"), ("boot_id", "AB-C")],
        ),
        (
            "loadavg",
            &[("run /usr/sbin/sysctl -n vm.loadavg", "{ 1.50 0.25 3.00 }\n")],
            &[("one", "1.5"), ("fifteen", "3.0")],
        ),
        (
            "memory",
            &[
                ("run /usr/sbin/sysctl hw.memsize", "hw.memsize: 17179869184\n"),
                (
                    "run /usr/bin/vm_stat",
                    "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:                               65536.\nPages inactive:                           131072.\nPages speculative:                        0.\n",
                ),
            ],
            &[("total_mb", "16384"), ("free_mb", "1024"), ("available_mb", "3072"), ("used_pct", "81.3")],
        ),
        (
            "swap",
            &[(
                "run /usr/sbin/sysctl -n vm.swapusage",
                "total = 2048.00M  used = 512.00M  free = 1536.00M  (encrypted)\n",
            )],
            &[("total_mb", "2048"), ("used_pct", "25.0")],
        ),
        (
            "mountpoints",
            &[(
                "run /sbin/mount",
                "/dev/disk3s1s1 on / (apfs, sealed, local, read-only)\nnas:/a on b on /Volumes/x y (nfs, nosuid)\n",
            )],
            &[("/.read_only", "true"), ("/.options.2", "ro"), ("/Volumes/x y.fstype", "nfs")],
        ),
        (
            "os",
            &[
                ("run /usr/bin/sw_vers", "ProductName:\t\tmacOS\nProductVersion:\t\t14.4.1\nBuildVersion:\t\t23E224\n"),
                ("run /usr/sbin/sysctl -n kern.osrelease", "23.4.0\n"),
            ],
            &[
                ("family", "macos"),
                ("version", "14.4.1"),
                ("kernel", "darwin"),
                ("kernel_version", "23.4.0"),
                ("arch", "arm64"),
                ("build", "23E224"),
            ],
        ),
        (
            "hardware",
            &[(
                "run /usr/sbin/sysctl hw.ncpu hw.physicalcpu hw.logicalcpu hw.packages hw.memsize machdep.cpu.brand_string",
                "hw.ncpu: 8\nhw.physicalcpu: 8\nhw.logicalcpu: 8\nhw.packages: 1\nhw.memsize: 8589934592\nmachdep.cpu.brand_string: Apple M1\n",
            )],
            &[("cpu_count", "8"), ("memory_mb", "8192"), ("cpu_model", "Apple M1")],
        ),
        (
            "virtualization",
            &[("run /usr/sbin/sysctl -n kern.hv_vmm_present", "1\n")],
            &[("is_virtual", "true"), ("is_container", "false")],
        ),
        (
            "network",
            &[
                ("run /bin/hostname", "web-1.example.com\n"),
                ("run /sbin/route -n get default", "   route to: default\n    gateway: 10.0.0.1\n  interface: en0\n"),
            ],
            &[
                ("hostname", "web-1"),
                ("domain", "example.com"),
                ("default_gateway", "10.0.0.1"),
                ("default_interface", "en0"),
            ],
        ),
        ("init", &[], &[("manager", "launchd")]),
    ];
}
