//! `os`, `init` and `virtualization`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, run, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;
use vigo_core::when::words::ARCHES;

pub(super) const OS: Collector = Collector::slow("os", os_probe, os);
pub(super) const INIT: Collector = Collector::quick("init", |_| Vec::new(), init);
pub(super) const VIRTUALIZATION: Collector = Collector::slow("virtualization", vm_probe, vm);

const SW_VERS: &str = "/usr/bin/sw_vers";
const SYSCTL: &str = "/usr/sbin/sysctl";
const RELEASE: [&str; 2] = ["-n", "kern.osrelease"];
const VMM: [&str; 2] = ["-n", "kern.hv_vmm_present"];

fn os_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SW_VERS, &[]), run(SYSCTL, &RELEASE)]
}

fn os(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.output(SW_VERS, &[])?;
    let version = colon(&text, "ProductVersion").filter(|v| !v.is_empty()).ok_or("`sw_vers` tells no version")?;
    let arch = ARCHES.iter().find(|(word, _)| *word == machine.arch).map(|(_, arch)| *arch);
    Ok(Found::Value(fields([
        ("family", Some(Value::text("macos"))),
        ("distro", Some(Value::text("macos"))),
        ("version", some(version)),
        ("arch", arch.map(Value::text)),
        ("kernel", Some(Value::text("darwin"))),
        ("kernel_version", see.output(SYSCTL, &RELEASE).ok().and_then(|v| some(v.trim()))),
        ("build", colon(&text, "BuildVersion").and_then(some)),
    ])))
}

fn init(_: &Machine, _: &Outputs) -> Result<Found, String> {
    Ok(Found::Value(fields([("manager", Some(Value::text("launchd")))])))
}

fn vm_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &VMM)]
}

/// Which hypervisor it is is not told; systems before 11 know nothing of it.
fn vm(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let is_virtual = match see.output(SYSCTL, &VMM).as_deref().map(str::trim) {
        Ok("1") => Some(Value::Bool(true)),
        Ok("0") => Some(Value::Bool(false)),
        _ => Some(Value::Null),
    };
    let kind = (is_virtual == Some(Value::Bool(false))).then(|| Value::text("none"));
    Ok(Found::Value(fields([("is_virtual", is_virtual), ("is_container", Some(Value::Bool(false))), ("kind", kind)])))
}
