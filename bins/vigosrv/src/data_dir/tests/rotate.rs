//! A rotation that is killed between any two of its steps.

use super::*;
use std::collections::BTreeMap;
use vigo_core::bundle::{KeyKind, KeySet};

/// The files of `tls/`.
type Files = BTreeMap<String, Vec<u8>>;

fn files(temp: &Temp) -> Files {
    let entries = fs::read_dir(temp.0.join("tls")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// Makes a directory of these files.
fn restored(name: &str, files: &Files) -> Temp {
    let temp = Temp::new(name);
    temp.dir();
    fs::create_dir_all(temp.0.join("tls")).unwrap();
    fs::set_permissions(temp.0.join("tls"), fs::Permissions::from_mode(0o700)).unwrap();
    for (name, bytes) in files {
        fs::write(temp.tls(name), bytes).unwrap();
        fs::set_permissions(temp.tls(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    temp
}

/// Returns what there is after each step: each replaces or removes some files at once.
fn steps(before: &Files, after: &Files, order: &[&[&str]]) -> Vec<Files> {
    let mut now = before.clone();
    let mut all = vec![now.clone()];
    for names in order {
        for name in *names {
            match after.get(*name) {
                Some(bytes) => _ = now.insert((*name).into(), bytes.clone()),
                None => _ = now.remove(*name),
            }
        }
        all.push(now.clone());
    }
    assert!(now.keys().eq(after.keys()) && now == *after, "the steps name every file that changes");
    all
}

/// Starts on these files, and goes on with whatever was begun to its end.
fn starts(name: &str, files: &Files, before: &KeySet, after: &KeySet) {
    let temp = restored(name, files);
    let keys = temp.keys().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(keys.keyset == *before || keys.keyset == *after, "{name}: neither before nor after: {:?}", keys.keyset);
    let root = keys.root.as_ref().unwrap();
    let tls = temp.0.join("tls");
    if keys.keyset.rotating().is_none() {
        keys.announce(&tls, KeyKind::Bundle, root, NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let keys = temp.keys().unwrap();
    keys.switch(&tls).unwrap_or_else(|error| panic!("{name}: {error}"));
    let keys = temp.keys().unwrap();
    assert!(keys.keyset.version > before.version && keys.keyset.rotating().is_none(), "{name}");
    let left: Vec<String> = self::files(&temp).into_keys().filter(|name| name.contains('.')).collect();
    assert_eq!(left, [""; 0], "{name}");
    let own = keys.bundle.verifying_key();
    assert!(keys.keyset.believed().contains(&own), "{name}: it signs by a key that is believed");
    let authority = keys.authority.certificate();
    assert!(keys.keyset.authorities().any(|der| der == authority), "{name}: its authority is one of the fleet's");
}

#[test]
fn a_kill_between_any_two_steps_leaves_the_state_before_or_the_one_after() {
    let bundle: [&[&[&str]]; 3] = [
        &[&["bundle_key.next"], &["keyset.next"], &["keyset"]],
        &[&["keyset", "keyset.next"]],
        &[&["bundle_key", "bundle_key.next"]],
    ];
    let ca: [&[&[&str]]; 3] = [
        &[&["ca_key.next"], &["ca.next"], &["keyset.next"], &["keyset"]],
        &[&["keyset", "keyset.next"]],
        &[&["ca_key", "ca_key.next"], &["ca", "ca.next"], &["cert"]],
    ];
    for (kind, [announcing, switching, finishing]) in [(KeyKind::Bundle, bundle), (KeyKind::Ca, ca)] {
        let temp = Temp::new(&format!("rotate-{kind:?}"));
        let (tls, keys) = (temp.0.join("tls"), temp.keys().unwrap());
        let (idle, first) = (files(&temp), keys.keyset.clone());
        keys.announce(&tls, kind, keys.root.as_ref().unwrap(), NOW).unwrap();
        let (announced, keys) = (files(&temp), temp.keys().unwrap());
        let second = keys.keyset.clone();
        assert_eq!((second.rotating(), files(&temp)), (Some(kind), announced.clone()));
        keys.switch(&tls).unwrap();
        let switched = files(&temp);
        let third = temp.keys().unwrap().keyset;
        let finished = files(&temp);
        let phases = [
            ("announce", steps(&idle, &announced, announcing), &first, &second),
            ("switch", steps(&announced, &switched, switching), &second, &third),
            ("finish", steps(&switched, &finished, finishing), &third, &third),
        ];
        for (phase, states, before, after) in phases {
            for (step, state) in states.iter().enumerate() {
                starts(&format!("rotate-{kind:?}-{phase}-{step}"), state, before, after);
            }
        }
    }
}
