//! `os`, `init` and `virtualization`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, run};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const OS: Collector = Collector::slow("os", os_probe, os);
pub(super) const INIT: Collector = Collector::quick("init", |_| Vec::new(), |_, _| Ok(form::init("launchd")));
pub(super) const AGENT_SELF: Collector =
    Collector::quick("agent_self", |_| Vec::new(), |machine, _| Ok(form::agent_self(machine)));
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
    let release = see.output(SYSCTL, &RELEASE).ok();
    let told = form::Os {
        family: "macos",
        distro: "macos",
        version: Some(version),
        kernel: "darwin",
        kernel_version: release.as_deref().map(str::trim),
        build: colon(&text, "BuildVersion"),
    };
    Ok(form::os(&machine.arch, told))
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
