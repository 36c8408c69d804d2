use super::restore::restore_watched;
use super::*;
use crate::data_dir::{DataDir, FRESH, OLD};
use crate::store::{Actor, Entry, Facts, SCHEMA, Store};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use vigo_core::backup::age::{Identity, Recipient};
use vigo_core::backup::{BackupCopy, BackupFile, MANIFEST_NAME, Manifest, Part};
use vigo_core::bundle::{Ca, KeySet, KeyState, Signed, SigningKey, TrustedKey};
use vigo_core::entropy::Entropy;
use vigo_core::time::Timestamp;

const NOW: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

/// A folder of its own, removed with it.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vigo-backup-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn bundle_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn root_digits() -> String {
    root().verifying_key().as_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

/// A member of an archive: its path as it is written, its kind, its content.
#[derive(Clone)]
struct Raw {
    path: Vec<u8>,
    kind: u8,
    content: Vec<u8>,
}

fn raw(path: &str, content: &[u8]) -> Raw {
    Raw { path: path.into(), kind: b'0', content: content.into() }
}

/// Returns a tar archive of whatever members.
fn tar(members: &[Raw]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        let mut head = tar::Header::new_gnu();
        head.as_old_mut().name[..member.path.len()].copy_from_slice(&member.path);
        head.set_size(member.content.len() as u64);
        head.set_mode(0o600);
        head.as_old_mut().linkflag = [member.kind];
        if matches!(member.kind, b'1' | b'2') {
            head.set_link_name("/etc/passwd").unwrap();
        }
        head.set_cksum();
        out.extend(head.as_bytes());
        out.extend(&member.content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns a database as a server has it, with so many rows in its audit.
fn database(rows: usize) -> Vec<u8> {
    let temp = Temp::new();
    let path = temp.0.join("vigo.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open(&path, &temp.0.join("revoked"), NOW).unwrap();
    for row in 0..rows {
        let (subject, detail) = (row.to_string(), String::new());
        let entry = Entry { actor: Actor::Server, action: "test", subject, detail };
        runtime.block_on(store.audit(entry, NOW)).unwrap();
    }
    store.close();
    fs::read(&path).unwrap()
}

const REVOKED: &str = "0196b2c4-0000-4000-8000-000000000001";
const REVOKED_HERE: &str = "0196b2c4-0000-4000-8000-000000000002";

/// Returns the files of a server that was backed up.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("server.yaml", b"checkin: {interval: 1m}\n".to_vec()),
        ("tls/keyset", b"new keyset".to_vec()),
        ("tls/revoked", format!("\n{REVOKED}\n").into_bytes()),
        ("stacks/envoys.vgo", b"new stacks".to_vec()),
        ("history/3/publish", b"new publish".to_vec()),
        ("history/3/tree/a", b"shared".to_vec()),
        ("db/vigo.db", database(3)),
        ("blobs/agents/linux-x86_64", b"new agent".to_vec()),
    ]
}

fn manifest(files: &[(&str, Vec<u8>)]) -> Manifest {
    let key = TrustedKey { key: bundle_key().verifying_key(), state: KeyState::Active };
    let cas = vec![Ca { certificate: b"ca".to_vec(), state: KeyState::Active }];
    let set = KeySet { version: 1, root: root().verifying_key(), bundle_keys: vec![key], cas };
    let temp = Temp::new();
    let facts = files.iter().find(|(path, _)| *path == "db/vigo.db");
    let facts = facts.map(|(_, bytes)| Facts::of(&temp.file("vigo.db", bytes)).unwrap()).unwrap_or_default();
    let file = |(path, content): &(&str, Vec<u8>)| BackupFile {
        path: (*path).into(),
        mode: if path.starts_with("history") { 0o400 } else { 0o600 },
        size: content.len() as u64,
        sha256: Sha256::digest(content).into(),
    };
    Manifest {
        id: [7; 16],
        created_at: NOW,
        program: "0.1.0".into(),
        schema: facts.schema,
        root: root().verifying_key(),
        keyset: set.sign(&root()),
        live: files.iter().any(|(path, _)| *path == "history/3/publish").then_some(3),
        serial: 0,
        audit: facts.audit,
        newest_at: facts.newest,
        envoys: 0,
        host: "vigo.example".into(),
        database_path: "db/vigo.db".into(),
        secrets_path: "secrets".into(),
        parts: Part::ALL.into_iter().collect(),
        has_root: false,
        files: files.iter().map(file).collect(),
        copies: Vec::new(),
        left_out: Vec::new(),
    }
}

fn members(signed: &Signed, files: &[(&str, Vec<u8>)]) -> Vec<Raw> {
    let first = Raw { path: MANIFEST_NAME.into(), kind: b'0', content: signed.encode() };
    std::iter::once(first).chain(files.iter().map(|(path, content)| raw(path, content))).collect()
}

/// Returns the archive of such a server.
fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zstd(&tar(&members(&manifest(files).sign(&bundle_key()), files)))
}

