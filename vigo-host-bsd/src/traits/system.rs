//! `os`, `uptime`, `loadavg`, `time`, `agent_self`, `virtualization`.

use super::Bsd;
use super::sysctl::{Oids, ask};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, fields, read, some};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

const OS_OIDS: &[&str] = &["kern.ostype", "kern.osrelease", "kern.ident", "kern.osversion", "hw.machine_arch"];
const BOOT_OIDS: &[&str] = &["kern.boottime", "kern.boot_id"];
const LOAD_OIDS: &[&str] = &["vm.loadavg"];
/// Who made the machine, and what it is: the names of OpenBSD, then those of NetBSD.
const MAKER_OIDS: &[&str] = &["hw.vendor", "hw.product", "machdep.dmi.system-vendor", "machdep.dmi.system-product"];
/// Where FreeBSD keeps the name of a zone whose file was copied.
const ZONE: &str = "/var/db/zoneinfo";

/// Returns the collector of `os`.
pub(crate) const fn os<B: Bsd>() -> Collector {
    Collector::slow("os", |_| ask::<B>(OS_OIDS), release::<B>)
}

/// Returns the collector of `uptime`.
pub(crate) const fn uptime<B: Bsd>() -> Collector {
    Collector::slow("uptime", |_| ask::<B>(BOOT_OIDS), booted::<B>)
}

/// Returns the collector of `loadavg`.
pub(crate) const fn loadavg<B: Bsd>() -> Collector {
    Collector::slow("loadavg", |_| ask::<B>(LOAD_OIDS), load::<B>)
}

/// Returns the collector of `virtualization` by who made the machine.
pub(crate) const fn virtualization<B: Bsd>() -> Collector {
    Collector::slow("virtualization", |_| ask::<B>(MAKER_OIDS), guest::<B>)
}

/// The collector of `time`.
pub(crate) const TIME: Collector = Collector::quick("time", probe_time, time);

/// The collector of `agent_self`.
pub(crate) const AGENT_SELF: Collector =
    Collector::quick("agent_self", |_| Vec::new(), |machine, _| Ok(form::agent_self(machine)));

fn release<B: Bsd>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, OS_OIDS)?;
    let release = oids.text("kern.osrelease").ok_or("`sysctl` does not say `kern.osrelease`")?;
    // `14.1-RELEASE-p5`, `10.0_STABLE`.
    let version = release.split(['-', '_']).next();
    let distro = if oids.text("kern.ostype") == Some("DragonFly") { "dragonfly" } else { B::NAME };
    // Machines of one kind may have processors of several.
    let arch = oids.text("hw.machine_arch").unwrap_or(&machine.arch);
    let told = form::Os {
        family: B::NAME,
        distro,
        version,
        kernel: B::NAME,
        kernel_version: Some(release),
        build: oids.first(&["kern.ident", "kern.osversion"]),
    };
    Ok(form::os(arch, told))
}

fn booted<B: Bsd>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, BOOT_OIDS)?;
    let booted = oids.text("kern.boottime").and_then(boot_time).ok_or("`sysctl` does not say `kern.boottime`")?;
    Ok(form::uptime(machine, booted, oids.text("kern.boot_id").and_then(some)))
}

/// `{ sec = 1795260000, usec = 123 } Sun Nov 22 …` of FreeBSD, `Sun Nov 22 00:00:00 2026` of the others.
fn boot_time(text: &str) -> Option<Timestamp> {
    match text.split_once("sec = ") {
        Some((_, rest)) => {
            let seconds = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            Some(Timestamp::from_epoch_secs(seconds.parse().ok()?))
        }
        None => Timestamp::from_ctime(text),
    }
}

fn load<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, LOAD_OIDS)?;
    oids.text("vm.loadavg").and_then(form::loadavg).ok_or_else(|| "`sysctl` does not say `vm.loadavg`".into())
}

fn probe_time(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::stat(&AbsPath::known("/etc/localtime")), read(ZONE)]
}

/// A copy in place of the link has its name in a file of its own. No link is UTC, localtime(5).
fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let timezone = match see.meta("/etc/localtime") {
        None => Some(Value::text("UTC")),
        Some(meta) => match meta.target.as_deref().and_then(|target| target.split_once("zoneinfo/")) {
            Some((_, zone)) => some(zone),
            None => see.text(ZONE).and_then(|zone| some(zone.trim())),
        },
    };
    Ok(form::time(machine, timezone))
}

/// Where no maker is known nothing says whether the machine is a virtual one.
fn guest<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, MAKER_OIDS)?;
    let names: Vec<&str> = MAKER_OIDS.iter().filter_map(|name| oids.text(name)).collect();
    let kind = (!names.is_empty()).then(|| form::guest(&names.join("\n")).unwrap_or("none"));
    Ok(Found::Value(fields([
        ("is_virtual", Some(kind.map_or(Value::Null, |kind| Value::Bool(kind != "none")))),
        ("is_container", Some(Value::Bool(false))),
        ("kind", kind.map(Value::text)),
    ])))
}

#[cfg(test)]
mod tests {
    use super::super::sysctl::told;
    use super::*;
    use crate::freebsd::Tools as FreeBsd;
    use crate::netbsd::Tools as NetBsd;
    use crate::openbsd::Tools as OpenBsd;

