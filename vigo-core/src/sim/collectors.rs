//! What must hold of the collectors of every system, whatever a machine answers.

use crate::action::{Effect, Entry, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Outputs, Ran};
use crate::time::Timestamp;
use crate::traits::{Address, Collector, Found, Machine, Memory, TraitKind, TraitSet, areas, bounded, declared};
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A bit of everything that tools and files say, to be cut anywhere.
const ANYTHING: &str = "a: b: c\n:\n{ sec = x }\n{ sec = 9, usec = 1 } Thu\n99999999999999999999\n(,)\t\t on (\n\
    x on / type y (ro, )\nDevice 1K-blocks Used\n/dev/x -1 18446744073709551615 0\n a=b=c\n=\"'\n[x]\n\"a\",\"b\n<k>\n\
    root:*:0:-2:0:0:x:/:\n::::::\n-----BEGIN CERTIFICATE-----\nMA\n-----END CERTIFICATE-----\nä\u{fffd}\0\u{202e}\r\n\
    em0: flags=<UP mtu 0\n\tether 1:2\nHKEY_X\n    A    REG_SZ    \n    B    REG_DWORD    0xfffffffffffffffff\n-\n";

/// Returns what is wrong with the collectors of a system (`linux`, `freebsd`, …): each has an area that is declared for
/// it, and no other has it; it only reads, asks for something new each time, and what it returns is as declared,
/// whatever the machine answers.
pub fn collector_faults(collectors: &[Collector], system: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, collector) in collectors.iter().enumerate() {
        let name = collector.area;
        match areas().iter().find(|area| area.name == name) {
            None => faults.push(format!("`{name}` is no area")),
            Some(area) if !area.is_of(system) => faults.push(format!("`{name}` is not declared for {system}")),
            Some(_) => {}
        }
        if collectors.iter().skip(at + 1).any(|other| other.area == name) {
            faults.push(format!("`{name}` is there twice"));
        }
        if let Ok(Found::Ask(ops)) = (collector.interpret)(&Machine::default(), &Outputs::default())
            && ops.is_empty()
        {
            faults.push(format!("`{name}` asks for nothing"));
        }
        let cuts = (0..=ANYTHING.len()).filter_map(|end| ANYTHING.get(..end));
        for text in cuts.chain(ANYTHING.lines()) {
            faults.extend(run(collector, false, |op| said(op, text)));
        }
        for answer in [OpOutput::Missing, OpOutput::Done, failed(), OpOutput::exited(1, "", ANYTHING), cut()] {
            faults.extend(run(collector, true, |_| answer.clone()));
        }
    }
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// Runs a collector on a machine, or for an image, that answers so, and returns what is wrong.
pub fn run(collector: &Collector, is_image: bool, mut answer: impl FnMut(&Op) -> OpOutput) -> Vec<String> {
    let machine = machine(is_image);
    let name = collector.area;
    let mut outputs = Outputs::default();
    let mut asked = (collector.probe)(&machine);
    for round in 0..Collector::ROUNDS_MAX {
        if round > 0 && !asked.iter().any(|op| outputs.get(op).is_none()) {
            return alloc::vec![format!("`{name}` asks for nothing new")];
        }
        for op in asked {
            if op.effect() != Effect::Reads {
                return alloc::vec![format!("`{name}` changes something: {op}")];
            }
            let output = answer(&op);
            outputs.push(op, Arc::new(output));
        }
        match (collector.interpret)(&machine, &outputs) {
            Ok(Found::Ask(more)) => asked = more,
            Ok(Found::Value(value)) => return value_faults(name, value),
            Ok(Found::Absent) => return Vec::new(),
            Err(why) if why.is_empty() => return alloc::vec![format!("`{name}` does not say why it failed")],
            Err(_) => return Vec::new(),
        }
    }
    alloc::vec![format!("`{name}` asks more than {} times", Collector::ROUNDS_MAX)]
}

/// Returns what of an area's value is not as it is declared, once it is within its bound.
fn value_faults(area: &str, value: Value) -> Vec<String> {
    let mut set = TraitSet::new();
    if let Err(error) = set.insert(area, bounded(value)) {
        return alloc::vec![format!("`{area}`: {error}")];
    }
    let mut faults = Vec::new();
    let mut open = alloc::vec![(String::new(), set.value())];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Map(map) => open.extend(map.iter().map(|(key, value)| (below(&path, key), value))),
            Value::List(items) => open.extend(items.iter().enumerate().map(|(i, v)| (format!("{path}.{i}"), v))),
            Value::Null => {}
            leaf => {
                let fits = match (declared(&path), leaf) {
                    (Some(TraitKind::Time), Value::Text(text)) => is_time(text.as_str()),
                    (Some(TraitKind::Text), Value::Text(_)) | (Some(TraitKind::Int), Value::Int(_)) => true,
                    (Some(TraitKind::Float), Value::Float(number)) => number.is_finite(),
                    (kind, Value::Bool(_)) => kind == Some(TraitKind::Bool) || path == format!("{area}.truncated"),
                    _ => false,
                };
                if !fits {
                    faults.push(format!("`{path}` is declared {:?}, found a {}", declared(&path), leaf.kind()));
                }
            }
        }
    }
    faults
}

