//! `security_scan`: files that give others more than they should have, on the file system of the root. An image has none:
//! what lies in it is not what others reach.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Exit, Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::form::{self, Exposure};
use vigo_core::traits::see::See;
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector =
    Collector::slow("security_scan", probe, interpret).within(Duration::from_secs(60)).of_image();

const FIND: &str = "find";

/// One walk for all, find(1): each finding is a letter and its path, ended by a zero. What belongs to the images of
/// containers is judged there.
const ARGS: &[&str] = &[
    "/",
    "-xdev",
    "(",
    "-path",
    "/var/lib/docker",
    "-o",
    "-path",
    "/var/lib/containers",
    ")",
    "-prune",
    "-o",
    "(",
    "(",
    "-type",
    "f",
    "-perm",
    "-0002",
    "-printf",
    "w%p\\0",
    ")",
    ",",
    "(",
    "-type",
    "d",
    "-perm",
    "-0002",
    "!",
    "-perm",
    "-1000",
    "-printf",
    "d%p\\0",
    ")",
    ",",
    "(",
    "-type",
    "f",
    "-perm",
    "/6000",
    "-printf",
    "s%p\\0",
    ")",
    ",",
    "(",
    "(",
    "-nouser",
    "-o",
    "-nogroup",
    ")",
    "-printf",
    "u%p\\0",
    ")",
    ")",
];

const OUTPUT_BYTES_MAX: usize = 16 << 20;

fn probe(machine: &Machine) -> Vec<Op> {
    if machine.is_image {
        return Vec::new();
    }
    let command = Command::read(FIND, ARGS.iter().copied()).timeout(Duration::from_secs(60));
    alloc::vec![Op::Run(Command { nice: 19, ..command.output_bytes_max(OUTPUT_BYTES_MAX) })]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    if machine.is_image {
        return Ok(Found::Absent);
    }
    let see = See(outputs);
    let Some(ran) = see.ran(FIND, ARGS) else { return Err(see.output(FIND, ARGS).err().unwrap_or_default()) };
    let said = ran.err();
    // A find that cannot say what it found, that of BusyBox.
    if said.contains("-printf") {
        return Ok(Found::Absent);
    }
    // 1: some of it went away meanwhile, or may not be looked into.
    if !matches!(ran.exit, Exit::Code(0 | 1)) {
        return Err(format!("`{FIND}` ended with {}", ran.exit));
    }
    if ran.truncated {
        return Err(format!("`{FIND}` found more than {OUTPUT_BYTES_MAX} bytes of names"));
    }
    Ok(form::security_scan(&["/"], ran.out().split_terminator('\0').filter_map(finding).collect()))
}

/// Reads the letter of a finding, and the path behind it.
fn finding(line: &str) -> Option<(Exposure, String)> {
    let kind = match line.chars().next()? {
        'w' => Exposure::WritableFile,
        'd' => Exposure::WritableFolder,
        'u' => Exposure::Unowned,
        's' => Exposure::Suid,
        _ => return None,
    };
    Some((kind, line.get(1..)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::{OpOutput, Ran};
    use vigo_core::value::Value;

    fn seen(exit: i32, stdout: &str, stderr: &str) -> Result<Found, String> {
        let ran = Ran { exit: Exit::Code(exit), stdout: stdout.into(), stderr: stderr.into(), truncated: false };
        let mut outputs = Outputs::default();
        for op in probe(&Machine::default()) {
            outputs.push(op, Arc::new(OpOutput::Ran(ran.clone())));
        }
        interpret(&Machine::default(), &outputs)
    }

    #[test]
    fn findings_are_counted_and_the_grave_ones_come_first() {
        let out = "s/usr/bin/su\0u/srv/a\nb\0w/srv/open\0d/srv/drop\0s/usr/bin/passwd\0";
        let Ok(Found::Value(seen)) = seen(1, out, "find: '/proc/1': No such file\n") else { panic!("no value") };
        let at = |path: &str| seen.at(path).cloned();
        assert_eq!(at("world_writable"), Some(Value::Int(2)));
        assert_eq!((at("suid"), at("unowned")), (Some(Value::Int(2)), Some(Value::Int(1))));
        let paths: Vec<_> = (0..5).map(|n| at(&format!("findings.{n}.path")).unwrap()).collect();
        let expected = ["/srv/open", "/srv/drop", "/srv/a\nb", "/usr/bin/passwd", "/usr/bin/su"];
        assert_eq!(paths, expected.map(Value::from));
        assert_eq!((at("findings.0.severity"), at("findings.4.id")), (Some("high".into()), Some("suid".into())));
    }

    #[test]
    fn what_cannot_be_found_out_is_no_answer() {
        assert_eq!(seen(1, "", "find: unrecognized: -printf\n"), Ok(Found::Absent));
        assert_eq!(seen(2, "", "find: bad\n"), Err("`find` ended with exit 2".into()));
        assert!(matches!(seen(0, "", ""), Ok(Found::Value(_))));
    }
    #[test]
    fn an_image_is_not_walked() {
        let image = Machine { is_image: true, ..Machine::default() };
        assert_eq!((probe(&image), interpret(&image, &Outputs::default())), (Vec::new(), Ok(Found::Absent)));
    }
}
