//! `os`, `init`, `virtualization`, `locale`, `agent_self`, `custom_types`.

use super::super::see::{See, fields, some, sorted};
use super::super::{Found, Machine};
use crate::action::{FileKind, Outputs};
use crate::value::Value;
use crate::when::words::ARCHES;
use alloc::string::String;

/// What a system calls itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Os<'a> {
    /// The family, as conditions name it.
    pub family: &'a str,
    /// The distribution.
    pub distro: &'a str,
    /// Its version.
    pub version: Option<&'a str>,
    /// The kernel.
    pub kernel: &'a str,
    /// The version of the kernel.
    pub kernel_version: Option<&'a str>,
    /// What it was built as, or from.
    pub build: Option<&'a str>,
}

/// Returns area `os`; `arch` is the system's own word for the architecture, which is told in the word that is usual.
pub fn os(arch: &str, told: Os<'_>) -> Found {
    let arch = ARCHES.iter().find(|(word, _)| *word == arch).map(|(_, arch)| *arch);
    Found::Value(fields([
        ("family", some(told.family)),
        ("distro", some(told.distro)),
        ("version", told.version.and_then(some)),
        ("arch", arch.map(Value::text)),
        ("kernel", some(told.kernel)),
        ("kernel_version", told.kernel_version.and_then(some)),
        ("build", told.build.and_then(some)),
    ]))
}

/// Returns area `init` of a system that has one manager of services.
pub fn init(manager: &str) -> Found {
    Found::Value(fields([("manager", some(manager))]))
}

/// Returns area `locale` of the name of a language, such as `de_DE.UTF-8`. `C` has the characters of ASCII.
pub fn locale(lang: &str) -> Found {
    let charmap = match lang.split_once('.') {
        Some((_, map)) => Some(map.split('@').next().unwrap_or(map)),
        None if matches!(lang, "C" | "POSIX") => Some("ANSI_X3.4-1968"),
        None => None,
    };
    let charmap = charmap.map(|map| if map.eq_ignore_ascii_case("utf8") { "UTF-8" } else { map });
    Found::Value(fields([("lang", some(lang)), ("charmap", charmap.and_then(some))]))
}

/// Returns area `agent_self` where nothing tells what the agent uses.
pub fn agent_self(machine: &Machine) -> Found {
    Found::Value(fields([("version", some(machine.version))]))
}

/// What makers and products of virtual machines call themselves, in lower case.
const MACHINES: &[(&str, &str)] = &[
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("qemu", "kvm"),
    ("kvm", "kvm"),
    ("xen", "xen"),
    ("amazon ec2", "kvm"),
    ("google compute engine", "kvm"),
    ("parallels", "parallels"),
    ("virtual machine", "hyperv"),
    ("vmm", "vmm"),
    ("bhyve", "bhyve"),
];

/// Returns the `kind` of area `virtualization` of a machine whose makers and products have these names; `None` of a real
/// one.
pub fn guest(names: &str) -> Option<&'static str> {
    let names = names.to_lowercase();
    MACHINES.iter().find(|(word, _)| names.contains(word)).map(|(_, kind)| *kind)
}

/// Returns area `custom_types` of the executors in these folders.
pub fn custom_types(folders: [&'static str; 2], outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let entries = folders.into_iter().flat_map(|folder| see.entries(folder));
    let usable =
        entries.filter(|e| e.meta.kind == FileKind::File && e.meta.mode & 0o111 != 0 && !e.path.starts_with('.'));
    Ok(Found::Value(sorted(usable.map(|e| &*e.path))))
}