fn wanted(file: &Path, target: &Path) -> Restore {
    Restore {
        file: file.into(),
        target: target.into(),
        only: None,
        expect_root: Some(root_digits()),
        identity: None,
        dry_run: false,
        force: false,
    }
}

fn run(wanted: &Restore) -> Result<serde_json::Value, ArchiveError> {
    restore(wanted, &mut |_, _| {})
}

/// Makes a directory as another server has it.
fn old_server(temp: &Temp) -> PathBuf {
    let old = [
        ("server.yaml", "checkin: {interval: 2m}\n"),
        ("tls/keyset", "old keyset"),
        ("tls/root", &format!("vigo-fleet-root-1 {}\n", root_digits())),
        ("tls/revoked", &format!("\n{REVOKED_HERE}\n")),
        ("secrets/db+password", "old secret"),
        ("stacks/envoys.vgo", "old stacks"),
        ("stacks/old.vgo", "old alone"),
        ("history/1/publish", "old publish"),
        ("db/vigo.db", "old database"),
        ("db/vigo.db-wal", "old wal"),
        ("blobs/x", "old blob"),
    ];
    old.iter().for_each(|(path, text)| drop(temp.file(&format!("data/{path}"), text.as_bytes())));
    let data = temp.0.join("data");
    std::os::unix::fs::symlink("history/1", data.join(".live")).unwrap();
    data
}

/// Returns all that lies in a data directory, but for what a restore has beside it.
fn all(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_symlink() {
                found.insert(name, fs::read_link(&path).unwrap().to_str().unwrap().into());
            } else if meta.is_dir() {
                walk(&path, &format!("{name}/"), found);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, "", &mut found);
    let beside = |name: &String| ["run/", FRESH, OLD].iter().any(|begin| name.starts_with(begin));
    found.retain(|name, _| !beside(name));
    found
}

#[test]
fn what_was_backed_up_is_there_again_and_nothing_else() {
    for pack in [zstd, gzip] {
        let (temp, files) = (Temp::new(), files());
        let mut manifest = manifest(&files);
        manifest.copies.push(BackupCopy { path: "history/3/tree/b".into(), of: "history/3/tree/a".into() });
        let bytes = pack(&tar(&members(&manifest.sign(&bundle_key()), &files)));
        let file = temp.file("x.tar.zst", &bytes);
        let target = temp.0.join("new/data");
        fs::create_dir(temp.0.join("new")).unwrap();
        let answer = run(&wanted(&file, &target)).unwrap();
        let mut expected: BTreeMap<String, Vec<u8>> =
            files.iter().map(|(path, content)| ((*path).to_owned(), content.clone())).collect();
        expected.insert(".live".into(), b"history/3".to_vec());
        expected.insert("history/3/tree/b".into(), b"shared".to_vec());
        expected.insert("tls/revoked".into(), format!("{REVOKED}\n").into_bytes());
        let marker = format!("vigo-restored-1 {} {SCHEMA} 3\n", NOW.epoch_ms());
        expected.insert("tls/restored".into(), marker.into_bytes());
        assert_eq!(all(&target), expected);
        let mode = |name: &str| fs::metadata(target.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            [mode("tls"), mode("tls/keyset"), mode("history/3/publish"), mode("")],
            [0o700, 0o600, 0o400, 0o700]
        );
        assert_eq!(answer["replaced"], serde_json::Value::Null);
        assert_eq!(answer["parts"]["history"], 3);
        assert!(!target.join(FRESH).exists() && !target.join(OLD).exists());
        // It can be opened, and the database is in use.
        drop(DataDir::open(&target).unwrap());
        Store::open(&target.join("db/vigo.db"), &target.join("tls/revoked"), NOW).unwrap().close();
    }
}

