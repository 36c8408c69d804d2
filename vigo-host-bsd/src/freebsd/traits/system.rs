//! `kernel`, `virtualization`, `reboot`, `dmi`.

use super::tools::Tools;
use crate::traits::sysctl::{Oids, ask};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, assigned, fields, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const KERNEL: Collector = Collector::slow("kernel", |_| alloc::vec![run(KLDSTAT, &[])], kernel);
pub(super) const VIRTUALIZATION: Collector =
    Collector::slow("virtualization", |_| ask::<Tools>(GUEST_OIDS), virtualization);
pub(super) const REBOOT: Collector = Collector::slow("reboot", |_| alloc::vec![run(VERSION, VERSION_ARGS)], reboot);
pub(super) const DMI: Collector = Collector::slow("dmi", |_| alloc::vec![run(KENV, &[])], dmi);

const GUEST_OIDS: &[&str] = &["kern.vm_guest", "security.jail.jailed"];
const KLDSTAT: &str = "/sbin/kldstat";
const KENV: &str = "/bin/kenv";
const VERSION: &str = "/bin/freebsd-version";
/// The installed kernel, then the running one.
const VERSION_ARGS: &[&str] = &["-k", "-r"];

/// Reads `Id Refs Address Size Name`, kldstat(8).
fn kernel(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(KLDSTAT, &[])?;
    let name = |line: &'_ str| -> Option<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [id, _, _, _, name] = words[..] else { return None };
        id.parse::<u32>().ok()?;
        name.strip_suffix(".ko").map(ToString::to_string)
    };
    let modules: Vec<String> = text.lines().filter_map(name).collect();
    Ok(Found::Value(fields([("modules", Some(sorted(modules.iter().map(String::as_str))))])))
}

fn virtualization(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<Tools>(outputs, GUEST_OIDS)?;
    let jailed = oids.number("security.jail.jailed") == Some(1);
    let guest = match oids.text("kern.vm_guest") {
        Some("hv") => "hyperv",
        Some("vbox") => "virtualbox",
        Some(other) => other,
        None => "none",
    };
    let kind = if jailed { "jail" } else { guest };
    Ok(Found::Value(fields([
        ("is_virtual", Some(Value::Bool(jailed || guest != "none"))),
        ("is_container", Some(Value::Bool(jailed))),
        ("kind", some(kind)),
    ])))
}

/// DragonFly has no such program.
fn reboot(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(VERSION, VERSION_ARGS)?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let [installed, running] = lines[..] else {
        return Err("`freebsd-version` does not say two versions".into());
    };
    let pending = installed != running;
    Ok(Found::Value(fields([
        ("pending", Some(Value::Bool(pending))),
        ("reasons", Some(sorted(pending.then_some("kernel")))),
    ])))
}

/// Lines such as `smbios.bios.vendor="SeaBIOS"`, kenv(1). A machine without such a table has none of them.
fn dmi(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(KENV, &[])?;
    if !text.contains("smbios.") {
        return Ok(Found::Absent);
    }
    let of = |key: &str| assigned(&text, key).map(str::trim).and_then(some);
    Ok(Found::Value(fields([
        ("bios_vendor", of("smbios.bios.vendor")),
        ("bios_version", of("smbios.bios.version")),
        ("bios_date", of("smbios.bios.reldate")),
        ("board_vendor", of("smbios.planar.maker")),
        ("board_name", of("smbios.planar.product")),
        ("product_name", of("smbios.system.product")),
        ("product_serial", of("smbios.system.serial")),
        ("product_vendor", of("smbios.system.maker")),
        ("chassis_type", of("smbios.chassis.type")),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    fn value(collector: &Collector, items: &[(&str, &str)]) -> Value {
        match (collector.interpret)(&Machine::default(), &answers(items)) {
            Ok(Found::Value(value)) => value,
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn a_jail_is_a_container() {
        let line = "run /sbin/sysctl -i kern.vm_guest security.jail.jailed";
        for (text, kind, container) in [
            ("kern.vm_guest: none\nsecurity.jail.jailed: 0\n", "none", false),
            ("kern.vm_guest: hv\nsecurity.jail.jailed: 0\n", "hyperv", false),
            ("kern.vm_guest: kvm\nsecurity.jail.jailed: 1\n", "jail", true),
        ] {
            let seen = value(&VIRTUALIZATION, &[(line, text)]);
            assert_eq!(seen.at("kind"), Some(&kind.into()));
            assert_eq!(seen.at("is_container"), Some(&Value::Bool(container)));
        }
    }

    #[test]
    fn a_kernel_that_is_installed_and_not_running_waits_for_a_reboot() {
        let line = "run /bin/freebsd-version -k -r";
        let pending = |text| value(&REBOOT, &[(line, text)]).at("pending").cloned();
        assert_eq!(pending("14.1-RELEASE-p5\n14.1-RELEASE-p4\n"), Some(Value::Bool(true)));
        assert_eq!(pending("14.1-RELEASE-p5\n14.1-RELEASE-p5\n"), Some(Value::Bool(false)));
        assert!((REBOOT.interpret)(&Machine::default(), &answers(&[(line, "14.1\n")])).is_err());
    }

    #[test]
    fn modules_have_no_ending() {
        let text = "Id Refs Address                Size Name\n 1   12 0xffffffff80200000  1f3c6c0 kernel\n\
                    2    1 0xffffffff8213d000   5d5958 zfs.ko\n";
        let seen = value(&KERNEL, &[("run /sbin/kldstat", text)]);
        assert_eq!(seen.at("modules"), Some(&sorted(["zfs"])));
    }

    #[test]
    fn names_of_the_machine_stand_in_quotes() {
        let text =
            "LINES=\"24\"\nsmbios.bios.vendor=\"SeaBIOS\"\nsmbios.system.maker=\"QEMU\"\nsmbios.system.serial=\" \"\n";
        let seen = value(&DMI, &[("run /bin/kenv", text)]);
        assert_eq!(
            (seen.at("bios_vendor"), seen.at("product_vendor")),
            (Some(&"SeaBIOS".into()), Some(&"QEMU".into()))
        );
        assert_eq!(seen.at("product_serial"), None);
        assert_eq!(
            (DMI.interpret)(&Machine::default(), &answers(&[("run /bin/kenv", "LINES=\"24\"\n")])),
            Ok(Found::Absent)
        );
    }
}
