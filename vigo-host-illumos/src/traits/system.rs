//! `os`, `init` and `virtualization`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, fields, read, run, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;
use vigo_core::when::words::ARCHES;

pub(super) const OS: Collector = Collector::slow("os", os_probe, os);
pub(super) const INIT: Collector = Collector::quick("init", |_| Vec::new(), init);
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
    let word = if machine.arch == "i86pc" { "x86_64" } else { machine.arch.as_str() };
    let arch = ARCHES.iter().find(|(known, _)| *known == word).map(|(_, arch)| *arch);
    let kernel = see.output(UNAME, &["-v"]).ok().and_then(|v| some(v.trim()));
    Ok(Found::Value(fields([
        ("family", Some(Value::text("illumos"))),
        ("distro", some(&distro)),
        ("version", of("VERSION_ID").or_else(|| of("VERSION")).and_then(some)),
        ("arch", arch.map(Value::text)),
        ("kernel", Some(Value::text("sunos"))),
        ("kernel_version", kernel),
        ("build", of("BUILD_ID").and_then(some)),
    ])))
}

fn init(_: &Machine, _: &Outputs) -> Result<Found, String> {
    Ok(Found::Value(fields([("manager", Some(Value::text("smf")))])))
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