#[test]
fn a_restore_replaces_what_it_brings_only_when_it_is_forced_and_keeps_what_was_there() {
    let (temp, files) = (Temp::new(), files());
    let file = temp.file("x.tar.zst", &archive(&files));
    let data = old_server(&temp);
    let before = all(&data);
    let error = run(&wanted(&file, &data)).unwrap_err();
    assert_eq!(error.code(), "not-empty", "{error}");
    assert!(error.help().unwrap().contains("--force"));
    let dry = run(&Restore { dry_run: true, force: true, ..wanted(&file, &data) }).unwrap();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(all(&data), before, "neither has changed anything");
    assert!(!data.join(FRESH).exists());

    // The database alone: with it the ids that never come back, of both sides.
    let only = Some(BTreeSet::from([Part::Database]));
    let answer = run(&Restore { only, force: true, ..wanted(&file, &data) }).unwrap();
    let mut expected = before.clone();
    expected.insert("db/vigo.db".into(), files[6].1.clone());
    expected.remove("db/vigo.db-wal");
    expected.insert("tls/revoked".into(), format!("{REVOKED}\n{REVOKED_HERE}\n").into_bytes());
    expected.insert("tls/restored".into(), format!("vigo-restored-1 {} {SCHEMA} 3\n", NOW.epoch_ms()).into_bytes());
    assert_eq!(all(&data), expected);
    assert_eq!(fs::read(data.join(OLD).join("db/vigo.db")).unwrap(), b"old database");
    assert_eq!(answer["replaced"], data.canonicalize().unwrap().join(OLD).display().to_string());

    let only = Some(BTreeSet::from([Part::Stacks, Part::Secrets]));
    run(&Restore { only, force: true, ..wanted(&file, &data) }).unwrap();
    expected.retain(|name, _| !name.starts_with("stacks/") && !name.starts_with("secrets/"));
    expected.insert("stacks/envoys.vgo".into(), b"new stacks".to_vec());
    assert_eq!(all(&data), expected);

    run(&Restore { force: true, ..wanted(&file, &data) }).unwrap();
    let found = all(&data);
    assert_eq!(found["tls/revoked"], format!("{REVOKED}\n{REVOKED_HERE}\n").into_bytes());
    assert_eq!((&found["tls/keyset"], &found[".live"]), (&b"new keyset".to_vec(), &b"history/3".to_vec()));
    assert!(!found.contains_key("history/1/publish") && !found.contains_key("tls/root"));
}

