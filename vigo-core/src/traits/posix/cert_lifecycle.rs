//! `cert_lifecycle`: the certificates of this machine, and when they end.

use super::super::see::{See, fields, list, listed, path, some};
use super::super::{Collector, Found, Machine};
use super::Unix;
use super::certificate::{Certificate, certificates};
use crate::action::{AbsPath, FileKind, Op, Outputs};
use crate::time::Timestamp;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the collector of `cert_lifecycle`.
pub const fn cert_lifecycle<U: Unix>() -> Collector {
    Collector::slow("cert_lifecycle", probe::<U>, interpret::<U>).of_image()
}

const ENDINGS: &[&str] = &[".pem", ".crt", ".cer"];

/// Certificates that are told of, and files that are read.
const CERTIFICATES_MAX: usize = 500;

/// Bytes of a file: all that a distribution trusts is a quarter of it.
const BYTES_MAX: u64 = 1 << 20;

const DAY_SECS: i64 = 86_400;

fn probe<U: Unix>(_: &Machine) -> Vec<Op> {
    let archive = Op::ListDir { path: AbsPath::known(U::CERTBOT), deep: true, entries_max: 5000 };
    U::CERTIFICATES.iter().map(|folder| list(folder)).chain([archive]).collect()
}

fn interpret<U: Unix>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let mut files: Vec<AbsPath> = Vec::new();
    for folder in U::CERTIFICATES.iter().chain([&U::CERTBOT]) {
        let entries = see.entries(folder).iter().filter(|entry| entry.meta.kind == FileKind::File);
        let named = entries.filter(|entry| ENDINGS.iter().any(|ending| entry.path.ends_with(ending)));
        files.extend(named.filter_map(|entry| path(&format!("{folder}/{}", entry.path))));
    }
    files.truncate(CERTIFICATES_MAX);
    let open = see.open(files.iter().map(read).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let all = files.iter().flat_map(|file| {
        let text = see.text(file.as_str()).unwrap_or_default();
        certificates(&text).map(|found| told(file.as_str(), &found, machine.now)).collect::<Vec<_>>()
    });
    Ok(Found::Value(fields([("certificates", Some(Value::list(all.take(CERTIFICATES_MAX))))])))
}

fn read(path: &AbsPath) -> Op {
    Op::ReadFile { path: path.clone(), follow: false, bytes_max: BYTES_MAX }
}

fn told(path: &str, found: &Certificate, now: Timestamp) -> Value {
    let left = found.not_after.epoch_secs().saturating_sub(now.epoch_secs()).div_euclid(DAY_SECS);
    let end = found.not_after.to_string();
    fields([
        ("path", some(path)),
        ("cn", found.cn.as_deref().and_then(some)),
        ("subject", Some(Value::text(found.subject.as_str()))),
        ("issuer", Some(Value::text(found.issuer.as_str()))),
        ("serial", some(&found.serial)),
        ("sans", Some(listed(found.sans.iter().map(String::as_str)))),
        ("not_before", Some(Value::text(found.not_before.to_string()))),
        ("expires", end.split('T').next().and_then(some)),
        ("not_after", Some(Value::text(end))),
        ("days_remaining", Some(Value::Int(left))),
        ("is_ca", Some(Value::Bool(found.is_ca))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Entry, Metadata, OpOutput};
    use alloc::sync::Arc;

    struct Here;

    impl Unix for Here {
        const SSHD: &'static str = "/usr/sbin/sshd";
        const CERTIFICATES: &'static [&'static str] = &["/etc/ssl/certs"];
        const CERTBOT: &'static str = "/etc/letsencrypt/archive";

        fn is_os(_: u32) -> bool {
            false
        }
    }

    const LEAF: &str = include_str!("../../../tests/fixtures/openssl/3.0/leaf.txt");

    /// Folders with the names in them, of which those with an `@` are links; and files with their content.
    fn answers(folders: &[(&'static str, &str)], files: &[(&str, &str)]) -> Outputs {
        let meta = |kind| Metadata {
            kind,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 0,
            mtime_ms: 0,
            dev: 1,
            ino: 1,
            nlink: 1,
            target: None,
            context: None,
        };
        let mut outputs = Outputs::default();
        for (folder, names) in folders {
            let kind = |name: &str| if name.contains('@') { FileKind::Symlink } else { FileKind::File };
            let entry = |name: &str| Entry { path: name.trim_end_matches('@').into(), meta: meta(kind(name)) };
            let entries = names.split(' ').map(entry).collect();
            outputs.push(list(folder), Arc::new(OpOutput::Dir(entries)));
        }
        for (file, text) in files {
            let output = OpOutput::File { meta: meta(FileKind::File), content: text.as_bytes().into() };
            outputs.push(read(&path(file).unwrap()), Arc::new(output));
        }
        outputs
    }

    #[test]
    fn files_by_their_names_are_read_and_links_are_not() {
        let machine = |now| Machine { now: Timestamp::from_epoch_secs(now), ..Machine::default() };
        let listed = [("/etc/ssl/certs", "site.pem note.txt link.pem@"), (Here::CERTBOT, "site/cert1.pem site")];
        let Ok(Found::Ask(ops)) = interpret::<Here>(&machine(0), &answers(&listed, &[])) else {
            panic!("no questions")
        };
        let asked: Vec<String> = ops.iter().map(|op| op.to_string()).collect();
        assert_eq!(asked, ["read /etc/ssl/certs/site.pem", "read /etc/letsencrypt/archive/site/cert1.pem"]);
        let outputs = answers(&listed[..1], &[("/etc/ssl/certs/site.pem", LEAF)]);
        // A day and an hour before its end, and an hour after it.
        for (now, left) in [(1_803_083_795_i64 - 25 * 3600, 1), (1_803_083_795 + 3600, -1)] {
            let seen = interpret::<Here>(&machine(now), &outputs);
            let Ok(Found::Value(seen)) = seen else { panic!("{seen:?}") };
            let at = |field: &str| seen.at(&format!("certificates.0.{field}")).cloned();
            assert_eq!(at("path"), Some("/etc/ssl/certs/site.pem".into()));
            assert_eq!((at("cn"), at("expires")), (Some("www.acme.example".into()), Some("2027-02-20".into())));
            assert_eq!((at("sans.2"), at("is_ca")), (Some("192.0.2.7".into()), Some(Value::Bool(false))));
            assert_eq!(at("days_remaining"), Some(Value::Int(left)), "{now}");
        }
    }

    #[test]
    fn a_machine_without_certificates_has_none() {
        let seen = interpret::<Here>(&Machine::default(), &answers(&[], &[]));
        assert_eq!(seen, Ok(Found::Value(fields([("certificates", Some(Value::list([])))]))));
    }
}
