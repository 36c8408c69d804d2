//! What the collectors of traits make of any file and any output.

use crate::answers::Answers;
use crate::input::{choice, text};
use vigo_core::action::{AbsPath, Effect, Entry, FileKind, Metadata, Op, OpOutput, Outputs};
use vigo_core::host::Host as _;
use vigo_core::time::Timestamp;
use vigo_core::traits::{
    Address, Collector, Found, Machine, TraitKind, TraitSet, bounded, check_custom, custom_yaml, declared,
};
use vigo_core::value::Value;
use vigo_host_linux::Linux;

/// The file that is a certificate.
const CERTIFICATE: &str = "site.pem";

/// Runs one collector, chosen by the first byte, on a machine whose every answer is taken from the rest; behind the
/// collectors come a custom trait in YAML, and the bytes of a certificate.
///
/// A collector only reads and asks for something new each time, its value is within its bound, and every field of the declared kind.
pub fn traits(data: &[u8]) {
    let Some((which, rest)) = choice(data) else { return };
    match Linux.collectors().get(usize::from(which & 0x7f)) {
        Some(collector) => {
            let mut answers = Answers::wide(rest);
            run(collector, which & 0x80 != 0, |op| answers.answer(op));
        }
        None if which & 1 == 0 => custom(rest),
        None => certificate(rest),
    }
}

fn run(collector: &Collector, is_image: bool, mut answer: impl FnMut(&Op) -> OpOutput) {
    let machine = Machine {
        now: Timestamp::from_epoch_secs(1_795_262_400),
        utc_offset_secs: 3600,
        ntp_synced: Some(true),
        arch: "x86_64".into(),
        version: "1.0.0",
        addresses: [("lo", "127.0.0.1", 8), ("e", "192.0.2.7", 24), ("e", "2001:db8::7", 64)]
            .into_iter()
            .filter_map(|(name, ip, prefix)| Some(Address { interface: name.into(), ip: ip.parse().ok()?, prefix }))
            .collect(),
        memory: None,
        booted: None,
        is_image,
    };
    let area = collector.area;
    let mut outputs = Outputs::default();
    let mut asked = (collector.probe)(&machine);
    for _ in 0..Collector::ROUNDS_MAX {
        assert!(asked.iter().any(|op| outputs.get(op).is_none()), "`{area}` asks for nothing new");
        for op in asked {
            assert_eq!(op.effect(), Effect::Reads, "`{area}` changes something: {op}");
            let output = answer(&op);
            outputs.push(op, output.into());
        }
        match (collector.interpret)(&machine, &outputs) {
            Ok(Found::Ask(more)) => asked = more,
            Ok(Found::Value(value)) => return check(area, value),
            Ok(Found::Absent) | Err(_) => return,
        }
    }
}

/// Every field is of its kind, and the whole fits the set.
fn check(area: &str, value: Value) {
    let mut set = TraitSet::new();
    assert_eq!(set.insert(area, bounded(value)), Ok(()), "`{area}` is too deep");
    let mut open = vec![(String::new(), set.value())];
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
                assert!(fits, "`{path}` is declared {:?}, found {leaf:?}", declared(&path));
            }
        }
    }
}

/// A key that the machine has chosen may hold dots, or nothing.
fn below(path: &str, key: &str) -> String {
    let key = if key.is_empty() || key.contains('.') { "any" } else { key };
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// RFC 3339, in UTC and to the second; the year may be any that a broken clock tells.
fn is_time(text: &str) -> bool {
    let form = |(pattern, c): (char, char)| if pattern == '0' { c.is_ascii_digit() } else { pattern == c };
    let Some((year, rest)) = text.split_at_checked(text.len().saturating_sub(16)) else { return false };
    year.parse::<i64>().is_ok() && rest.len() == 16 && "-00-00T00:00:00Z".chars().zip(rest.chars()).all(form)
}

fn custom(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match custom_yaml(text) {
        Ok(value) if check_custom(&value).is_ok() => {
            let mut set = TraitSet::new();
            let whole = Value::map([("any", value)]);
            assert_eq!(set.insert("custom", bounded(whole)), Ok(()), "a custom trait is too deep");
        }
        Ok(_) => {}
        Err(why) => assert!(why.starts_with("line ") || why == "it could not be read", "no line: {why}"),
    }
}

/// Shows the bytes as the only certificate of the machine.
fn certificate(der: &[u8]) {
    let meta = Metadata {
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: der.len() as u64,
        mtime_ms: 0,
        dev: 1,
        ino: 1,
        nlink: 1,
        target: None,
        context: None,
    };
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(der));
    let folder = AbsPath::parse("/etc/ssl").ok();
    let answer = |op: &Op| match op {
        Op::ListDir { path, .. } if Some(path) == folder.as_ref() => {
            OpOutput::Dir(vec![Entry { path: CERTIFICATE.into(), meta: meta.clone() }])
        }
        Op::ReadFile { .. } => OpOutput::File { meta: meta.clone(), content: pem.as_bytes().into() },
        _ => OpOutput::Missing,
    };
    if let Some(collector) = Linux.collectors().iter().find(|c| c.area == "cert_lifecycle") {
        run(collector, false, answer);
    }
}

/// RFC 4648, without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| (bits << 8) | usize::from(*byte)) << (8 * (3 - chunk.len()));
        text.extend((0..=chunk.len()).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at)) & 63])));
    }
    text
}
