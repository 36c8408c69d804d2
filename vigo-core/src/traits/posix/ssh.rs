//! `ssh`: the server of OpenSSH.

use super::super::see::{See, fields, list, path, read_at, run, some, stat};
use super::super::{Collector, Found, Machine};
use super::Unix;
use crate::action::{Op, Outputs};
use crate::base64;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// Returns the collector of `ssh`.
pub const fn ssh<U: Unix>() -> Collector {
    Collector::slow("ssh", |_| alloc::vec![stat(U::SSHD), list(FOLDER)], interpret::<U>)
}

const FOLDER: &str = "/etc/ssh";
/// All settings as they are in force, after includes and defaults.
const SETTINGS: &[&str] = &["-T"];
/// Prints the version, older ones behind a complaint.
const VERSION: &[&str] = &["-V"];

fn interpret<U: Unix>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if !see.exists(U::SSHD) {
        return Ok(Found::Absent);
    }
    let is_key = |name: &str| name.starts_with("ssh_host_") && name.ends_with("_key.pub");
    let names = see.entries(FOLDER).iter().map(|e| &*e.path).filter(|name| is_key(name)).take(20);
    let files: Vec<_> = names.filter_map(|name| path(&format!("{FOLDER}/{name}"))).collect();
    let mut asked: Vec<Op> = files.iter().cloned().map(read_at).collect();
    asked.extend([run(U::SSHD, SETTINGS), run(U::SSHD, VERSION)]);
    let open = see.open(asked);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let keys = files.iter().filter_map(|file| host_key(&see.text(file.as_str())?)).collect::<Vec<_>>();
    let settings = see.output(U::SSHD, SETTINGS).unwrap_or_default();
    let setting = |key: &str| {
        let of = |line: &str| line.strip_prefix(key)?.strip_prefix(' ').map(str::to_string);
        settings.lines().find_map(of).and_then(|value| some(&value))
    };
    let version = see.ran(U::SSHD, VERSION).and_then(|ran| version(&format!("{}\n{}", ran.err(), ran.out())));
    Ok(Found::Value(fields([
        ("server_version", version.and_then(|v| some(&v))),
        ("host_keys", Some(Value::list(keys))),
        ("permit_root", setting("permitrootlogin")),
        ("password_auth", setting("passwordauthentication")),
    ])))
}

/// `OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.9` → `9.2p1`.
fn version(text: &str) -> Option<String> {
    let rest = text.split_once("OpenSSH_")?.1;
    Some(rest.split([' ', ',', '\n']).next()?.to_string())
}

fn host_key(line: &str) -> Option<Value> {
    let mut words = line.split_whitespace();
    let (kind, blob) = (words.next()?, words.next()?);
    let digest: [u8; 32] = Sha256::digest(base64::decode_lenient(blob)?).into();
    let kind = kind.trim_start_matches("ssh-").split('@').next()?;
    let kind = if kind.starts_with("ecdsa") { "ecdsa" } else { kind };
    Some(fields([("type", some(kind)), ("fingerprint", some(&format!("SHA256:{}", base64::encode_bare(digest))))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // Key and fingerprint as ssh-keygen -lf prints it.
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKPm0dXMgLOlHJdsdAcwzvMDZDyPTT/3lxjbpxqnGDj9 root@x";
        let seen = host_key(line).unwrap();
        assert_eq!(seen.at("type"), Some(&"ed25519".into()));
        let print = seen.at("fingerprint").and_then(Value::as_str).unwrap();
        assert!(print.starts_with("SHA256:") && print.len() == 7 + 43, "{print}");
        assert_eq!(host_key("ssh-ed25519 !!!"), None);
        assert_eq!(host_key(""), None);
    }

    #[test]
    fn the_version_is_found_behind_complaints() {
        let old = "unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1n  15 Mar 2022\nusage: sshd\n";
        assert_eq!(version(old).as_deref(), Some("8.4p1"));
        assert_eq!(version("OpenSSH_9.6, LibreSSL").as_deref(), Some("9.6"));
        assert_eq!(version("dropbear"), None);
    }
}
