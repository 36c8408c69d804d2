//! `virtualization`: whether this is a container or a virtual machine, and of which kind.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, read, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("virtualization", probe, interpret);

/// Written by systemd when it is process 1 of a container.
const CONTAINER: &str = "/run/systemd/container";
const ENVIRON: &str = "/proc/1/environ";
const CGROUP: &str = "/proc/1/cgroup";
const KERNEL: &str = "/proc/sys/kernel/osrelease";
const XEN: &str = "/sys/hypervisor/type";
const XEN_ROLE: &str = "/proc/xen/capabilities";
const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
const PRODUCT: &str = "/sys/class/dmi/id/product_name";
const BIOS: &str = "/sys/class/dmi/id/bios_vendor";
const CPUINFO: &str = "/proc/cpuinfo";

fn probe(_: &Machine) -> Vec<Op> {
    let mut ops: Vec<Op> = [CONTAINER, ENVIRON, CGROUP, KERNEL, XEN, XEN_ROLE, VENDOR, PRODUCT, BIOS].map(read).into();
    ops.extend(["/.dockerenv", "/run/.containerenv", "/proc/vz", "/proc/bc"].map(stat));
    ops
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let container = container(see);
    let kind = match &container {
        Some(kind) => kind.clone(),
        None => match hypervisor(see) {
            Some(kind) => kind.to_string(),
            // Firmware that names nobody: the processor knows. Elsewhere its long file is not read.
            None if see.value(VENDOR).is_none() && !see.has(&read(CPUINFO)) => {
                return Ok(Found::Ask(alloc::vec![read(CPUINFO)]));
            }
            None => of_processor(see).to_string(),
        },
    };
    Ok(Found::Value(fields([
        ("is_virtual", Some(Value::Bool(kind != "none"))),
        ("is_container", Some(Value::Bool(container.is_some()))),
        ("kind", Some(Value::text(kind))),
    ])))
}

fn container(see: See<'_>) -> Option<String> {
    let word = |text: &str| match text.trim() {
        "" | "none" => None,
        "systemd-nspawn" => Some("nspawn".to_string()),
        // What runs in the container's place of the host is no container: `container=host` of some tools.
        "host" => None,
        other if other.len() <= 32 && other.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) => {
            Some(other.to_lowercase())
        }
        _ => Some("container".to_string()),
    };
    if let Some(kind) = see.text(CONTAINER).and_then(|t| word(&t)) {
        return Some(kind);
    }
    if see.exists("/run/.containerenv") {
        return Some("podman".into());
    }
    if see.exists("/.dockerenv") {
        return Some("docker".into());
    }
    // Of the environment only what says this.
    let environ = see.text(ENVIRON).unwrap_or_default();
    if let Some(kind) = environ.split('\0').find_map(|v| v.strip_prefix("container=")).and_then(word) {
        return Some(kind);
    }
    if see.exists("/proc/vz") && !see.exists("/proc/bc") {
        return Some("openvz".into());
    }
    let cgroup = see.text(CGROUP).unwrap_or_default();
    let known = [("/docker", "docker"), ("/kubepods", "kubernetes"), ("/lxc", "lxc"), ("/libpod", "podman")];
    known.iter().find(|(part, _)| cgroup.contains(part)).map(|(_, kind)| (*kind).to_string())
}

