//! `os`, `kernel`, `init`, `uptime`, `loadavg`, `time`, `virtualization`, `reboot`.

use super::oid::{self, Oids};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, fields, int, read, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;
use vigo_core::when::words::ARCHES;

pub(super) const OS: Collector = Collector::slow("os", |_| oid::ask(OS_OIDS), os);
pub(super) const KERNEL: Collector = Collector::slow("kernel", |_| alloc::vec![run(KLDSTAT, &[])], kernel);
pub(super) const INIT: Collector = Collector::quick("init", |_| alloc::vec![read(RC)], init);
pub(super) const UPTIME: Collector = Collector::slow("uptime", |_| oid::ask(BOOT_OIDS), uptime);
pub(super) const LOADAVG: Collector = Collector::slow("loadavg", |_| oid::ask(LOAD_OIDS), loadavg);
pub(super) const TIME: Collector = Collector::quick("time", probe_time, time);
pub(super) const VIRTUALIZATION: Collector =
    Collector::slow("virtualization", |_| oid::ask(GUEST_OIDS), virtualization);
pub(super) const REBOOT: Collector = Collector::slow("reboot", |_| alloc::vec![run(VERSION, VERSION_ARGS)], reboot);

const OS_OIDS: &[&str] = &["kern.ostype", "kern.osrelease", "kern.ident"];
const BOOT_OIDS: &[&str] = &["kern.boottime", "kern.boot_id"];
const LOAD_OIDS: &[&str] = &["vm.loadavg"];
const GUEST_OIDS: &[&str] = &["kern.vm_guest", "security.jail.jailed"];
const KLDSTAT: &str = "/sbin/kldstat";
const RC: &str = "/etc/rc.subr";
const ZONE: &str = "/var/db/zoneinfo";
const VERSION: &str = "/bin/freebsd-version";
/// The installed kernel, then the running one.
const VERSION_ARGS: &[&str] = &["-k", "-r"];

fn os(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of(outputs, OS_OIDS)?;
    let release = oids.text("kern.osrelease").ok_or("`sysctl` does not say `kern.osrelease`")?;
    // `14.1-RELEASE-p5`.
    let version = release.split('-').next().unwrap_or(release);
    let distro = if oids.text("kern.ostype") == Some("DragonFly") { "dragonfly" } else { "freebsd" };
    let arch = ARCHES.iter().find(|(word, _)| *word == machine.arch).map(|(_, arch)| Value::text(*arch));
    Ok(Found::Value(fields([
        ("family", Some(Value::text("freebsd"))),
        ("distro", Some(Value::text(distro))),
        ("version", some(version)),
        ("arch", arch),
        ("kernel", Some(Value::text("freebsd"))),
        ("kernel_version", some(release)),
        ("build", oids.text("kern.ident").and_then(some)),
    ])))
}

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

fn init(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    See(outputs).need(RC)?;
    Ok(Found::Value(fields([("manager", Some(Value::text("rc")))])))
}

/// `{ sec = 1795260000, usec = 123 } Sun Nov 22 …`.
fn uptime(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of(outputs, BOOT_OIDS)?;
    let seconds = oids.text("kern.boottime").and_then(|text| {
        let rest = text.split_once("sec = ")?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok()
    });
    let booted = seconds.ok_or("`sysctl` does not say `kern.boottime`")?;
    let up = u64::try_from(machine.now.epoch_secs().saturating_sub(booted)).unwrap_or(0);
    Ok(Found::Value(fields([
        ("seconds", Some(int(up))),
        ("boot_time", Some(Value::text(Timestamp::from_epoch_secs(booted).to_string()))),
        ("boot_id", oids.text("kern.boot_id").and_then(some)),
    ])))
}

/// `{ 0.20 0.18 0.15 }`.
fn loadavg(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of(outputs, LOAD_OIDS)?;
    let text = oids.text("vm.loadavg").ok_or("`sysctl` does not say `vm.loadavg`")?;
    let words = text.split_whitespace().filter(|word| !matches!(*word, "{" | "}"));
    let mut numbers = words.map(|word| word.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Float));
    let mut next = || numbers.next().flatten();
    Ok(Found::Value(fields([("one", next()), ("five", next()), ("fifteen", next())])))
}

fn probe_time(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::stat(&AbsPath::known("/etc/localtime")), read(ZONE)]
}