    fn value(collector: &Collector, outputs: &Outputs) -> Value {
        let machine =
            Machine { now: Timestamp::from_epoch_secs(1_795_262_400), arch: "amd64".into(), ..Machine::default() };
        match (collector.interpret)(&machine, outputs) {
            Ok(Found::Value(value)) => value,
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn each_release_has_its_version_and_dragonfly_its_own_name() {
        let cases = [
            (
                os::<FreeBsd>(),
                told::<FreeBsd>(
                    OS_OIDS,
                    "kern.ostype: FreeBSD\nkern.osrelease: 14.1-RELEASE-p5\nkern.ident: GENERIC\nhw.machine_arch: amd64\n",
                ),
                ["freebsd", "freebsd", "14.1", "amd64", "14.1-RELEASE-p5", "GENERIC"],
            ),
            (
                os::<FreeBsd>(),
                told::<FreeBsd>(
                    OS_OIDS,
                    "kern.ostype: DragonFly\nkern.osrelease: 6.4-RELEASE\nkern.ident: X86_64_GENERIC\n",
                ),
                ["freebsd", "dragonfly", "6.4", "amd64", "6.4-RELEASE", "X86_64_GENERIC"],
            ),
            (
                os::<OpenBsd>(),
                told::<OpenBsd>(OS_OIDS, "kern.ostype=OpenBSD\nkern.osrelease=7.6\nkern.osversion=GENERIC.MP#338\n"),
                ["openbsd", "openbsd", "7.6", "amd64", "7.6", "GENERIC.MP#338"],
            ),
            (
                os::<NetBsd>(),
                told::<NetBsd>(
                    OS_OIDS,
                    "kern.ostype = NetBSD\nkern.osrelease = 10.0_STABLE\nhw.machine_arch = aarch64\nkern.ident = x\n",
                ),
                ["netbsd", "netbsd", "10.0", "arm64", "10.0_STABLE", "x"],
            ),
        ];
        for (collector, outputs, expected) in cases {
            let seen = value(&collector, &outputs);
            let of = ["family", "distro", "version", "arch", "kernel_version", "build"];
            assert_eq!(of.map(|field| seen.at(field).and_then(Value::as_str)), expected.map(Some));
        }
        let nonsense = told::<OpenBsd>(OS_OIDS, "nonsense\n");
        assert!((os::<OpenBsd>().interpret)(&Machine::default(), &nonsense).is_err());
    }

    #[test]
    fn a_boot_is_told_in_two_forms() {
        let cases = [
            (
                uptime::<FreeBsd>(),
                told::<FreeBsd>(BOOT_OIDS, "kern.boottime: { sec = 1795262300, usec = 7 } Sat Nov 21 23:58:20 2026\n"),
            ),
            (uptime::<OpenBsd>(), told::<OpenBsd>(BOOT_OIDS, "kern.boottime=Sat Nov 21 11:58:20 2026\n")),
            (uptime::<NetBsd>(), told::<NetBsd>(BOOT_OIDS, "kern.boottime = Sat Nov 21 11:58:20 2026\n")),
        ];
        for (collector, outputs) in cases {
            assert_eq!(value(&collector, &outputs).at("seconds"), Some(&Value::Int(100)));
        }
    }

    #[test]
    fn loads_stand_in_braces_or_not() {
        for (collector, outputs) in [
            (loadavg::<FreeBsd>(), told::<FreeBsd>(LOAD_OIDS, "vm.loadavg: { 0.25 nan 1.5 }\n")),
            (loadavg::<OpenBsd>(), told::<OpenBsd>(LOAD_OIDS, "vm.loadavg=0.25 nan 1.5\n")),
            (loadavg::<NetBsd>(), told::<NetBsd>(LOAD_OIDS, "vm.loadavg: 0.25 nan 1.5\n")),
        ] {
            let expected = fields([("one", Some(Value::Float(0.25))), ("fifteen", Some(Value::Float(1.5)))]);
            assert_eq!(value(&collector, &outputs), expected);
        }
    }

    #[test]
    fn a_machine_is_what_its_maker_says_or_nobody_knows() {
        let cases = [
            (
                virtualization::<OpenBsd>(),
                told::<OpenBsd>(MAKER_OIDS, "hw.vendor=QEMU\nhw.product=Standard PC (Q35 + ICH9, 2009)\n"),
                Value::Bool(true),
                Some("kvm"),
            ),
            (
                virtualization::<OpenBsd>(),
                told::<OpenBsd>(MAKER_OIDS, "hw.vendor=OpenBSD\nhw.product=VMM\n"),
                Value::Bool(true),
                Some("vmm"),
            ),
            (
                virtualization::<OpenBsd>(),
                told::<OpenBsd>(MAKER_OIDS, "hw.vendor=LENOVO\nhw.product=20XW\n"),
                Value::Bool(false),
                Some("none"),
            ),
            (
                virtualization::<NetBsd>(),
                told::<NetBsd>(MAKER_OIDS, "machdep.dmi.system-vendor = VMware, Inc.\n"),
                Value::Bool(true),
                Some("vmware"),
            ),
            (virtualization::<NetBsd>(), told::<NetBsd>(MAKER_OIDS, "\n"), Value::Null, None),
        ];
        for (collector, outputs, is_virtual, kind) in cases {
            let seen = value(&collector, &outputs);
            let seen = (seen.at("is_virtual"), seen.at("kind").and_then(Value::as_str));
            assert_eq!(seen, (Some(&is_virtual), kind));
        }
    }

    #[test]
    fn where_sysctl_cannot_be_run_nobody_says_that_nothing_is_known_of_the_maker() {
        for collector in [virtualization::<OpenBsd>(), virtualization::<NetBsd>()] {
            assert!((collector.interpret)(&Machine::default(), &Outputs::default()).is_err());
        }
    }
}