/// Returns a machine whose driver knows everything.
fn machine(is_image: bool) -> Machine {
    let address =
        |(name, ip, prefix): (&str, &str, u8)| Some(Address { interface: name.into(), ip: ip.parse().ok()?, prefix });
    let addresses = [("lo0", "127.0.0.1", 8), ("em0", "192.0.2.7", 24), ("em0", "2001:db8::7", 64)];
    Machine {
        now: Timestamp::from_epoch_secs(1_795_262_400),
        utc_offset_secs: 3600,
        ntp_synced: Some(true),
        arch: "x86_64".into(),
        version: "1.0.0",
        addresses: addresses.into_iter().filter_map(address).collect(),
        memory: Some(Memory {
            total_bytes: 8 << 30,
            available_bytes: 2 << 30,
            swap_total_bytes: 1 << 30,
            swap_free_bytes: 1 << 30,
        }),
        booted: Some(Timestamp::from_epoch_secs(1_795_000_000)),
        is_image,
    }
}

/// A key that the machine has chosen may hold dots, or nothing.
fn below(path: &str, key: &str) -> String {
    let key = if key.is_empty() || key.contains('.') { "any" } else { key };
    if path.is_empty() { key.to_string() } else { format!("{path}.{key}") }
}

/// RFC 3339, in UTC and to the second; the year may be any that a broken clock tells.
fn is_time(text: &str) -> bool {
    let form = |(pattern, c): (char, char)| if pattern == '0' { c.is_ascii_digit() } else { pattern == c };
    let Some((year, rest)) = text.split_at_checked(text.len().saturating_sub(16)) else { return false };
    year.parse::<i64>().is_ok() && rest.len() == 16 && "-00-00T00:00:00Z".chars().zip(rest.chars()).all(form)
}

fn said(op: &Op, text: &str) -> OpOutput {
    let meta = |kind| Metadata {
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: text.len() as u64,
        mtime_ms: 0,
        dev: 1,
        ino: 1,
        nlink: 1,
        target: Some(text.into()),
        context: None,
    };
    match op {
        Op::Run(_) => OpOutput::exited(0, text, text),
        Op::ReadFile { .. } => OpOutput::file(text),
        Op::ListDir { .. } => {
            let names = text.lines().filter(|line| !line.is_empty() && !line.contains(['/', '\0'])).take(5);
            OpOutput::Dir(names.map(|name| Entry { path: name.into(), meta: meta(FileKind::File) }).collect())
        }
        Op::Stat { .. } => OpOutput::Stat(meta(FileKind::Dir)),
        _ => OpOutput::Missing,
    }
}

fn failed() -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::Denied, message: "permission denied".into() })
}

fn cut() -> OpOutput {
    OpOutput::Ran(Ran { truncated: true, ..Ran::exited(0, ANYTHING, "") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::see::{fields, read, run as program};

    const FINE: Collector = Collector::quick(
        "ports",
        |_| alloc::vec![read("/x")],
        |_, _| Ok(Found::Value(fields([("listening", Some(Value::list([Value::Int(22)])))]))),
    );

    #[test]
    fn each_fault_is_found() {
        const AGAIN: Collector = Collector { interpret: |_, _| Ok(Found::Ask(alloc::vec![read("/x")])), ..FINE };
        const MUTE: Collector = Collector { interpret: |_, _| Err(String::new()), ..FINE };
        const WRITES: Collector = Collector {
            probe: |_| alloc::vec![Op::Remove { path: crate::action::AbsPath::known("/x"), recursive: true }],
            ..FINE
        };
        const ENDLESS: Collector = Collector {
            interpret: |_, outputs| {
                let words = "x".repeat(outputs.iter().count());
                Ok(Found::Ask(alloc::vec![program("/bin/x", &[&words])]))
            },
            ..FINE
        };
        const WRONG: Collector = Collector {
            interpret: |_, _| Ok(Found::Value(fields([("listening", Some(Value::list(["22".into()])))]))),
            ..FINE
        };
        assert_eq!(collector_faults(&[FINE], "openbsd"), [""; 0]);
        for (collectors, system, expected) in [
            (&[FINE, FINE][..], "linux", "`ports` is there twice"),
            (&[FINE], "windows", "`ports` is not declared for windows"),
            (&[Collector { area: "nonsense", ..FINE }], "linux", "`nonsense` is no area"),
            (&[AGAIN], "linux", "`ports` asks for nothing new"),
            (&[MUTE], "linux", "`ports` does not say why it failed"),
            (&[WRITES], "linux", "`ports` changes something: remove tree /x"),
            (&[ENDLESS], "linux", "`ports` asks more than 4 times"),
            (&[WRONG], "linux", "`ports.listening.0` is declared Some(Int), found a text"),
        ] {
            let faults = collector_faults(collectors, system);
            assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected}: {faults:?}");
        }
    }
}
