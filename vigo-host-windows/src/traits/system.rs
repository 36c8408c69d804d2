//! `os`, `init`, `reboot`, `custom_types`: which system this is, and what stands ready on it.

use super::registry::{Key, query};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::resource::custom::WINDOWS_FOLDERS;
use vigo_core::traits::see::{fields, list};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;
use vigo_core::when::words::ARCHES;

pub(super) const OS: Collector = Collector::slow("os", probe, os);
pub(super) const INIT: Collector = Collector::quick("init", nothing, init);
pub(super) const REBOOT: Collector = Collector::slow("reboot", probe_reboot, reboot);
pub(super) const CUSTOM_TYPES: Collector = Collector::quick(
    "custom_types",
    |_| WINDOWS_FOLDERS.map(list).into(),
    |_, outputs| form::custom_types(WINDOWS_FOLDERS, outputs),
);

const VERSION: &str = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";

/// The first build of Windows 11, which calls itself Windows 10 in the registry.
const ELEVEN: u64 = 22_000;

/// Keys that are there while a start of the machine is due, and what asks for it.
const DUE: &[(&str, &str)] = &[
    ("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending", "servicing"),
    ("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired", "update"),
];

fn nothing(_: &Machine) -> Vec<Op> {
    Vec::new()
}

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![query(VERSION)]
}

fn os(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    // The family is known without an answer, and adapters are chosen by it.
    let key = Key::read(outputs, VERSION).unwrap_or_default();
    let build = key.text("CurrentBuild").or_else(|| key.text("CurrentBuildNumber"));
    let number = build.and_then(|build| build.parse().ok()).unwrap_or(0);
    let numbers = key.number("CurrentMajorVersionNumber").zip(key.number("CurrentMinorVersionNumber"));
    let kernel = numbers.map(|(major, minor)| format!("{major}.{minor}"));
    let kernel = kernel.or_else(|| key.text("CurrentVersion").map(ToString::to_string));
    let arch = ARCHES.iter().find(|(word, _)| *word == machine.arch).map(|(_, arch)| *arch);
    Ok(Found::Value(fields([
        ("family", Some(Value::text("windows"))),
        ("distro", Some(Value::text("windows"))),
        ("version", key.text("ProductName").and_then(|name| version(name, number)).map(Value::text)),
        ("codename", key.value("DisplayVersion").or_else(|| key.value("ReleaseId"))),
        ("arch", arch.map(Value::text)),
        ("kernel", Some(Value::text("windows"))),
        ("kernel_version", kernel.zip(build).map(|(kernel, build)| Value::from(format!("{kernel}.{build}")))),
        ("build", build.map(Value::text)),
    ])))
}

/// `Windows Server 2012 R2 Standard` is 2012r2, `Windows 10 Pro` 10 or 11, `Windows 8.1` 8.1.
fn version(product: &str, build: u64) -> Option<&str> {
    let mut words = product.split_whitespace();
    let number = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(match (number, words.next()) {
        ("10", _) if build >= ELEVEN => "11",
        ("2008", Some("R2")) => "2008r2",
        ("2012", Some("R2")) => "2012r2",
        (number, _) => number,
    })
}

fn init(_: &Machine, _: &Outputs) -> Result<Found, String> {
    Ok(Found::Value(fields([("manager", Some(Value::text("scm")))])))
}

fn probe_reboot(_: &Machine) -> Vec<Op> {
    DUE.iter().map(|(key, _)| query(key)).collect()
}

/// A key that cannot be read is taken for one that is not there: reg.exe does not tell the two apart.
fn reboot(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let is_there = |key: &str| match outputs.get(&query(key)) {
        Some(OpOutput::Ran(ran)) => Ok(ran.success()),
        _ => Err(format!("`{key}` could not be asked for")),
    };
    let mut reasons = Vec::new();
    for (key, reason) in DUE {
        if is_there(key)? {
            reasons.push(Value::text(*reason));
        }
    }
    let pending = Some(Value::Bool(!reasons.is_empty()));
    Ok(Found::Value(fields([("pending", pending), ("reasons", Some(Value::list(reasons)))])))
}

#[cfg(test)]
mod tests {
    use super::super::registry::answers;
    use super::*;

    #[test]
    fn products_are_versions_and_eleven_says_ten() {
        for (product, build, expected) in [
            ("Windows Server 2022 Datacenter", 20348, Some("2022")),
            ("Windows Server 2012 R2 Standard", 9600, Some("2012r2")),
            ("Windows 10 Pro", 19045, Some("10")),
            ("Windows 10 Pro", 22631, Some("11")),
            ("Windows 8.1 Pro", 9600, Some("8.1")),
            ("Windows 7 Professional", 7601, Some("7")),
            ("Microsoft Windows", 1, None),
        ] {
            assert_eq!(version(product, build), expected, "{product}");
        }
    }

    #[test]
    fn the_family_is_known_whatever_the_registry_says() {
        let out = "    ProductName    REG_SZ    Windows Server 2019\r\n    CurrentBuild    REG_SZ    17763\r\n    \
                   CurrentMajorVersionNumber    REG_DWORD    0xa\r\n    CurrentMinorVersionNumber    REG_DWORD    0x0\r\n";
        let machine = Machine { arch: "x86_64".into(), ..Machine::default() };
        for (outputs, kernel) in [(answers(&[(VERSION, out)]), Some("10.0.17763")), (Outputs::default(), None)] {
            let Ok(Found::Value(seen)) = os(&machine, &outputs) else { panic!("expected a value") };
            assert_eq!(seen.at("family").and_then(Value::as_str), Some("windows"));
            assert_eq!(seen.at("arch").and_then(Value::as_str), Some("amd64"));
            assert_eq!(seen.at("kernel_version").and_then(Value::as_str), kernel);
        }
    }

    #[test]
    fn a_due_start_has_its_reasons() {
        let mut outputs = answers(&[(DUE[1].0, "\r\n")]);
        assert!(reboot(&Machine::default(), &outputs).is_err(), "only half of it was asked");
        outputs.push(query(DUE[0].0), alloc::sync::Arc::new(OpOutput::exited(1, "", "ERROR")));
        let Ok(Found::Value(seen)) = reboot(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("reasons"), Some(&Value::list([Value::text("update")])));
    }
}
