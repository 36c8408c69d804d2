//! `os`, `init` and `virtualization`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, fields, read, run};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const OS: Collector = Collector::slow("os", os_probe, os);
pub(super) const INIT: Collector = Collector::quick("init", |_| Vec::new(), |_, _| Ok(form::init("smf")));
pub(super) const AGENT_SELF: Collector =
    Collector::quick("agent_self", |_| Vec::new(), |machine, _| Ok(form::agent_self(machine)));
pub(super) const VIRTUALIZATION: Collector = Collector::slow("virtualization", zone_probe, zone);

const RELEASE: &str = "/etc/os-release";
const UNAME: &str = "/usr/bin/uname";
const ZONENAME: &str = "/usr/sbin/zonename";

fn os_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(RELEASE), run(UNAME, &["-v"])]
}

fn os(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(RELEASE)?;
    let of = |key: &str| assigned(&text, key).filter(|value| !value.is_empty());
    let distro = of("ID").ok_or("`/etc/os-release` holds no `ID`")?.to_lowercase();
    // uname(1) says i86pc where others say x86_64.
    let arch = if machine.arch == "i86pc" { "x86_64" } else { &machine.arch };
    let kernel = see.output(UNAME, &["-v"]).ok();
    let told = form::Os {
        family: "illumos",
        distro: &distro,
        version: of("VERSION_ID").or_else(|| of("VERSION")),
        kernel: "sunos",
        kernel_version: kernel.as_deref().map(str::trim),
        build: of("BUILD_ID"),
    };
    Ok(form::os(arch, told))
}

fn zone_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(ZONENAME, &[])]
}

/// In the zone `global` nothing says whether the machine is a virtual one.
fn zone(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let zone = See(outputs).output(ZONENAME, &[])?;
    let flag = |is: bool| Some(Value::Bool(is));
    match zone.trim() {
        "" => Err("`zonename` said nothing".into()),
        "global" => Ok(Found::Value(fields([("is_virtual", Some(Value::Null)), ("is_container", flag(false))]))),
        _ => Ok(Found::Value(fields([
            ("is_virtual", flag(true)),
            ("is_container", flag(true)),
            ("kind", Some(Value::text("zone"))),
        ]))),
    }
}
