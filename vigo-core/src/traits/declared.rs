//! The table of traits: what can be asked for, of which kind it is, how often it is collected, where.

/// What a trait is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraitKind {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A number with a fraction.
    Float,
    /// `true` or `false`.
    Bool,
    /// A time, as RFC 3339 text in UTC.
    Time,
    /// A list.
    List,
    /// A map.
    Map,
}

impl TraitKind {
    /// Returns the word for it in messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "integer",
            Self::Float => "float",
            Self::Bool => "boolean",
            Self::Time => "time",
            Self::List => "list",
            Self::Map => "map",
        }
    }
}

/// How often a trait is collected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// At each run.
    Volatile,
    /// Hourly.
    Periodic,
    /// Every 12 runs, at the start of the agent, on demand.
    Stable,
}

/// A top-level trait: what one collector returns.
#[derive(Debug)]
pub struct Area {
    /// Its name.
    pub name: &'static str,
    /// How often it is collected.
    pub period: Period,
    /// The systems that have it: `all`, `unix`, or of the letters `L`inux, `F`reeBSD, `O`penBSD, `N`etBSD, `I`llumos, `M`acOS, `W`indows.
    pub systems: &'static str,
    /// Its fields: paths below the name, each with its kind by a letter (`s i f b t`, `[]` a list, `{}` a map). `*` is
    /// any key of a map, `#` any index of a list. No path at all is the area itself.
    pub fields: &'static [&'static str],
}

/// Returns all areas but `custom`, whose fields are free.
pub fn areas() -> &'static [Area] {
    AREAS
}

const fn area(name: &'static str, period: Period, systems: &'static str, fields: &'static [&'static str]) -> Area {
    Area { name, period, systems, fields }
}

use Period::{Periodic, Stable, Volatile};