/// Returns the kind of virtual machine that its firmware names; `Some("none")` where it is known to be none.
fn hypervisor(see: See<'_>) -> Option<&'static str> {
    let kernel = see.text(KERNEL).unwrap_or_default();
    if kernel.contains("Microsoft") || kernel.contains("microsoft-standard") {
        return Some("wsl");
    }
    if see.text(XEN).is_some_and(|t| t.trim() == "xen") {
        // Domain 0 is the machine itself.
        let role = see.text(XEN_ROLE).unwrap_or_default();
        return Some(if role.contains("control_d") { "none" } else { "xen" });
    }
    let text = |path| see.text(path).map(|t| t.trim().to_string()).unwrap_or_default();
    let (vendor, product, bios) = (text(VENDOR), text(PRODUCT), text(BIOS));
    let has = |word: &str| [&vendor, &product, &bios].iter().any(|t| t.starts_with(word));
    match () {
        // A whole machine of a cloud: `m5.metal`.
        () if vendor == "Amazon EC2" && product.ends_with(".metal") => Some("none"),
        () if has("VMware") => Some("vmware"),
        () if vendor == "Microsoft Corporation" && product == "Virtual Machine" => Some("hyperv"),
        () if has("VirtualBox") || has("innotek") => Some("virtualbox"),
        () if has("Parallels") => Some("parallels"),
        () if has("BHYVE") => Some("bhyve"),
        () if has("Apple Virtualization") => Some("apple"),
        () if has("Xen") => Some("xen"),
        () if has("Bochs") => Some("bochs"),
        () if KVM.iter().any(|word| has(word)) || product.contains("KVM") => Some("kvm"),
        () => None,
    }
}

/// Makers whose machines are those of KVM.
const KVM: &[&str] = &[
    "QEMU",
    "KVM",
    "Amazon EC2",
    "Google Compute Engine",
    "DigitalOcean",
    "OpenStack",
    "Alibaba Cloud ECS",
    "Hetzner",
    "Linode",
    "Vultr",
    "Scaleway",
    "UpCloud",
    "oVirt",
    "RHEV",
    "Nutanix",
    "Tencent Cloud",
    "Huawei Inc. OpenStack",
];

/// The flag says that there is a hypervisor, not which.
fn of_processor(see: See<'_>) -> &'static str {
    let text = see.text(CPUINFO).unwrap_or_default();
    let is_guest = colon(&text, "flags").is_some_and(|flags| flags.split(' ').any(|f| f == "hypervisor"));
    if is_guest { "vm-other" } else { "none" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::{Files, answers};

    #[test]
    fn kinds_are_told_apart() {
        let cases: &[(&str, Files<'_>, (bool, bool, &str))] = &[
            ("bare metal", &[(VENDOR, "Dell Inc.\n"), (PRODUCT, "PowerEdge\n")], (false, false, "none")),
            ("kvm", &[(VENDOR, "QEMU\n"), (PRODUCT, "Standard PC\n")], (true, false, "kvm")),
            ("vmware", &[(VENDOR, "VMware, Inc.\n")], (true, false, "vmware")),
            (
                "hyper-v",
                &[(VENDOR, "Microsoft Corporation\n"), (PRODUCT, "Virtual Machine\n")],
                (true, false, "hyperv"),
            ),
            ("a Surface", &[(VENDOR, "Microsoft Corporation\n"), (PRODUCT, "Surface Pro\n")], (false, false, "none")),
            ("whole machine of a cloud", &[(VENDOR, "Amazon EC2\n"), (PRODUCT, "m5.metal\n")], (false, false, "none")),
            ("xen guest", &[(XEN, "xen\n"), (VENDOR, "Xen\n")], (true, false, "xen")),
            ("xen domain 0", &[(XEN, "xen\n"), (XEN_ROLE, "control_d\n"), (VENDOR, "HP\n")], (false, false, "none")),
            ("no firmware, guest", &[(CPUINFO, "flags\t\t: fpu hypervisor lm\n")], (true, false, "vm-other")),
            ("no firmware, no guest", &[(CPUINFO, "flags\t\t: fpu lm\n")], (false, false, "none")),
            ("nspawn", &[(CONTAINER, "systemd-nspawn"), (VENDOR, "QEMU\n")], (true, true, "nspawn")),
            ("lxc", &[(ENVIRON, "a=b\0container=lxc\0")], (true, true, "lxc")),
            ("docker by its cgroup", &[(CGROUP, "1:cpu:/docker/abc\n")], (true, true, "docker")),
            ("podman", &[("/run/.containerenv", "")], (true, true, "podman")),
            ("a word that is none", &[(CONTAINER, "a b;c")], (true, true, "container")),
            ("wsl", &[(KERNEL, "5.15.90.1-microsoft-standard-WSL2\n")], (true, false, "wsl")),
        ];
        for (name, items, (is_virtual, is_container, kind)) in cases {
            let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(items)) else {
                panic!("{name}: expected a value")
            };
            assert_eq!(seen.at("kind").and_then(Value::as_str), Some(*kind), "{name}");
            assert_eq!(seen.at("is_virtual"), Some(&Value::Bool(*is_virtual)), "{name}");
            assert_eq!(seen.at("is_container"), Some(&Value::Bool(*is_container)), "{name}");
        }
        let asked = interpret(&Machine::default(), &Outputs::default());
        assert_eq!(asked, Ok(Found::Ask(alloc::vec![read(CPUINFO)])));
    }
}
