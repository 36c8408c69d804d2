//! `disks` of OpenBSD and NetBSD: disklabel(8).

use super::Bsd;
use super::hardware::disk_names;
use super::sysctl::{Oids, ask};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, int, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

const OIDS: &[&str] = &["hw.disknames"];
const DISKLABEL: &str = "/sbin/disklabel";

/// Returns the collector of `disks`.
pub(crate) const fn disks<B: Bsd>() -> Collector {
    Collector::slow("disks", |_| ask::<B>(OIDS), labels::<B>)
}

fn labels<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let oids = Oids::of::<B>(outputs, OIDS)?;
    let names = disk_names(oids.text("hw.disknames").ok_or("`sysctl` does not say `hw.disknames`")?);
    let open: Vec<Op> = see.open(names.iter().map(|name| run(DISKLABEL, &[name])).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    // One that has no label, or no medium, is there all the same.
    let one =
        |name: &&str| (name.to_string(), see.output(DISKLABEL, &[name]).map_or(fields([]), |text| label(name, &text)));
    Ok(Found::Value(Value::map(names.iter().map(one))))
}

/// Lines such as `total sectors: 41943040`, below them the partitions: `  a:  2097152  64  4.2BSD  2048 16384 12960 # /`.
fn label(name: &str, text: &str) -> Value {
    let number = |key: &str| colon(text, key)?.parse::<u64>().ok();
    let bytes = number("total sectors").and_then(|count| count.checked_mul(number("bytes/sector")?));
    let partitions = text.lines().skip_while(|line| !line.trim_end().ends_with("partitions:")).skip(1);
    let letter = |line: &str| -> Option<String> {
        let (letter, rest) = line.trim_start().split_once(':')?;
        let is_letter = letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase());
        // `c`, on some machines of NetBSD `d`, is the whole disk.
        (is_letter && !rest.split_whitespace().any(|word| word == "unused")).then(|| format!("{name}{letter}"))
    };
    let partitions: Vec<String> = partitions.filter_map(letter).collect();
    fields([
        ("size_gb", bytes.map(|bytes| int(bytes.saturating_add(1 << 29) >> 30))),
        ("model", colon(text, "label").filter(|label| *label != "fictitious").and_then(some)),
        ("partitions", Some(sorted(partitions.iter().map(String::as_str)))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_a_size_and_partitions() {
        let text = "# /dev/rsd0c:\ntype: SCSI\ndisk: SCSI disk\nlabel: VBOX HARDDISK   \nduid: 3eb7f9da875cb9ee\nflags:\nbytes/sector: 512\n\
            sectors/track: 63\ntotal sectors: 41943040\n\n16 partitions:\n#                size           offset  fstype [fsize bsize   cpg]\n  \
            a:          2097152               64  4.2BSD   2048 16384 12960 # /\n  b:          2097152          2097216    swap                    # none\n  \
            c:         41943040                0  unused\n";
        let seen = label("sd0", text);
        assert_eq!((seen.at("size_gb"), seen.at("model")), (Some(&Value::Int(20)), Some(&"VBOX HARDDISK".into())));
        assert_eq!(seen.at("partitions"), Some(&sorted(["sd0a", "sd0b"])));
        assert_eq!(label("sd0", "nonsense").at("size_gb"), None);
    }
}
