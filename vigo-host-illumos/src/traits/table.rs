//! All collectors.

use super::tools::Tools;
use super::{clock, hardware, memory, mounts, packages, services, storage, system};
use vigo_core::traits::{Collector, posix};

/// The collectors of illumos. *Unverified*: written after manual pages.
pub(crate) static COLLECTORS: &[Collector] = &[
    clock::TIME,
    clock::UPTIME,
    clock::LOADAVG,
    memory::MEMORY,
    memory::SWAP,
    mounts::MOUNTPOINTS,
    mounts::FILESYSTEM,
    posix::users::<Tools>(),
    posix::ports::<Tools>(),
    system::AGENT_SELF,
    system::OS,
    hardware::HARDWARE,
    storage::CPU,
    storage::DISKS,
    posix::network::<Tools>(),
    posix::interfaces::<Tools>(),
    posix::DNS,
    system::VIRTUALIZATION,
    packages::PACKAGES,
    packages::REPOSITORIES,
    services::SERVICES,
    system::INIT,
    posix::accounts(),
    clock::LOCALE,
    services::FIREWALL,
    storage::STORAGE,
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
        assert_eq!(vigo_core::sim::collectors::collector_faults(COLLECTORS, "illumos"), [""; 0]);
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

    const ARCH: &str = "x86_64";

    const KSTAT: (&str, &str) = (
        "run /usr/bin/kstat -p unix:0:system_misc unix:0:system_pages",
        "unix:0:system_misc:avenrun_15min\t768\nunix:0:system_misc:avenrun_1min\t384\nunix:0:system_misc:avenrun_5min\t64\n\
         unix:0:system_misc:boot_time\t100\nunix:0:system_misc:ncpus\t4\nunix:0:system_pages:freemem\t262144\n\
         unix:0:system_pages:physmem\t1048576\n",
    );

    const CASES: &[Case] = &[
        ("locale", &[("/etc/default/init", "TZ=UTC\nLANG=de_DE.UTF-8\n")], &[("lang", "de_DE"), ("charmap", "UTF-8")]),
        (
            "repositories",
            &[(
                "run /usr/bin/pkg publisher -F tsv",
                "PUBLISHER\tSTICKY\tSYSPUB\tENABLED\tTYPE\tSTATUS\tURI\tPROXY\nomnios\ttrue\tfalse\ttrue\torigin\tonline\thttps://pkg.omnios.org/r151046/core/\t-\n\
                 old\ttrue\tfalse\tfalse\t\t\t\t-\n",
            )],
            &[("0.id", "omnios"), ("0.url", "https://pkg.omnios.org/"), ("0.enabled", "true"), ("1.enabled", "false")],
        ),
        ("uptime", &[KSTAT], &[("boot_time", "1970-01-01")]),
        ("loadavg", &[KSTAT], &[("one", "1.5"), ("five", "0.25"), ("fifteen", "3.0")]),
        (
            "memory",
            &[KSTAT, ("run /usr/bin/pagesize", "4096\n")],
            &[("total_mb", "4096"), ("available_mb", "1024"), ("used_pct", "75.0")],
        ),
        (
            "swap",
            &[(
                "run /usr/sbin/swap -s",
                "total: 1024k bytes allocated + 1024k reserved = 2048k used, 6144k available\n",
            )],
            &[("total_mb", "8"), ("used_pct", "25.0")],
        ),
        (
            "mountpoints",
            &[("/etc/mnttab", "rpool/ROOT/x\t/\tzfs\trw,setuid\t0\nswap\t/tmp\ttmpfs\tro\t0\nbroken\n")],
            &[("/.fstype", "zfs"), ("/tmp.read_only", "true")],
        ),
        (
            "accounts",
            &[
                ("/etc/passwd", "root:x:0:0::/root:/usr/bin/bash\nbroken\n"),
                ("/etc/group", "root::0:\nsys::3:root,adm\n"),
            ],
            &[("users.root.shell", "bash"), ("groups.sys.members", "adm")],
        ),
        (
            "users",
            &[
                (
                    "/etc/passwd",
                    "root:x:0:0::/root:/bin/sh\nalice:x:101:10::/home/alice:/bin/sh\nfood:x:102:10::/:/bin/false\nnobody:x:60001:60001::/:\n",
                ),
                ("run /usr/bin/who", "alice  pts/1  May  1 10:00\n"),
            ],
            &[("human", "alice"), ("logged_in", "alice"), ("thirdparty", "food"), ("os", "nobody")],
        ),
        (
            "os",
            &[
                ("/etc/os-release", "NAME=\"OmniOS\"\nID=omnios\nVERSION_ID=r151046\nBUILD_ID=151046.0.2023\n"),
                ("run /usr/bin/uname -v", "omnios-r151046-1\n"),
            ],
            &[
                ("family", "illumos"),
                ("distro", "omnios"),
                ("version", "r151046"),
                ("kernel", "sunos"),
                ("arch", "amd64"),
            ],
        ),
        ("hardware", &[KSTAT, ("run /usr/bin/pagesize", "4096\n")], &[("cpu_count", "4"), ("memory_mb", "4096")]),
        ("virtualization", &[("run /usr/sbin/zonename", "web\n")], &[("is_container", "true"), ("kind", "zone")]),
        (
            "network",
            &[
                ("run /usr/bin/hostname", "web-1\n"),
                (
                    "run /usr/sbin/route -n get default",
                    "   route to: default\n    gateway: 10.0.0.1\n  interface: net0\n",
                ),
            ],
            &[("hostname", "web-1"), ("default_gateway", "10.0.0.1")],
        ),
        (
            "packages",
            &[(
                "run /usr/bin/pkg list -Hv",
                "WARNING: x\npkg://omnios/web/nginx@1.24.0-151046.0:20230501T000000Z  i--\n",
            )],
            &[("manager", "ips"), ("count", "1"), ("installed.web/nginx", "1.24.0")],
        ),
        ("init", &[], &[("manager", "smf")]),
    ];
}