#[test]
fn a_restore_is_refused_with_what_to_do() {
    let (temp, files) = (Temp::new(), files());
    let file = temp.file("x.tar.zst", &archive(&files));
    let target = temp.0.join("target");
    let none = || wanted(&file, &target);
    let other_root: String = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".into();
    let newer = Manifest { schema: SCHEMA + 1, program: "9.0.0".into(), ..manifest(&files) };
    let newer = temp.file("newer.tar.zst", &zstd(&tar(&members(&newer.sign(&bundle_key()), &files))));
    let lying = Manifest { audit: Default::default(), ..manifest(&files) };
    let lying = temp.file("lying.tar.zst", &zstd(&tar(&members(&lying.sign(&bundle_key()), &files))));
    let mut spoiled = files.clone();
    spoiled[6].1[100..200].fill(0xff);
    let spoiled_manifest = Manifest { schema: SCHEMA, ..manifest(&files) };
    let mut spoiled_manifest = spoiled_manifest;
    spoiled_manifest.files[6].sha256 = Sha256::digest(&spoiled[6].1).into();
    let spoiled = temp.file("spoiled.tar.zst", &zstd(&tar(&members(&spoiled_manifest.sign(&bundle_key()), &spoiled))));
    let encrypted = temp.file("x.tar.zst.age", b"age-encryption.org/v1\n-> X25519 x\n");
    let cases: [(&str, Restore, &str, &str); 9] = [
        ("nobody knows the fleet", Restore { expect_root: None, ..none() }, "unknown-root", &root_digits()),
        ("another fleet", Restore { expect_root: Some(other_root), ..none() }, "other-root", "this fleet"),
        ("no key", Restore { expect_root: Some("x".into()), ..none() }, "invalid", "export-root"),
        ("a database alone", Restore { only: Some(BTreeSet::from([Part::Database])), ..none() }, "no-server", "whole"),
        ("a newer database", wanted(&newer, &target), "newer", "use vigosrv 9.0.0"),
        ("an audit that was rewritten", wanted(&lying, &target), "not-valid", "another backup"),
        ("a damaged database", wanted(&spoiled, &target), "not-valid", "another backup"),
        ("encrypted", wanted(&encrypted, &target), "not-valid", "another backup"),
        ("no archive", wanted(&temp.0.join("none"), &target), "store", ""),
    ];
    for (name, wanted, code, help) in cases {
        let error = run(&wanted).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.help().unwrap().contains(help), "{name}: {:?}", error.help());
        assert!(!target.exists(), "{name}: something is left");
    }
    fs::create_dir(&target).unwrap();
    let running = DataDir::serve(&target).unwrap();
    let error = run(&none()).unwrap_err();
    assert!(error.code() == "running" && error.help().unwrap().contains("stop vigosrv"), "{error}");
    drop(running);
    run(&none()).unwrap();
}

