//! What the collectors of traits make of any file and any output.

use crate::answers::Answers;
use crate::input::{choice, text};
use vigo_core::action::{AbsPath, Entry, FileKind, Metadata, Op, OpOutput};
use vigo_core::base64;
use vigo_core::host::Host;
use vigo_core::sim::collectors::run;
use vigo_core::traits::{Collector, TraitSet, bounded, check_custom, custom_yaml};
use vigo_core::value::Value;
use vigo_host_bsd::{FreeBsd, NetBsd, OpenBsd};
use vigo_host_illumos::Illumos;
use vigo_host_linux::Linux;
use vigo_host_macos::MacOs;
use vigo_host_windows::Windows;

/// The file that is a certificate.
const CERTIFICATE: &str = "site.pem";

/// By the first byte of an input.
static HOSTS: [&dyn Host; 7] = [&Linux, &FreeBsd, &OpenBsd, &NetBsd, &MacOs, &Illumos, &Windows];

/// Runs one collector, whose host the first byte chooses and itself the second, on a machine whose every answer is taken
/// from the rest; behind the hosts come a custom trait in YAML, and the bytes of a certificate.
///
/// A collector only reads and asks for something new each time, its value is within its bound, and every field of the
/// declared kind.
pub fn traits(data: &[u8]) {
    let Some((host, rest)) = choice(data) else { return };
    match HOSTS.get(usize::from(host)) {
        Some(host) => {
            let Some((which, rest)) = choice(rest) else { return };
            let Some(collector) = host.collectors().get(usize::from(which & 0x7f)) else { return };
            let mut answers = Answers::wide(rest);
            holds(collector, which & 0x80 != 0, |op| answers.answer(op));
        }
        None if host & 1 == 1 => custom(rest),
        None => certificate(rest),
    }
}

fn holds(collector: &Collector, is_image: bool, answer: impl FnMut(&Op) -> OpOutput) {
    assert_eq!(run(collector, is_image, answer), [""; 0]);
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
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(der));
    let folder = AbsPath::parse("/etc/ssl").ok();
    let answer = |op: &Op| match op {
        Op::ListDir { path, .. } if Some(path) == folder.as_ref() => {
            OpOutput::Dir(vec![Entry { path: CERTIFICATE.into(), meta: meta.clone() }])
        }
        Op::ReadFile { .. } => OpOutput::File { meta: meta.clone(), content: pem.as_bytes().into() },
        _ => OpOutput::Missing,
    };
    if let Some(collector) = Linux.collectors().iter().find(|c| c.area == "cert_lifecycle") {
        holds(collector, false, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use vigo_core::action::Outputs;
    use vigo_core::traits::{Found, Machine};

    /// What a machine of the host says in an input that is named `HOST.AREA` is understood: else it would try nothing.
    #[test]
    fn every_named_input_is_of_its_collector_and_comes_to_a_value() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/traits");
        let (mut understood, mut faults) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((host, area)) = name.split_once('.') else { continue };
            let data = fs::read(&path).expect("a readable input");
            let [at, which, answers @ ..] = &data[..] else { panic!("`{name}` is empty") };
            let chosen = HOSTS.get(usize::from(*at)).expect("a host");
            let collector = chosen.collectors().get(usize::from(*which)).expect("a collector");
            assert_eq!((chosen.name(), collector.area), (host, area), "`{name}` is of another collector");
            let (mut answers, mut outputs) = (Answers::wide(answers), Outputs::default());
            let machine = Machine { version: "1", arch: "amd64".into(), ..Machine::default() };
            let mut asked = (collector.probe)(&machine);
            let found = loop {
                for op in asked {
                    let output = answers.answer(&op);
                    outputs.push(op, output.into());
                }
                match (collector.interpret)(&machine, &outputs) {
                    Ok(Found::Ask(more)) => asked = more,
                    found => break found,
                }
            };
            if !matches!(found, Ok(Found::Value(_))) {
                faults.push(format!("`{name}` comes to {found:?}"));
            }
            understood.push(host.to_owned());
        }
        assert_eq!(faults, [""; 0]);
        for host in &HOSTS[1..] {
            assert!(understood.iter().any(|name| name == host.name()), "{} has no named input", host.name());
        }
    }
}