/// A copy in place of the link has its name in a file of its own.
fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let timezone = match see.meta("/etc/localtime") {
        None => Some(Value::text("UTC")),
        Some(meta) => match meta.target.as_deref().and_then(|target| target.split_once("zoneinfo/")) {
            Some((_, zone)) => some(zone),
            None => see.text(ZONE).and_then(|zone| some(zone.trim())),
        },
    };
    Ok(Found::Value(fields([
        ("now", Some(Value::text(machine.now.to_string()))),
        ("epoch", Some(Value::Int(machine.now.epoch_secs()))),
        ("timezone", timezone),
        ("utc_offset_secs", Some(Value::Int(machine.utc_offset_secs.into()))),
        ("ntp_synced", machine.ntp_synced.map(Value::Bool)),
    ])))
}

fn virtualization(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of(outputs, GUEST_OIDS)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    fn value(collector: &Collector, machine: &Machine, items: &[(&str, &str)]) -> Value {
        match (collector.interpret)(machine, &answers(items)) {
            Ok(Found::Value(value)) => value,
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn a_release_has_a_version_and_dragonfly_its_own_name() {
        let line = "run /sbin/sysctl -i kern.ostype kern.osrelease kern.ident";
        let machine = Machine { arch: "amd64".into(), ..Machine::default() };
        let text = "kern.ostype: FreeBSD\nkern.osrelease: 14.1-RELEASE-p5\nkern.ident: GENERIC\n";
        let seen = value(&OS, &machine, &[(line, text)]);
        for (field, expected) in [
            ("family", "freebsd"),
            ("distro", "freebsd"),
            ("version", "14.1"),
            ("kernel_version", "14.1-RELEASE-p5"),
            ("build", "GENERIC"),
        ] {
            assert_eq!(seen.at(field), Some(&expected.into()), "{field}");
        }
        let text = "kern.ostype: DragonFly\nkern.osrelease: 6.4-RELEASE\n";
        assert_eq!(value(&OS, &machine, &[(line, text)]).at("distro"), Some(&"dragonfly".into()));
        assert!((OS.interpret)(&machine, &answers(&[(line, "nonsense\n")])).is_err());
    }

    #[test]
    fn the_boot_and_the_load_are_read_out_of_braces() {
        let machine = Machine { now: Timestamp::from_epoch_secs(1_795_262_400), ..Machine::default() };
        let line = "run /sbin/sysctl -i kern.boottime kern.boot_id";
        let text = "kern.boottime: { sec = 1795262300, usec = 7 } Sun Nov 22 00:00:00 2026\n";
        let seen = value(&UPTIME, &machine, &[(line, text)]);
        assert_eq!(seen.at("seconds"), Some(&Value::Int(100)));
        let load = value(&LOADAVG, &machine, &[("run /sbin/sysctl -i vm.loadavg", "vm.loadavg: { 0.25 nan 1.5 }\n")]);
        assert_eq!(load, fields([("one", Some(Value::Float(0.25))), ("fifteen", Some(Value::Float(1.5)))]));
    }

    #[test]
    fn a_jail_is_a_container() {
        let line = "run /sbin/sysctl -i kern.vm_guest security.jail.jailed";
        for (text, kind, container) in [
            ("kern.vm_guest: none\nsecurity.jail.jailed: 0\n", "none", false),
            ("kern.vm_guest: hv\nsecurity.jail.jailed: 0\n", "hyperv", false),
            ("kern.vm_guest: kvm\nsecurity.jail.jailed: 1\n", "jail", true),
        ] {
            let seen = value(&VIRTUALIZATION, &Machine::default(), &[(line, text)]);
            assert_eq!(seen.at("kind"), Some(&kind.into()));
            assert_eq!(seen.at("is_container"), Some(&Value::Bool(container)));
        }
    }

    #[test]
    fn a_kernel_that_is_installed_and_not_running_waits_for_a_reboot() {
        let line = "run /bin/freebsd-version -k -r";
        let pending = |text| value(&REBOOT, &Machine::default(), &[(line, text)]).at("pending").cloned();
        assert_eq!(pending("14.1-RELEASE-p5\n14.1-RELEASE-p4\n"), Some(Value::Bool(true)));
        assert_eq!(pending("14.1-RELEASE-p5\n14.1-RELEASE-p5\n"), Some(Value::Bool(false)));
        assert!((REBOOT.interpret)(&Machine::default(), &answers(&[(line, "14.1\n")])).is_err());
    }

    #[test]
    fn modules_have_no_ending() {
        let text = "Id Refs Address                Size Name\n 1   12 0xffffffff80200000  1f3c6c0 kernel\n\
                    2    1 0xffffffff8213d000   5d5958 zfs.ko\n";
        let seen = value(&KERNEL, &Machine::default(), &[("run /sbin/kldstat", text)]);
        assert_eq!(seen.at("modules"), Some(&sorted(["zfs"])));
    }
}