#[test]
fn no_archive_writes_anywhere_else_or_more_than_it_says() {
    let files: Vec<(&str, Vec<u8>)> =
        vec![("server.yaml", b"{}\n".to_vec()), ("tls/keyset", b"k".to_vec()), ("stacks/a", b"a".to_vec())];
    let small = Manifest { parts: BTreeSet::from([Part::Config, Part::Tls, Part::Stacks]), ..manifest(&files) };
    let signed = small.sign(&bundle_key());
    let good = members(&signed, &files);
    let at = |index: usize, change: &dyn Fn(&mut Raw)| {
        let mut members = good.clone();
        change(&mut members[index]);
        zstd(&tar(&members))
    };
    let kind = |kind: u8| at(2, &|m| (m.kind, m.content) = (kind, Vec::new()));
    let path = |path: &[u8]| at(3, &|m| m.path = path.to_vec());
    let with = |index: usize, member: Raw| {
        let mut members = good.clone();
        members.insert(index, member);
        zstd(&tar(&members))
    };
    let long = |bytes: usize| Raw { path: b"././@LongLink".to_vec(), kind: b'L', content: vec![b'a'; bytes] };
    let mut tail = tar(&good);
    tail.extend(vec![0; 64 << 20]);
    let mut garbage = tar(&good);
    let end = garbage.len() - 1;
    garbage[end] = 1;
    let window = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3][..], &[0x01, 0x00, 0x00]].concat();
    let swapped = {
        let mut members = good.clone();
        members.swap(0, 1);
        zstd(&tar(&members))
    };
    let of_stranger = members(&small.sign(&SigningKey::from_bytes(&[9; 32])), &files);
    let as_other = Signed::new(vigo_core::bundle::Purpose::Bundle, signed.bytes.clone(), &bundle_key());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a symbolic link", kind(b'2')),
        ("a hard link", kind(b'1')),
        ("a character device", kind(b'3')),
        ("a block device", kind(b'4')),
        ("a folder", kind(b'5')),
        ("a fifo", kind(b'6')),
        ("a contiguous file", kind(b'7')),
        ("a sparse file", kind(b'S')),
        ("an extended head", kind(b'x')),
        ("a global head", kind(b'g')),
        ("upwards", path(b"../../escaped")),
        ("absolute", path(b"/tmp/escaped")),
        ("upwards in the middle", path(b"stacks/../../../escaped")),
        ("no text", path(b"stacks/\xff")),
        ("another name", path(b"stacks/b")),
        ("600 bytes of name", with(1, long(600))),
        ("a gigabyte of name", with(1, long(16 << 20))),
        ("two long names", {
            let mut members = good.clone();
            members.splice(1..1, [long(20), long(20)]);
            zstd(&tar(&members))
        }),
        ("twice", with(2, good[1].clone())),
        ("unlisted", with(4, raw("stacks/b", b"b"))),
        ("missing", zstd(&tar(&good[..3]))),
        ("short", at(3, &|m| m.content = Vec::new())),
        ("long", at(3, &|m| m.content = b"aaa".to_vec())),
        ("another content", at(3, &|m| m.content = b"b".to_vec())),
        ("a bomb", zstd(&tail)),
        ("behind the end", zstd(&garbage)),
        ("a second frame", [zstd(&tar(&good)), zstd(b"x")].concat()),
        ("garbage behind", [zstd(&tar(&good)), b"x".to_vec()].concat()),
        ("garbage behind gzip", [gzip(&tar(&good)), b"x".to_vec()].concat()),
        ("a window of 2 GiB", window),
        ("the manifest is not in front", swapped),
        ("no manifest", zstd(&tar(&good[1..]))),
        ("another's signature", zstd(&tar(&of_stranger))),
        ("another purpose", zstd(&tar(&members(&as_other, &files)))),
        ("not compressed", tar(&good)),
        ("empty", Vec::new()),
        ("an empty archive", zstd(&tar(&[]))),
    ];
    let temp = Temp::new();
    let data = old_server(&temp);
    let before = all(&data);
    let restore = |bytes: &[u8]| {
        let file = temp.file("x.tar.zst", bytes);
        run(&Restore { force: true, ..wanted(&file, &data) })
    };
    for (name, bytes) in &cases {
        let error = restore(bytes).expect_err(name);
        assert!(error.help().is_some(), "{name}: {error}");
        assert_eq!(all(&data), before, "{name}");
        assert!(!data.join(FRESH).exists(), "{name}");
        assert!(!temp.0.join("escaped").exists() && !Path::new("/tmp/escaped").exists(), "{name}");
    }
    for pack in [zstd, gzip] {
        let whole = pack(&tar(&good));
        for end in (0..whole.len()).step_by(61) {
            let error = restore(&whole[..end]).expect_err("cut");
            assert_eq!(all(&data), before, "cut at {end}: {error}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let file = temp.file("x.tar.zst", &bytes);
            // A head may say other times or another system; what is in it is the same then.
            let expect = vigo_core::backup::Expect::Root(root().verifying_key());
            let read = super::read::walk(&file, &Default::default(), None, &mut |_, _| {}, &mut |found| {
                found.trust(&expect).map_err(ArchiveError::of(&file))?;
                Ok(BTreeSet::new())
            });
            assert!(read.is_err() || read.is_ok_and(|found| found == small), "byte {at} is another one");
        }
    }
    restore(&zstd(&tar(&good))).unwrap();
}

#[test]
fn a_restore_that_is_killed_at_any_step_leaves_what_was_there_or_what_it_brought() {
    let archive = archive(&files());
    let restored = {
        let temp = Temp::new();
        let data = old_server(&temp);
        run(&Restore { force: true, ..wanted(&temp.file("x.tar.zst", &archive), &data) }).unwrap();
        all(&data)
    };
    let dies_after = |steps: u32| {
        let mut left = steps;
        move |_: &str, _: &Path| {
            if left == 0 {
                return Err(io::Error::other("killed"));
            }
            left -= 1;
            Ok(())
        }
    };
    let (mut old, mut new) = (0, 0);
    for step in 0.. {
        let temp = Temp::new();
        let data = old_server(&temp);
        let before = all(&data);
        let file = temp.file("x.tar.zst", &archive);
        let wanted = Restore { force: true, ..wanted(&file, &data) };
        let survived = restore_watched(&wanted, &mut |_, _| {}, &mut dies_after(step)).is_ok();
        // The next one dies, too, some steps later; then one goes to its end.
        let root = data.canonicalize().unwrap();
        let _ = crate::data_dir::finish(&root, &mut dies_after(step % 5));
        drop(DataDir::claim(&data).unwrap());
        let found = all(&data);
        assert!(found == before || found == restored, "step {step}: {:?}", found.keys());
        assert!(found == restored || !survived, "step {step}: it was said to be done");
        assert!(!data.join("restore-journal").exists() && !data.join(FRESH).exists(), "step {step}");
        if found == before {
            old += 1
        } else {
            new += 1
        }
        if survived {
            break;
        }
    }
    assert!(old >= 1 && new > 15, "{old} {new}");
}

