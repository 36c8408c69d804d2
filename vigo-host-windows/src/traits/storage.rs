//! `mountpoints`, `filesystem`, `disks`: CIM, asked by PowerShell.

use crate::powershell;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::see::{fields, int, percent, some};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const MOUNTPOINTS: Collector =
    Collector::slow("mountpoints", |_| alloc::vec![ask(VOLUMES)], mountpoints).within(DEADLINE);
pub(super) const FILESYSTEM: Collector =
    Collector::slow("filesystem", |_| alloc::vec![ask(VOLUMES)], filesystem).within(DEADLINE);
pub(super) const DISKS: Collector = Collector::slow("disks", |_| alloc::vec![ask(DRIVES)], disks).within(DEADLINE);

/// The shell takes a second to start, and more on a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(20);

/// Letters of volumes with their kind (2 removable, 3 local, 4 of the network, 5 of discs), file system, size and what is
/// free of it. Numbers are written without separators.
const VOLUMES: &str = "foreach($v in Get-CimInstance Win32_LogicalDisk){ \
    ''+$v.DeviceID+'|'+$v.DriveType+'|'+$v.FileSystem+'|'+$v.Size+'|'+$v.FreeSpace+'|'+$v.ProviderName }; 'end'";

/// Drives with their size; model and serial number in base64.
const DRIVES: &str = "function b($t){[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([string]$t))}; \
    foreach($d in Get-CimInstance Win32_DiskDrive){ \
    ''+$d.Index+'|'+$d.Size+'|'+(b $d.Model)+'|'+(b $d.SerialNumber) }; 'end'";

fn ask(script: &str) -> Op {
    Op::Run(powershell::read(script).timeout(DEADLINE))
}

/// Returns the lines before the last, which says that the script came to its end.
fn lines(outputs: &Outputs, script: &str) -> Result<Vec<Vec<String>>, String> {
    let seen = crate::program::ran(outputs, &ask(script)).ok_or("PowerShell was not asked")??;
    if !seen.success() {
        return Err(format!("PowerShell ended with {}", seen.exit));
    }
    let out = seen.out();
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.split_last() {
        Some((&"end", lines)) => {
            Ok(lines.iter().map(|line| line.split('|').map(ToString::to_string).collect()).collect())
        }
        _ => Err("what PowerShell says has no end".into()),
    }
}

/// Without a medium there is no file system.
fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let lines = lines(outputs, VOLUMES)?;
    Ok(form::mountpoints(lines.iter().filter_map(|line| {
        let [letter, kind, fstype, _, _, provider] = &line[..] else { return None };
        let device = if provider.is_empty() { letter } else { provider };
        let mount = form::Mount { device, fstype, options: Vec::new(), read_only: kind == "5" };
        (!fstype.is_empty()).then(|| (format!("{letter}\\"), mount))
    })))
}

fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let one = |line: Vec<String>| {
        let [letter, kind, _, size, free, _] = &line[..] else { return None };
        let (size, free): (u64, u64) = (size.parse().ok()?, free.parse().ok()?);
        let used = size.saturating_sub(free);
        let value = fields([
            ("size_mb", Some(int(size >> 20))),
            ("used_mb", Some(int(used >> 20))),
            ("free_mb", Some(int(free >> 20))),
            ("used_pct", Some(percent(used, size))),
        ]);
        matches!(kind.as_str(), "2" | "3").then(|| (format!("{letter}\\"), value))
    };
    Ok(Found::Value(Value::map(lines(outputs, VOLUMES)?.into_iter().filter_map(one))))
}

fn disks(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let one = |line: Vec<String>| {
        let [index, size, model, serial] = &line[..] else { return None };
        let index: u32 = index.parse().ok()?;
        let text = |word: &str| powershell::printed(word).and_then(|text| some(text.trim()));
        let size = size.parse::<u64>().ok().map(|bytes| int(bytes.saturating_add(1 << 29) >> 30));
        Some((format!("disk{index}"), fields([("size_gb", size), ("model", text(model)), ("serial", text(serial))])))
    };
    Ok(Found::Value(Value::map(lines(outputs, DRIVES)?.into_iter().filter_map(one))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;

    fn seen(collector: &Collector, out: &str) -> Result<Value, String> {
        let mut outputs = Outputs::default();
        for op in (collector.probe)(&Machine::default()) {
            outputs.push(op, Arc::new(OpOutput::exited(0, out, "")));
        }
        match (collector.interpret)(&Machine::default(), &outputs) {
            Ok(Found::Value(value)) => Ok(value),
            Err(why) => Err(why),
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    const VOLUMES_SAID: &str =
        "C:|3|NTFS|107374182400|26843545600|\r\nD:|5||||\r\nZ:|4|NTFS|1000|500|\\\\nas\\share\r\nend\r\n";

    #[test]
    fn volumes_are_mounted_and_local_ones_have_space() {
        let mounts = seen(&MOUNTPOINTS, VOLUMES_SAID).unwrap();
        assert_eq!(mounts.as_map().map(|m| m.len()), Some(2));
        assert_eq!(mounts.at("Z:\\.device").and_then(Value::as_str), Some("\\\\nas\\share"));
        let spaces = seen(&FILESYSTEM, VOLUMES_SAID).unwrap();
        assert_eq!(spaces.as_map().map(|m| m.len()), Some(1));
        assert_eq!(spaces.at("C:\\.used_pct"), Some(&Value::Float(75.0)));
    }

    #[test]
    fn what_has_no_end_is_no_answer() {
        for collector in [&MOUNTPOINTS, &FILESYSTEM, &DISKS] {
            assert!(
                seen(collector, "").is_err() && seen(collector, "C:|3|NTFS|1|1|\r\n").is_err(),
                "{}",
                collector.area
            );
        }
        let drives = seen(&DISKS, "0|107374182400|UUVNVSBIQVJERElTSw==|ICBBQjEy\r\nx|y\r\nend\r\n").unwrap();
        assert_eq!(
            (drives.at("disk0.size_gb"), drives.at("disk0.serial")),
            (Some(&Value::Int(100)), Some(&"AB12".into()))
        );
    }
}
