//! `dmi`: what the firmware says about the machine.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::traits::see::{See, fields, int, read, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("dmi", probe, interpret);

const FIELDS: &[(&str, &str)] = &[
    ("bios_vendor", "/sys/class/dmi/id/bios_vendor"),
    ("bios_version", "/sys/class/dmi/id/bios_version"),
    ("bios_date", "/sys/class/dmi/id/bios_date"),
    ("board_vendor", "/sys/class/dmi/id/board_vendor"),
    ("board_name", "/sys/class/dmi/id/board_name"),
    ("product_name", "/sys/class/dmi/id/product_name"),
    ("product_serial", "/sys/class/dmi/id/product_serial"),
    ("product_vendor", "/sys/class/dmi/id/sys_vendor"),
];
const ID: &str = "/sys/class/dmi/id";
const CHASSIS: &str = "/sys/class/dmi/id/chassis_type";
const TABLE: &str = "/sys/firmware/dmi/tables/DMI";

fn probe(_: &Machine) -> Vec<Op> {
    let table = Op::ReadFile { path: AbsPath::known(TABLE), follow: true, bytes_max: 1 << 20 };
    FIELDS.iter().map(|(_, path)| read(path)).chain([read(CHASSIS), table, stat(ID)]).collect()
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if !see.exists(ID) {
        return Ok(Found::Absent);
    }
    let chassis = see.text(CHASSIS).and_then(|t| some(chassis(t.trim().parse().ok()?)));
    let devices = match see.path(TABLE) {
        Some(OpOutput::File { content, .. }) => Some(Value::list(memory_devices(content))),
        Some(OpOutput::Failed(_)) => Some(Value::Null),
        _ => None,
    };
    let items = FIELDS.iter().map(|(name, path)| (*name, see.value(path)));
    Ok(Found::Value(fields(items.chain([("chassis_type", chassis), ("memory_devices", devices)]))))
}

/// The words of SMBIOS 3.6, 7.4.1.
fn chassis(number: u8) -> &'static str {
    match number {
        1 => "other",
        3..=7 | 13 | 15 | 16 | 24 | 35 | 36 => "desktop",
        8..=10 | 14 => "laptop",
        11 | 30 => "handheld",
        31 | 32 => "convertible",
        17 | 23 | 25 => "server",
        28 | 29 => "blade",
        33 | 34 => "embedded",
        _ => "unknown",
    }
}

/// Returns the memory devices of an SMBIOS table: structures of type 17, each followed by its texts.
fn memory_devices(table: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = table;
    while let [kind, len, ..] = rest {
        let (Some(structure), Some(after)) = (rest.get(..usize::from(*len)), rest.get(usize::from(*len)..)) else {
            break;
        };
        // A structure is at least its head of four bytes; less is no table, and would never end.
        if structure.len() < 4 {
            break;
        }
        let end = after.windows(2).position(|pair| pair == [0, 0]).unwrap_or(after.len());
        if *kind == 17 {
            let texts: Vec<&[u8]> = after.get(..end).unwrap_or_default().split(|b| *b == 0).collect();
            found.extend(memory_device(structure, &texts));
        }
        rest = after.get(end + 2..).unwrap_or_default();
    }
    found
}

/// SMBIOS 3.6, 7.18. An empty slot is no device.
fn memory_device(structure: &[u8], texts: &[&[u8]]) -> Option<Value> {
    let byte = |at: usize| structure.get(at).copied();
    let word = |at: usize| Some(u64::from(u16::from_le_bytes([byte(at)?, byte(at + 1)?])));
    let double = |at: usize| Some(word(at)? | (word(at + 2)? << 16));
    let text = |at: usize| {
        let number = usize::from(byte(at)?).checked_sub(1)?;
        let text = String::from_utf8_lossy(texts.get(number)?);
        some(text.trim())
    };
    let size = match word(0x0c)? {
        0 => return None,
        0xffff => None,
        // The size is in a wider field behind, in megabytes.
        0x7fff => double(0x1c).map(|mb| (mb & 0x7fff_ffff) << 20),
        kb if kb & 0x8000 != 0 => Some((kb & 0x7fff) << 10),
        mb => Some(mb << 20),
    };
    let speed = word(0x15).filter(|mts| !matches!(mts, 0 | 0xffff));
    Some(fields([
        ("locator", text(0x10)),
        ("manufacturer", text(0x17)),
        ("serial_number", text(0x18)),
        ("part_number", text(0x1a)),
        ("size_bytes", size.map(int)),
        ("speed_mts", speed.map(int)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn structure(kind: u8, body: &[u8], texts: &str) -> Vec<u8> {
        let mut out = alloc::vec![kind, body.len() as u8 + 4, 0, 0];
        out.extend_from_slice(body);
        out.extend_from_slice(texts.as_bytes());
        out.extend_from_slice(b"\0\0");
        out
    }

    fn device(size: u16, extended: u32) -> Vec<u8> {
        let mut body = alloc::vec![0u8; 0x24 - 4];
        body[0x0c - 4..0x0e - 4].copy_from_slice(&size.to_le_bytes());
        body[0x10 - 4] = 1;
        body[0x15 - 4..0x17 - 4].copy_from_slice(&3200u16.to_le_bytes());
        body[0x17 - 4] = 2;
        body[0x1c - 4..0x20 - 4].copy_from_slice(&extended.to_le_bytes());
        structure(17, &body, "DIMM 0\0Samsung ")
    }

    #[test]
    fn memory_devices_are_read_from_the_table() {
        let table = [
            structure(0, &[0; 20], "bios"),
            device(8192, 0),
            device(0, 0),
            device(0x7fff, 65_536),
            structure(127, &[], ""),
        ];
        let seen = memory_devices(&table.concat());
        assert_eq!(seen.len(), 2, "the empty slot is none");
        assert_eq!(seen[0].at("size_bytes"), Some(&Value::Int(8 << 30)));
        assert_eq!(seen[0].at("locator"), Some(&"DIMM 0".into()));
        assert_eq!(seen[0].at("manufacturer"), Some(&"Samsung".into()));
        assert_eq!(seen[0].at("speed_mts"), Some(&Value::Int(3200)));
        assert_eq!(seen[1].at("size_bytes"), Some(&Value::Int(64 << 30)));
    }

    #[test]
    fn a_broken_table_ends() {
        for table in [&[17u8, 0, 0, 0][..], &[17, 200, 1], &[0; 100], &[17, 4, 0, 0, 65, 66], &[255; 64]] {
            assert!(memory_devices(table).is_empty(), "{}", format!("{table:?}"));
        }
    }
}