#[test]
fn a_kit_or_the_root_of_the_machine_says_of_which_fleet_a_backup_is() {
    let (temp, files) = (Temp::new(), files());
    let file = temp.file("x.tar.zst", &archive(&files));
    let seed: String = root().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let kit = temp.file("kit", format!("vigo-ed25519-key-1 {seed}\n").as_bytes());
    let data = old_server(&temp);
    let look = |expect_root: Option<String>, data_dir: &Path| {
        verify(&Verify { file: file.clone(), expect_root, identity: None, data_dir: data_dir.into() }, &mut |_, _| {})
    };
    let none = temp.0.join("none");
    assert_eq!(look(None, &none).unwrap_err().code(), "unknown-root");
    for answer in [look(Some(kit.display().to_string()), &none), look(Some(root_digits()), &none), look(None, &data)] {
        let answer = answer.unwrap();
        assert_eq!((&answer["valid"], &answer["publish"]), (&true.into(), &3.into()));
    }
    let left: Vec<_> = fs::read_dir(&temp.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with(".vigo")), "{left:?}");
    temp.file("broken.tar.gz", b"x");
    let listed = list(&temp.0).unwrap();
    assert_eq!(listed["backups"][0]["root_key"], root_digits());
    assert!(listed["backups"][1]["problem"].as_str().unwrap().contains("broken.tar.gz"));
}

