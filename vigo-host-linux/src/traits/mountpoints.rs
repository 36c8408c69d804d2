//! `mountpoints`: what is mounted where.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("mountpoints", probe, interpret);

pub(super) const MOUNTINFO: &str = "/proc/self/mountinfo";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MOUNTINFO)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MOUNTINFO)?;
    let mounts: Vec<Mount<'_>> = text.lines().filter_map(Mount::parse).collect();
    let devices: Vec<String> = mounts.iter().map(|mount| unescaped(mount.source)).collect();
    Ok(form::mountpoints(mounts.iter().zip(&devices).map(|(mount, device)| {
        let options: Vec<&str> = mount.options.split(',').collect();
        let read_only = options.contains(&"ro");
        (unescaped(mount.path), form::Mount { device, fstype: mount.fstype, options, read_only })
    })))
}

/// A line of `/proc/PID/mountinfo`, proc(5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mount<'a> {
    /// `major:minor`.
    pub device: &'a str,
    /// What of the file system is mounted.
    pub root: &'a str,
    pub path: &'a str,
    pub options: &'a str,
    pub fstype: &'a str,
    pub source: &'a str,
}

impl<'a> Mount<'a> {
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let (mount, fs) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(2);
        let (device, root, path, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let mut words = fs.split(' ');
        Some(Self { device, root, path, options, fstype: words.next()?, source: words.next()? })
    }
}

/// Takes back the octal escapes of blanks and backslashes.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn mounts_are_read_with_their_escapes() {
        let text = "36 35 98:0 / / rw,noatime master:1 - ext4 /dev/vda rw,errors=continue\n\
                    40 36 0:30 / /mnt/two\\040words ro shared:2 - nfs server:/x\\134y rw\n\
                    broken line\n";
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(&[(MOUNTINFO, text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.as_map().unwrap().len(), 2);
        assert_eq!(seen.at("/.fstype"), Some(&"ext4".into()));
        assert_eq!(seen.at("/.options.1"), Some(&"noatime".into()));
        assert_eq!(seen.at("/mnt/two words.read_only"), Some(&Value::Bool(true)));
        assert_eq!(seen.at("/mnt/two words.device"), Some(&"server:/x\\y".into()));
        assert_eq!(unescaped("a\\9 \\"), "a\\9 \\", "no escapes");
    }
}
