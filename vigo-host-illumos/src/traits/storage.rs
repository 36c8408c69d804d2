//! `storage`, `disks`, `cpu`: zpool(8), iostat(8), psrinfo(8).

use super::kstat::{ask, counter};
use alloc::string::{String, ToString};
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, int, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const STORAGE: Collector = Collector::slow("storage", |_| alloc::vec![run(ZPOOL, POOLS)], storage);
pub(super) const DISKS: Collector = Collector::slow("disks", |_| alloc::vec![run(IOSTAT, DEVICES)], disks);
pub(super) const CPU: Collector = Collector::slow("cpu", |_| alloc::vec![ask(), run(PSRINFO, SOCKETS)], cpu);

const ZPOOL: &str = "/usr/sbin/zpool";
const POOLS: &[&str] = &["list", "-H", "-o", "name"];
const IOSTAT: &str = "/usr/bin/iostat";
/// Of each device what it says of itself.
const DEVICES: &[&str] = &["-E", "-n"];
const PSRINFO: &str = "/usr/sbin/psrinfo";
/// Of each socket its processors.
const SOCKETS: &[&str] = &["-p", "-v"];

fn storage(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(ZPOOL, POOLS)?;
    let pools = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(Found::Value(fields([("zpools", Some(sorted(pools)))])))
}

/// `c1t0d0  Soft Errors: 0 …`, then `Vendor: ATA  Product: VBOX HARDDISK  Revision: 1.0 Serial No: VB1`, then
/// `Size: 21.47GB <21474836480 bytes>`.
fn disks(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(IOSTAT, DEVICES)?;
    let mut found = alloc::collections::BTreeMap::new();
    let (mut name, mut model, mut serial) = (None, None, None);
    for line in text.lines() {
        if let Some((head, _)) = line.split_once("Soft Errors:") {
            (name, model, serial) = (Some(head.trim()), None, None);
        } else if line.starts_with("Vendor:") || line.starts_with("Model:") {
            let between = |from: &str, to: &str| {
                let rest = line.split_once(from)?.1;
                some(rest.split_once(to).map_or(rest, |(value, _)| value).trim())
            };
            model = between("Product:", "Revision:").or_else(|| between("Model:", "Revision:"));
            serial = between("Serial No:", "Size:");
        } else if let (Some(rest), Some(disk)) = (line.strip_prefix("Size:"), name) {
            let bytes = rest.split_once('<').and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
            // A drive of discs without one.
            if let Some(bytes) = bytes.filter(|bytes| *bytes > 0 && !disk.is_empty()) {
                let size = int(bytes.saturating_add(1 << 29) >> 30);
                let value = fields([("size_gb", Some(size)), ("model", model.take()), ("serial", serial.take())]);
                found.insert(disk.to_string(), value);
            }
            name = None;
        }
    }
    if found.is_empty() {
        return Err("`iostat` tells of no disk".into());
    }
    Ok(Found::Value(Value::map(found)))
}

/// `The physical processor has 4 virtual processors (0-3)`, below it lines with a clock, the last of them the model.
fn cpu(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let threads = counter(outputs, "ncpus")?;
    let text = See(outputs).output(PSRINFO, SOCKETS).unwrap_or_default();
    let sockets = text.lines().filter(|line| line.starts_with("The physical processor has")).count() as u64;
    let mhz = text.split_once("clock ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
    let model = text.lines().skip_while(|line| !line.contains("clock ")).nth(1).map(str::trim);
    Ok(Found::Value(fields([
        ("model", model.and_then(some)),
        ("sockets", (sockets > 0).then(|| int(sockets))),
        ("threads", Some(int(threads))),
        ("mhz", mhz.map(int)),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    fn seen(collector: &Collector, items: &[(&str, &str)]) -> Result<Value, String> {
        match (collector.interpret)(&Machine::default(), &answers(items)) {
            Ok(Found::Value(value)) => Ok(value),
            Err(why) => Err(why),
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn a_disk_has_three_lines() {
        let line = "run /usr/bin/iostat -E -n";
        let text = "c1t0d0           Soft Errors: 0 Hard Errors: 0 Transport Errors: 0 \nVendor: ATA      Product: VBOX HARDDISK    Revision: 1.0  Serial No: VB9 \n\
            Size: 21.47GB <21474836480 bytes>\nMedia Error: 0 Device Not Ready: 0 No Device: 0 Recoverable: 0 \nc1t1d0           Soft Errors: 0 Hard Errors: 4\n\
            Vendor: VBOX     Product: CD-ROM           Revision: 1.0  Serial No:  \nSize: 0.00GB <0 bytes>\n";
        let disks = seen(&DISKS, &[(line, text)]).unwrap();
        assert_eq!(disks.as_map().map(|m| m.len()), Some(1));
        assert_eq!(
            (disks.at("c1t0d0.size_gb"), disks.at("c1t0d0.model")),
            (Some(&Value::Int(20)), Some(&"VBOX HARDDISK".into()))
        );
        assert_eq!(disks.at("c1t0d0.serial"), Some(&"VB9".into()));
        assert!(seen(&DISKS, &[(line, "nonsense\n")]).is_err());
    }

    #[test]
    fn processors_are_counted_and_named() {
        let kstat = ("run /usr/bin/kstat -p unix:0:system_misc unix:0:system_pages", "unix:0:system_misc:ncpus\t4\n");
        let text = "The physical processor has 4 virtual processors (0-3)\n  x86 (GenuineIntel 806EA family 6 model 142 step 10 clock 2112 MHz)\n        \
            Intel(r) Core(tm) i7-8650U CPU @ 1.90GHz\n";
        let cpu = seen(&CPU, &[kstat, ("run /usr/sbin/psrinfo -p -v", text)]).unwrap();
        assert_eq!(
            (cpu.at("sockets"), cpu.at("threads"), cpu.at("mhz")),
            (Some(&Value::Int(1)), Some(&Value::Int(4)), Some(&Value::Int(2112)))
        );
        assert_eq!(cpu.at("model"), Some(&"Intel(r) Core(tm) i7-8650U CPU @ 1.90GHz".into()));
        assert_eq!(
            seen(&STORAGE, &[("run /usr/sbin/zpool list -H -o name", "rpool\n")]).unwrap().at("zpools"),
            Some(&sorted(["rpool"]))
        );
    }
}