#[test]
fn what_a_kill_has_left_of_a_backup_or_a_restore_goes_at_the_next_start() {
    let temp = Temp::new();
    let data = temp.0.join("data");
    drop(DataDir::open(&data).unwrap());
    let left = ["data/restore.new/tls/root_key", "data/run/backup.new/0"].map(|path| temp.file(path, b"a key"));
    drop(DataDir::open(&data).unwrap());
    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn a_policy_that_goes_back_is_said_with_both_numbers() {
    let temp = Temp::new();
    let (file, target) = (temp.file("x.tar.zst", &archive(&files())), temp.0.join("target"));
    for (live, told) in [(None, None), (Some(3), None), (Some(5), Some("from publish 5 to publish 3:"))] {
        fs::create_dir_all(target.join("history")).unwrap();
        let _ = fs::remove_file(target.join(".live"));
        if let Some(live) = live {
            std::os::unix::fs::symlink(format!("history/{live}"), target.join(".live")).unwrap();
        }
        let answer = run(&Restore { force: true, dry_run: true, ..wanted(&file, &target) }).unwrap();
        let notes: Vec<&str> = answer["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
        let back = notes.iter().find(|note| note.contains("goes back"));
        assert_eq!(
            back.map(|note| told.is_some_and(|told| note.contains(told))),
            told.map(|_| true),
            "{live:?}: {notes:?}"
        );
    }
}

#[test]
fn what_the_configuration_has_elsewhere_in_the_directory_goes_there_and_nothing_leaves_the_directory() {
    let temp = Temp::new();
    let mut files = files();
    files.insert(3, ("secrets/.master.key", format!("vigo-master-key-1 {}\n", "01".repeat(32)).into_bytes()));
    let cases: [(&str, &str, &str, usize); 3] = [
        ("database: {path: own/server.db}\nsecrets: {dir: vault}\n", "own/server.db", "vault/.master.key", 0),
        ("database: {path: /elsewhere/server.db}\nsecrets: {dir: ../vault}\n", "db/vigo.db", "secrets/.master.key", 2),
        ("", "db/vigo.db", "secrets/.master.key", 0),
    ];
    for (at, (yaml, database, key, notes)) in cases.into_iter().enumerate() {
        files[0].1 = yaml.as_bytes().to_vec();
        let (file, target) = (temp.file("x.tar.zst", &archive(&files)), temp.0.join(format!("target-{at}")));
        let answer = run(&wanted(&file, &target)).unwrap();
        assert_eq!(fs::read(target.join(database)).unwrap(), files[7].1, "{yaml}");
        assert!(target.join(key).exists(), "{yaml}");
        let outside = |note: &&serde_json::Value| note.as_str().unwrap().contains("not in the data directory");
        assert_eq!(answer["notes"].as_array().unwrap().iter().filter(outside).count(), notes, "{yaml}");
    }
    assert!(!temp.0.join("vault").exists() && !Path::new("/elsewhere").exists());
    files[0].1 = b"database: {pth: x}\n".to_vec();
    let file = temp.file("x.tar.zst", &archive(&files));
    let error = run(&wanted(&file, &temp.0.join("typo"))).unwrap_err();
    assert!(error.code() == "not-valid" && error.to_string().contains("pth"), "{error}");
}

#[test]
fn what_root_restores_belongs_to_whom_the_directory_belongs_to() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: root alone gives files away");
        return;
    }
    let temp = Temp::new();
    let (file, target) = (temp.file("x.tar.zst", &archive(&files())), temp.0.join("target"));
    fs::create_dir(&target).unwrap();
    chown(&target, Some(4711), Some(4712)).unwrap();
    run(&wanted(&file, &target)).unwrap();
    for name in ["tls", "tls/restored", "history/3/tree/a", ".live", "db/vigo.db", "run/lock", "stacks/envoys.vgo"] {
        let meta = fs::symlink_metadata(target.join(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (4711, 4712), "{name}");
    }
}

fn identity(seed: u8) -> Identity {
    Identity::new(Entropy::new([seed; 32]))
}

/// Encrypts an archive.
fn sealed(archive: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    let (mut writer, _) = super::age::AgeWriter::new(Vec::new(), recipients).unwrap();
    // In pieces that fit no chunk.
    archive.chunks(999).for_each(|piece| writer.write_all(piece).unwrap());
    writer.finish().unwrap()
}

#[test]
fn what_was_encrypted_comes_back_for_those_who_have_the_key_and_for_nobody_else() {
    let temp = Temp::new();
    let mut listed = files();
    // Some chunks of what cannot be compressed.
    let noise: Vec<u8> = (0u32..20_000).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect();
    listed.push(("blobs/agents/linux-aarch64", noise));
    let bytes = zstd(&tar(&members(&manifest(&listed).sign(&bundle_key()), &listed)));
    let whole = sealed(&bytes, &[identity(1).recipient(), identity(2).recipient()]);
    assert!(whole.len() > 8 * 65_536 && !whole.windows(8).any(|bytes| bytes == b"MANIFEST"));
    let file = temp.file("x.tar.zst.age", &whole);
    let key =
        |seed: u8| temp.file(&format!("key-{seed}"), format!("# a comment\n{}\n", *identity(seed).text()).as_bytes());
    let target = temp.0.join("data");
    let with = |identity: Option<PathBuf>| Restore { identity, ..wanted(&file, &target) };
    for (name, wanted, code) in [
        ("no key", with(None), "locked"),
        ("another's key", with(Some(key(9))), "locked"),
        ("no key at all", with(Some(temp.file("none", b"# nothing\n"))), "locked"),
    ] {
        let error = run(&wanted).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.help().is_some_and(|help| help.contains("--identity")), "{name}");
        assert!(!target.exists(), "{name}: nothing is made");
    }
    run(&with(Some(key(2)))).unwrap();
    assert_eq!(fs::read(target.join("stacks/envoys.vgo")).unwrap(), b"new stacks");
    // Whatever is changed or cut, nothing is restored; what was there stays.
    let before = all(&target);
    let places =
        [10, 60, 200, 400, 65_536, 140_000, whole.len() - 1].map(|at| (format!("byte {at}"), Some(at), whole.len()));
    let cuts = [30, 250, 66_000, 131_500, whole.len() - 1].map(|len| (format!("{len} bytes"), None, len));
    for (name, at, len) in places.into_iter().chain(cuts) {
        let mut bytes = whole[..len].to_vec();
        if let Some(at) = at {
            bytes[at] ^= 1;
        }
        let file = temp.file("broken.tar.zst.age", &bytes);
        let wanted = Restore { force: true, identity: Some(key(2)), ..wanted(&file, &target) };
        let error = run(&wanted).expect_err(&name);
        assert!(matches!(error.code(), "not-valid" | "locked"), "{name}: {error}");
        assert_eq!(all(&target), before, "{name}");
    }
    let longer = temp.file("longer.tar.zst.age", &[&whole[..], b"x"].concat());
    let wanted = Restore { force: true, identity: Some(key(2)), ..wanted(&longer, &target) };
    assert_eq!(run(&wanted).unwrap_err().code(), "not-valid", "something behind it");
}

