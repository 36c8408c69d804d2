//! `cpu`, `hardware`: by sysctl(8).

use super::Bsd;
use super::sysctl::{Oids, ask};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{fields, int, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

const CPU_OIDS: &[&str] =
    &["machdep.cpu_brand", "hw.model", "hw.ncpuonline", "hw.ncpu", "hw.clockrate", "hw.cpuspeed", "kern.smp.cores"];
const HARDWARE_OIDS: &[&str] = &[
    "hw.ncpuonline",
    "hw.ncpu",
    "hw.physmem64",
    "hw.physmem",
    "machdep.cpu_brand",
    "hw.model",
    "kern.disks",
    "hw.disknames",
];

/// Disks that are told of.
const DISKS_MAX: usize = 500;

/// Returns the collector of `cpu`.
pub(crate) const fn cpu<B: Bsd>() -> Collector {
    Collector::slow("cpu", |_| ask::<B>(CPU_OIDS), processors::<B>)
}

/// Returns the collector of `hardware`.
pub(crate) const fn hardware<B: Bsd>() -> Collector {
    Collector::slow("hardware", |_| ask::<B>(HARDWARE_OIDS), all::<B>)
}

/// NetBSD has the model of the machine in `hw.model`, and that of the processor elsewhere.
fn model(oids: &Oids) -> Option<Value> {
    oids.first(&["machdep.cpu_brand", "hw.model"]).and_then(some)
}

/// OpenBSD leaves threads that share a core out, `hw.smt`; the number of those that are used is that of the others.
fn threads(oids: &Oids) -> Result<u64, String> {
    let number = oids.number("hw.ncpuonline").or_else(|| oids.number("hw.ncpu"));
    number.ok_or_else(|| "`sysctl` does not say `hw.ncpu`".into())
}

fn processors<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, CPU_OIDS)?;
    let mhz = oids.number("hw.clockrate").or_else(|| oids.number("hw.cpuspeed"));
    Ok(Found::Value(fields([
        ("model", model(&oids)),
        ("cores", oids.number("kern.smp.cores").map(int)),
        ("threads", Some(int(threads(&oids)?))),
        ("mhz", mhz.map(int)),
    ])))
}

fn all<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<B>(outputs, HARDWARE_OIDS)?;
    let memory = oids.number("hw.physmem64").or_else(|| oids.number("hw.physmem"));
    let disks = disk_names(oids.first(&["kern.disks", "hw.disknames"]).unwrap_or_default());
    let disk = |name: &str| fields([("name", some(name))]);
    Ok(Found::Value(fields([
        ("cpu_count", Some(int(threads(&oids)?))),
        ("memory_mb", memory.map(|bytes| int(bytes >> 20))),
        ("cpu_model", model(&oids)),
        ("disks", Some(Value::list(disks.into_iter().map(disk)))),
    ])))
}

/// Returns the disks among `ada0 cd0` of FreeBSD and NetBSD, `sd0:3eb7f9da875cb9ee,cd0:` of OpenBSD: all but drives of
/// discs and disks made of others.
pub(super) fn disk_names(text: &str) -> Vec<&str> {
    const OTHERS: &[&str] = &["cd", "fd", "vnd", "md", "rd", "dk", "cgd", "raid", "ccd"];
    let names = text.split([' ', ',']).filter_map(|word| word.split(':').next()).filter(|name| !name.is_empty());
    let is_disk = |name: &&str| {
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        kind.len() < name.len() && kind.bytes().all(|b| b.is_ascii_alphanumeric()) && !OTHERS.contains(&kind)
    };
    let mut names: Vec<&str> = names.filter(is_disk).take(DISKS_MAX).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::super::sysctl::told;
    use super::*;
    use crate::freebsd::Tools as FreeBsd;
    use crate::netbsd::Tools as NetBsd;
    use crate::openbsd::Tools as OpenBsd;

    fn value(collector: &Collector, outputs: &Outputs) -> Value {
        match (collector.interpret)(&Machine::default(), outputs) {
            Ok(Found::Value(value)) => value,
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn processors_memory_and_disks_are_told_by_each() {
        let cases = [
            (
                hardware::<FreeBsd>(),
                told::<FreeBsd>(
                    HARDWARE_OIDS,
                    "hw.ncpu: 4\nhw.physmem: 4294967296\nhw.model: Xeon\nkern.disks: ada1 cd0 ada0\n",
                ),
                "Xeon",
                "ada0",
            ),
            (
                hardware::<OpenBsd>(),
                told::<OpenBsd>(
                    HARDWARE_OIDS,
                    "hw.ncpuonline=4\nhw.ncpu=8\nhw.physmem=4294967296\nhw.model=Xeon\nhw.disknames=cd0:,sd0:3eb7f9da875cb9ee,vnd0:\n",
                ),
                "Xeon",
                "sd0",
            ),
            (
                hardware::<NetBsd>(),
                told::<NetBsd>(
                    HARDWARE_OIDS,
                    "hw.ncpuonline = 4\nhw.physmem64 = 4294967296\nhw.physmem = -1\nmachdep.cpu_brand = Xeon\nhw.model = Bochs\nhw.disknames = ld0 dk0 dk1 cd0\n",
                ),
                "Xeon",
                "ld0",
            ),
        ];
        for (collector, outputs, model, disk) in cases {
            let seen = value(&collector, &outputs);
            assert_eq!(
                (seen.at("cpu_count"), seen.at("memory_mb")),
                (Some(&Value::Int(4)), Some(&Value::Int(4096))),
                "{disk}"
            );
            assert_eq!(
                (seen.at("cpu_model"), seen.at("disks.0.name")),
                (Some(&model.into()), Some(&disk.into())),
                "{disk}"
            );
        }
        let text = "hw.model: Xeon\nhw.ncpu: 8\nhw.clockrate: 2400\nkern.smp.cores: 4\n";
        let seen = value(&cpu::<FreeBsd>(), &told::<FreeBsd>(CPU_OIDS, text));
        let of = |field| seen.at(field).and_then(Value::as_int);
        assert_eq!((of("threads"), of("cores"), of("mhz")), (Some(8), Some(4), Some(2400)));
        // There is no name of the processor on some machines.
        let seen = value(&cpu::<NetBsd>(), &told::<NetBsd>(CPU_OIDS, "hw.model = Bochs\nhw.ncpu = 2\n"));
        assert_eq!((seen.at("threads"), seen.at("model")), (Some(&Value::Int(2)), Some(&"Bochs".into())));
    }
}
