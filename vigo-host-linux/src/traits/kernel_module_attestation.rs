//! `kernel_module_attestation`: whether modules must be signed, and which are not.

use super::kernel::MODULES;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("kernel_module_attestation", probe, interpret);

const ENFORCE: &str = "/sys/module/module/parameters/sig_enforce";
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MODULES), read(ENFORCE), read(LOCKDOWN)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let Some(modules) = see.text(MODULES) else { return Ok(Found::Absent) };
    let locked = see.text(LOCKDOWN).is_some_and(|t| t.contains("[integrity]") || t.contains("[confidentiality]"));
    let enforced = locked || see.text(ENFORCE).is_some_and(|t| t.trim() == "Y");
    let tainted = |letter: char| sorted(modules.lines().filter_map(move |line| tainted(line, letter)));
    Ok(Found::Value(fields([
        ("enforced", Some(Value::Bool(enforced))),
        ("unsigned", Some(tainted('E'))),
        ("out_of_tree", Some(tainted('O'))),
    ])))
}

/// Returns the module of a line whose last word, `(OE)`, holds the letter; Documentation/admin-guide/tainted-kernels.
fn tainted(line: &str, letter: char) -> Option<&str> {
    let flags = line.trim_end().strip_suffix(')')?.rsplit_once(" (")?.1;
    flags.contains(letter).then(|| line.split(' ').next()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_from_the_end() {
        let cases = [
            ("ext4 1000 2 - Live 0xffffffffc0000000", None, None),
            ("zfs 1000 2 spl, Live 0xffffffffc0000000 (POE)", Some("zfs"), Some("zfs")),
            ("own 1000 0 - Live 0x0 (O)", None, Some("own")),
        ];
        for (line, unsigned, out_of_tree) in cases {
            assert_eq!((tainted(line, 'E'), tainted(line, 'O')), (unsigned, out_of_tree), "{line}");
        }
    }
}