#[test]
fn an_encrypted_backup_is_looked_at_by_its_digest_or_with_its_key() {
    let temp = Temp::new();
    let bytes = zstd(&tar(&members(&manifest(&files()).sign(&bundle_key()), &files())));
    let whole = sealed(&bytes, &[identity(1).recipient()]);
    let file = temp.file("x.tar.zst.age", &whole);
    let key = temp.file("key", identity(1).text().as_bytes());
    let look = |identity: Option<PathBuf>| {
        let expect_root = Some(root_digits());
        verify(&Verify { file: file.clone(), expect_root, identity, data_dir: temp.0.clone() }, &mut |_, _| {})
    };
    assert_eq!(look(None).unwrap_err().code(), "locked", "there is no digest");
    let answer = look(Some(key)).unwrap();
    assert!(answer["valid"] == true && answer["encrypted"] == true && answer["publish"] == 3, "{answer}");
    let hex: String = Sha256::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect();
    temp.file("x.tar.zst.age.sha256", format!("{hex}  x.tar.zst.age\n").as_bytes());
    let answer = look(None).unwrap();
    assert!(answer["valid"] == true && answer["sha256"] == *hex && answer["publish"].is_null(), "{answer}");
    let listed = list(&temp.0).unwrap();
    assert_eq!((&listed["backups"][0]["encrypted"], listed["backups"].as_array().unwrap().len()), (&true.into(), 1));
    temp.file("x.tar.zst.age", &[&whole[..whole.len() - 1], b"?"].concat());
    let error = look(None).unwrap_err();
    assert!(error.code() == "not-valid" && error.is_of_archive(), "{error}");
    temp.file("x.tar.zst.age.sha256", b"garbage\n");
    assert_eq!(look(None).unwrap_err().code(), "not-valid");
    assert!(!fs::read_dir(&temp.0).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().starts_with('.')));
}

#[test]
fn what_killed_runs_have_left_is_cleared_and_what_somebody_works_on_is_not() {
    let temp = Temp::new();
    let old = |path: &Path| {
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        fs::File::open(path).unwrap().set_modified(at).unwrap();
    };
    let dead =
        [".x.tar.zst.4711", ".vigo-0-20270115T080000Z.scheduled.tar.zst.age.17"].map(|name| temp.file(name, b"keys"));
    let scratch = temp.0.join(".vigo-verify-4711");
    temp.file(".vigo-verify-4711/unpacked/secrets/.master.key", b"key");
    let others = ["x.tar.zst.4711", ".x.tar.zst.4711x", ".bashrc.12", ".vigo-verify-", "x.tar.zst", ".x.tar.zst."]
        .map(|name| temp.file(name, b""));
    let (held, young) = (temp.file(".y.tar.gz.4711", b""), temp.file(".z.tar.gz.4711", b""));
    dead.iter().chain(&others).chain([&held, &scratch]).for_each(|path| old(path));
    let guard = super::leftover::hold(&held).unwrap();
    super::leftover::clear(&temp.0);
    assert!(!scratch.exists() && !dead.iter().any(|path| path.exists()));
    assert!(others.iter().all(|path| path.exists()), "they are somebody else's");
    assert!(held.exists() && young.exists(), "somebody works on it, or has just begun");
    drop(guard);
    super::leftover::clear(&temp.0);
    assert!(!held.exists());
}
