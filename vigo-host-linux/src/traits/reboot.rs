//! `reboot`: whether something waits for one.

use crate::package::compare_versions;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, list, read, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("reboot", probe, interpret);

/// Left by package scripts of Debian and its relatives.
const REQUIRED: &str = "/run/reboot-required";
const PACKAGES: &str = "/run/reboot-required.pkgs";
const RUNNING: &str = "/proc/sys/kernel/osrelease";
/// A folder for each installed kernel.
const KERNELS: &str = "/lib/modules";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(REQUIRED), read(PACKAGES), read(RUNNING), list(KERNELS)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let mut reasons: Vec<&str> = Vec::new();
    let packages = see.text(PACKAGES).unwrap_or_default();
    if see.exists(REQUIRED) {
        reasons.extend(packages.lines().map(str::trim).filter(|line| !line.is_empty()));
        if reasons.is_empty() {
            reasons.push("reboot-required");
        }
    }
    let running = see.text(RUNNING).unwrap_or_default();
    let installed: Vec<&str> = see.entries(KERNELS).iter().map(|e| &*e.path).collect();
    if is_outdated(running.trim(), &installed) {
        reasons.push("kernel");
    }
    let pending = Some(Value::Bool(!reasons.is_empty()));
    Ok(Found::Value(fields([("pending", pending), ("reasons", Some(sorted(reasons)))])))
}

/// Returns whether another kernel would be started: the running one is gone, or a newer of its flavour is there. A
/// container that has no kernels runs its host's.
fn is_outdated(running: &str, installed: &[&str]) -> bool {
    if installed.is_empty() || running.is_empty() {
        return false;
    }
    if !installed.contains(&running) {
        // Also a container's that has some package's modules but no kernel.
        return installed.iter().any(|other| flavour(other) == flavour(running));
    }
    let newer =
        |other: &&&str| flavour(other) == flavour(running) && compare_versions(other, running) == Ordering::Greater;
    installed.iter().any(|other| newer(&other))
}

/// `6.1.0-18-amd64` → `amd64`; what is behind the last number.
fn flavour(kernel: &str) -> &str {
    match kernel.rsplit_once('-') {
        Some((_, last)) if !last.bytes().next().is_some_and(|b| b.is_ascii_digit()) => last,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_kernel_of_the_same_flavour_waits() {
        let cases: &[(&str, &str, &[&str], bool)] = &[
            ("the only one", "6.1.0-18-amd64", &["6.1.0-18-amd64"], false),
            ("a newer one", "6.1.0-9-amd64", &["6.1.0-18-amd64", "6.1.0-9-amd64"], true),
            ("an older one", "6.1.0-18-amd64", &["6.1.0-18-amd64", "6.1.0-9-amd64"], false),
            ("another flavour", "6.1.0-9-amd64", &["6.1.0-18-cloud-amd64-x", "6.1.0-9-amd64"], false),
            ("replaced", "6.9.1-arch1-1", &["6.9.2-arch1-1"], true),
            ("a container", "6.9.1-arch1-1", &[], false),
            ("another's kernel", "6.18.44-fc-v657", &["6.1.0-18-amd64"], false),
        ];
        for (name, running, installed, expected) in cases {
            assert_eq!(is_outdated(running, installed), *expected, "{name}");
        }
    }
}