static AREAS: &[Area] = &[
    area("time", Volatile, "all", &["now:t epoch:i timezone:s utc_offset_secs:i ntp_synced:b"]),
    area("uptime", Volatile, "all", &["seconds:i boot_time:t boot_id:s"]),
    area("loadavg", Volatile, "unix", &["one:f five:f fifteen:f"]),
    area("memory", Volatile, "all", &["total_mb:i used_mb:i free_mb:i available_mb:i used_pct:f"]),
    area("swap", Volatile, "all", &["total_mb:i used_mb:i free_mb:i used_pct:f"]),
    area("mountpoints", Volatile, "all", &["*.device:s *.fstype:s *.options:[] *.options.#:s *.read_only:b"]),
    area("filesystem", Volatile, "all", &["*.size_mb:i *.used_mb:i *.free_mb:i *.used_pct:f *.inodes_used_pct:f"]),
    area(
        "users",
        Volatile,
        "all",
        &["logged_in:[] logged_in.#:s os:[] os.#:s human:[] human.#:s thirdparty:[] thirdparty.#:s"],
    ),
    area("ports", Volatile, "unix", &["listening:[] listening.#:i"]),
    area(
        "agent_self",
        Volatile,
        "all",
        &[
            "version:s rss_bytes:i vsz_bytes:i threads:i open_fds:i descendants:i descendant_open_fds:i uptime_secs:i",
            "collectors_failed:[] collectors_failed.#:s",
        ],
    ),
    area("host_self", Volatile, "L", &["fd_used:i fd_max:i proc_count:i oom_recent:i fd_pct:f fs_root_pct:f"]),
    area("swarm", Volatile, "unix", &["enabled:b peers_up:i peers_known:i"]),
    area(
        "swarm_seeds",
        Volatile,
        "unix",
        &["seeds:[] seeds.#.name:s seeds.#.digest:s seeds.#.size:i seeds.#.complete:b"],
    ),
    area("gitback", Volatile, "unix", &["projects:[] projects.#.name:s projects.#.head:s projects.#.in_sync:b"]),
    area("puddle", Volatile, "unix", &["users:[] users.#.user:s users.#.unlocked:b users.#.devices:i"]),
    area(
        "package_updates",
        Periodic,
        "all",
        &[
            "count:i security_count:i checked:t packages:[]",
            "packages.#.name:s packages.#.installed:s packages.#.candidate:s packages.#.security:b",
        ],
    ),
    area(
        "cloud",
        Periodic,
        "all",
        &[
            "provider:s instance_id:s instance_type:s instance_name:s region:s zone:s account_id:s vpc_id:s public_ip:s",
            "image_id:s resource_group:s tags:{} tags.*:s",
        ],
    ),
    area(
        "cve_running_correlation",
        Periodic,
        "L",
        &[
            "findings:[] findings.#.cve:s findings.#.package:s findings.#.process:s findings.#.pid:i findings.#.severity:s",
            "count:i",
        ],
    ),
    area(
        "os",
        Stable,
        "all",
        &[
            "family:s distro:s version:s codename:s arch:s upstream_id:s upstream_codename:s kernel:s kernel_version:s build:s",
        ],
    ),
    area("hardware", Stable, "all", &["cpu_count:i memory_mb:i cpu_model:s disks:[] disks.#.name:s disks.#.size_gb:i"]),
    area("cpu", Stable, "all", &["model:s vendor:s sockets:i cores:i threads:i mhz:i flags:[] flags.#:s"]),
    area("disks", Stable, "all", &["*.size_gb:i *.model:s *.serial:s *.rotational:b *.partitions:[] *.partitions.#:s"]),
    area(
        "network",
        Stable,
        "all",
        &[
            "hostname:s fqdn:s domain:s ip_addresses:[] ip_addresses.#:s mac_addresses:[] mac_addresses.#:s",
            "default_gateway:s default_interface:s",
        ],
    ),
    area("interfaces", Stable, "all", &["*.mac:s *.mtu:i *.up:b *.ipv4:[] *.ipv4.#:s *.ipv6:[] *.ipv6.#:s"]),
    area("dns", Stable, "all", &["nameservers:[] nameservers.#:s search:[] search.#:s"]),
    area(
        "dmi",
        Stable,
        "L F W",
        &[
            "bios_vendor:s bios_version:s bios_date:s board_vendor:s board_name:s product_name:s product_serial:s",
            "product_vendor:s chassis_type:s memory_devices:[] memory_devices.#.locator:s memory_devices.#.manufacturer:s",
            "memory_devices.#.part_number:s memory_devices.#.serial_number:s memory_devices.#.size_bytes:i",
            "memory_devices.#.speed_mts:i",
        ],
    ),
    area("virtualization", Stable, "all", &["is_virtual:b is_container:b kind:s"]),
    area("hypervisor", Stable, "L", &["libvirt:b kvm:b version:s guests:[] guests.#.name:s guests.#.state:s"]),
    area("docker", Stable, "L", &["installed:b running:b version:s containers:i images:i"]),
    area(
        "host_containers",
        Stable,
        "L",
        &[":[] #.name:s #.image:s #.image_id:s #.state:s #.health:s #.restart_count:i #.oom_killed:b"],
    ),
    area("packages", Stable, "all", &["manager:s count:i installed:{} installed.*:s"]),
    area("repositories", Stable, "all", &[":[] #.id:s #.url:s #.enabled:b"]),
    area("services", Stable, "all", &["*.run:s *.boot:s"]),
    area("init", Stable, "all", &["manager:s version:s"]),
    area(
        "accounts",
        Stable,
        "all",
        &[
            "users:{} users.*.uid:i users.*.gid:i users.*.home:s users.*.shell:s",
            "groups:{} groups.*.gid:i groups.*.members:[] groups.*.members.#:s",
        ],
    ),
    area("kernel", Stable, "L F N", &["cmdline:s modules:[] modules.#:s taint:i"]),
    area(
        "kernel_module_attestation",
        Stable,
        "L",
        &["enforced:b unsigned:[] unsigned.#:s out_of_tree:[] out_of_tree.#:s"],
    ),
    area("locale", Stable, "unix", &["lang:s charmap:s"]),
    area("selinux", Stable, "L", &["enabled:b mode:s policy:s"]),
    area("apparmor", Stable, "L", &["enabled:b profiles_enforce:i profiles_complain:i"]),
    area("firewall", Stable, "all", &["backend:s active:b default_in:s default_out:s"]),
    area(
        "ssh",
        Stable,
        "all",
        &["server_version:s host_keys:[] host_keys.#.type:s host_keys.#.fingerprint:s permit_root:s password_auth:s"],
    ),
    area("tpm", Stable, "L", &["present:b version:s"]),
    area("secureboot", Stable, "L", &["supported:b enabled:b"]),
    area("listeners", Stable, "L", &[":[] #.proto:s #.address:s #.port:i #.pid:i #.uid:i #.process:s"]),
    area(
        "package_source_audit",
        Stable,
        "L",
        &["unsigned_repos:[] unsigned_repos.#:s http_repos:[] http_repos.#:s foreign_packages:[] foreign_packages.#:s"],
    ),
    area(
        "cert_lifecycle",
        Stable,
        "all",
        &[
            "certificates:[] certificates.#.path:s certificates.#.cn:s certificates.#.subject:s certificates.#.issuer:s",
            "certificates.#.serial:s certificates.#.sans:[] certificates.#.sans.#:s certificates.#.not_before:t",
            "certificates.#.not_after:t certificates.#.expires:s certificates.#.days_remaining:i certificates.#.is_ca:b",
        ],
    ),
    area(
        "security_scan",
        Stable,
        "unix",
        &[
            "findings:[] findings.#.id:s findings.#.severity:s findings.#.path:s world_writable:i suid:i unowned:i",
            "roots:[] roots.#:s",
        ],
    ),
    area("reboot", Stable, "L F W", &["pending:b reasons:[] reasons.#:s"]),
    area(
        "storage",
        Stable,
        "L F I",
        &["volume_groups:[] volume_groups.#:s zpools:[] zpools.#:s md_arrays:[] md_arrays.#:s"],
    ),
    area("checks", Stable, "all", &["*.status:s *.at:t"]),
    area("custom_types", Stable, "all", &[":[] #:s"]),
];

/// A path below an area, and what stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Field {
    pub path: &'static str,
    pub kind: TraitKind,
}

impl Area {
    /// Returns whether a system, by its host's name, has it.
    pub fn is_of(&self, system: &str) -> bool {
        let letter = system.get(..1).unwrap_or_default().to_uppercase();
        self.systems.split(' ').any(|of| of == "all" || of == "unix" && system != "windows" || of == letter)
    }

    /// Returns the paths of the declared fields, below the name.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.each_field().map(|field| field.path)
    }

    /// Returns the declared fields.
    pub(super) fn each_field(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().flat_map(|line| line.split(' ')).filter_map(|field| {
            let (path, kind) = field.split_once(':')?;
            let kind = match kind {
                "s" => TraitKind::Text,
                "i" => TraitKind::Int,
                "f" => TraitKind::Float,
                "b" => TraitKind::Bool,
                "t" => TraitKind::Time,
                "[]" => TraitKind::List,
                "{}" => TraitKind::Map,
                _ => return None,
            };
            Some(Field { path, kind })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        for area in areas() {
            let written: usize = area.fields.iter().map(|line| line.split(' ').count()).sum();
            assert_eq!(area.each_field().count(), written, "{}", area.name);
            assert!(areas().iter().filter(|a| a.name == area.name).count() == 1, "{} is there twice", area.name);
        }
    }
}
