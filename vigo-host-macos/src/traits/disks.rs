//! `disks`: diskutil(8).

use crate::property_list::Plist;
use alloc::string::{String, ToString};
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, int, run, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const DISKS: Collector = Collector::slow("disks", |_| alloc::vec![run(DISKUTIL, LIST)], disks);

const DISKUTIL: &str = "/usr/sbin/diskutil";
/// As a property list; without disks that are made of others, and images.
const LIST: &[&str] = &["list", "-plist", "physical"];

fn disks(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(DISKUTIL, LIST)?;
    let list = Plist::parse(&text).ok_or("`diskutil` prints no property list")?;
    let Some(Plist::List(all)) = list.get("AllDisksAndPartitions") else {
        return Err("`diskutil` tells of no disks".into());
    };
    let text = |of: &Plist, key: &str| of.texts(key).first().map(ToString::to_string);
    let one = |disk: &Plist| {
        let bytes = text(disk, "Size").and_then(|size| size.parse::<u64>().ok());
        let parts: &[Plist] = match disk.get("Partitions") {
            Some(Plist::List(parts)) => parts,
            _ => &[],
        };
        let parts = parts.iter().filter_map(|part| part.texts("DeviceIdentifier").first().copied());
        let value = fields([
            ("size_gb", bytes.map(|bytes| int(bytes.saturating_add(1 << 29) >> 30))),
            ("partitions", Some(sorted(parts))),
        ]);
        Some((text(disk, "DeviceIdentifier")?, value))
    };
    let disks: alloc::collections::BTreeMap<String, Value> = all.iter().filter_map(one).collect();
    Ok(Found::Value(Value::map(disks)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn disks_have_sizes_and_partitions() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>AllDisks</key><array/>\n\
            <key>AllDisksAndPartitions</key><array><dict><key>Content</key><string>GUID_partition_scheme</string>\
            <key>DeviceIdentifier</key><string>disk0</string><key>OSInternal</key><false/><key>Partitions</key><array>\
            <dict><key>DeviceIdentifier</key><string>disk0s2</string><key>Size</key><integer>494384795648</integer></dict>\
            <dict><key>DeviceIdentifier</key><string>disk0s1</string></dict></array><key>Size</key><integer>500277792768</integer>\
            </dict></array></dict></plist>\n";
        let seen = disks(&Machine::default(), &answers(&[("run /usr/sbin/diskutil list -plist physical", text)]));
        let Ok(Found::Value(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!(seen.at("disk0.size_gb"), Some(&Value::Int(466)));
        assert_eq!(seen.at("disk0.partitions"), Some(&sorted(["disk0s1", "disk0s2"])));
        let nonsense = answers(&[("run /usr/sbin/diskutil list -plist physical", "No disks\n")]);
        assert!(disks(&Machine::default(), &nonsense).is_err());
    }
}
