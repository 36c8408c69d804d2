use super::*;
use crate::bundle::{Ca, KeySet, KeyState, Purpose, Signed, SigningKey, TrustedKey};
use crate::limits;
use crate::time::Timestamp;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use prost::Message;
use sha2::{Digest as _, Sha256};

fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn bundle_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn keyset(state: KeyState) -> Signed {
    let key = |key: &SigningKey, state| TrustedKey { key: key.verifying_key(), state };
    let bundle_keys = alloc::vec![key(&bundle_key(), state), key(&SigningKey::from_bytes(&[9; 32]), KeyState::Active)];
    let cas = alloc::vec![Ca { certificate: b"ca".to_vec(), state: KeyState::Active }];
    KeySet { version: 3, root: root().verifying_key(), bundle_keys, cas }.sign(&root())
}

fn file(path: &str, content: &[u8]) -> BackupFile {
    let sha256 = Sha256::digest(content).into();
    BackupFile { path: path.into(), mode: 0o600, size: content.len() as u64, sha256 }
}

fn manifest(files: &[(&str, &[u8])]) -> Manifest {
    Manifest {
        id: [7; 16],
        created_at: Timestamp::from_epoch_secs(1_800_000_000),
        program: "0.1.0".into(),
        schema: 8,
        root: root().verifying_key(),
        keyset: keyset(KeyState::Active),
        live: None,
        serial: 12,
        audit: AuditHead { id: 5, hash: [5; 32] },
        newest_at: Timestamp::from_epoch_secs(1_799_999_999),
        envoys: 2,
        host: "vigo.example".into(),
        database_path: "db/vigo.db".into(),
        secrets_path: "secrets".into(),
        parts: Part::ALL.into_iter().collect(),
        has_root: true,
        files: files.iter().map(|(path, content)| file(path, content)).collect(),
        copies: Vec::new(),
        left_out: Vec::new(),
    }
}

const FILES: &[(&str, &[u8])] =
    &[("server.yaml", b"server: {}\n"), ("tls/revoked", b"x\n"), ("stacks/a", b"a"), ("db/vigo.db", b"database")];

#[test]
fn a_path_leads_to_a_part_of_a_server_or_nowhere() {
    let deep = format!("stacks/{}", "a/".repeat(limits::BACKUP_PATH_STEPS_MAX - 2)) + "a";
    let good = [
        ("server.yaml", Part::Config),
        ("tls/root", Part::Tls),
        ("secrets/.master.key", Part::Secrets),
        ("secrets/.lost/db+password", Part::Secrets),
        ("stacks/a/b c/ü…", Part::Stacks),
        ("stacks/a\\b", Part::Stacks),
        ("history/1/tree/x", Part::History),
        ("db/vigo.db", Part::Database),
        ("blobs/agents/linux-x86_64", Part::Blobs),
        (&deep, Part::Stacks),
    ];
    for (path, part) in good {
        assert_eq!(part_of(path), Ok(part), "{path}");
        assert_eq!(part.word().parse(), Ok(part));
        assert_eq!(Part::of_number(part.number()), Some(part));
    }
    let long = format!("stacks/{}", "a".repeat(limits::BACKUP_PATH_BYTES_MAX));
    let too_deep = format!("{deep}/a");
    let bad = [
        "",
        "/etc/shadow",
        "..",
        "../x",
        "stacks/../../x",
        "stacks/..",
        "stacks//x",
        "stacks/./x",
        "./server.yaml",
        "stacks/",
        "stacks",
        "tls",
        "db/other.db",
        "db/vigo.db-wal",
        "db/vigo.db/x",
        "run/lock",
        ".live",
        "MANIFEST",
        "Server.yaml",
        "stacks/a\0b",
        &long,
        &too_deep,
    ];
    for path in bad {
        assert!(matches!(part_of(path), Err(BackupError::Path { .. })), "{path}");
    }
    assert!("stack".parse::<Part>().unwrap_err().to_string().contains("`stacks`"));
}

#[test]
fn a_manifest_is_believed_by_its_own_fleet_alone_and_only_as_one() {
    let signed = manifest(FILES).sign(&bundle_key());
    assert_eq!(Manifest::verify(&signed), Ok(manifest(FILES)));
    assert_eq!(Signed::decode(&signed.encode()).as_ref(), Ok(&signed));
    for at in 0..signed.encode().len() {
        let mut bytes = signed.encode();
        bytes[at] ^= 1;
        let believed = Signed::decode(&bytes).is_ok_and(|signed| Manifest::verify(&signed).is_ok());
        assert!(!believed, "byte {at} is another one");
    }
    let stranger = manifest(FILES).sign(&SigningKey::from_bytes(&[4; 32]));
    assert!(matches!(Manifest::verify(&stranger), Err(BackupError::Unsigned(_))));
    let by_root = manifest(FILES).sign(&root());
    assert!(matches!(Manifest::verify(&by_root), Err(BackupError::Unsigned(_))), "the root signs key sets alone");
    let as_bundle = Signed::new(Purpose::Bundle, signed.bytes.clone(), &bundle_key());
    assert!(matches!(Manifest::verify(&as_bundle), Err(BackupError::Unsigned(_))), "another purpose");
    let retired = Manifest { keyset: keyset(KeyState::Retired), ..manifest(FILES) };
    assert!(matches!(Manifest::verify(&retired.sign(&bundle_key())), Err(BackupError::Unsigned(_))));
    let other_root = Manifest { root: SigningKey::from_bytes(&[8; 32]).verifying_key(), ..manifest(FILES) };
    assert!(matches!(Manifest::verify(&other_root.sign(&bundle_key())), Err(BackupError::KeySet(_))));
}

#[test]
fn a_manifest_lists_what_can_lie_beside_each_other() {
    let copy = |path: &str, of: &str| BackupCopy { path: path.into(), of: of.into() };
    let with = |files: &[(&str, &[u8])], copies: &[BackupCopy]| Manifest { copies: copies.to_vec(), ..manifest(files) };
    let some = |path| -> Vec<(&str, &[u8])> { alloc::vec![(path, b"x"), ("stacks/a", b"a")] };
    let cases = [
        ("twice", with(&some("stacks/a"), &[]), "twice"),
        ("upwards", with(&some("stacks/../../x"), &[]), "leads upwards"),
        ("a file and a folder", with(&some("stacks/a/b"), &[]), "both a file and a folder"),
        ("a copy of nothing", with(&some("stacks/b"), &[copy("stacks/c", "stacks/d")]), "not there"),
        ("a copy that is there", with(&some("stacks/b"), &[copy("stacks/a", "stacks/b")]), "twice"),
        ("a copy elsewhere", with(&some("stacks/b"), &[copy("tls/root", "stacks/b")]), "another part"),
        ("a copy upwards", with(&some("stacks/b"), &[copy("../x", "stacks/b")]), "leads upwards"),
        (
            "a copy of a copy",
            with(&some("stacks/b"), &[copy("stacks/c", "stacks/b"), copy("stacks/d", "stacks/c")]),
            "not there",
        ),
        ("live and missing", Manifest { live: Some(3), ..manifest(FILES) }, "publish 3"),
        ("without its part", Manifest { parts: BTreeSet::new(), ..manifest(FILES) }, "does not have"),
        (
            "a mode with more",
            Manifest { files: alloc::vec![BackupFile { mode: 0o4755, ..file("stacks/a", b"a") }], ..manifest(&[]) },
            "more than rights",
        ),
        (
            "more bytes than there are",
            Manifest {
                files: ["stacks/a", "stacks/b"].map(|path| BackupFile { size: 1 << 62, ..file(path, b"") }).to_vec(),
                ..manifest(&[])
            },
            "any disk",
        ),
    ];
    for (name, manifest, expected) in cases {
        let error = Manifest::verify(&manifest.sign(&bundle_key())).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!error.help().is_empty() && error.code() == "not-valid", "{name}");
    }
    let shared = with(&some("stacks/b"), &[copy("stacks/c", "stacks/b")]);
    assert_eq!(Manifest::verify(&shared.sign(&bundle_key())), Ok(shared));
}

#[test]
fn a_later_format_names_the_program_that_reads_it() {
    #[derive(Clone, PartialEq, Message)]
    struct Later {
        #[prost(uint32, tag = "1")]
        format: u32,
        #[prost(string, tag = "2")]
        program: String,
        #[prost(uint64, tag = "3")]
        other: u64,
    }
    let later = Later { format: 2, program: "9.1.0".into(), other: 5 }.encode_to_vec();
    let error = Manifest::verify(&Signed::new(Purpose::Backup, later.into(), &bundle_key())).unwrap_err();
    assert_eq!(error, BackupError::NewerFormat { found: 2, known: 1, program: "9.1.0".into() });
    assert_eq!((error.code(), &*error.help()), ("newer", "use vigosrv 9.1.0 or a later one"));
    let bytes = manifest(&[]).sign(&bundle_key()).bytes;
    let head: String = bytes.iter().take(16).map(|b| format!("{b:02x}")).collect();
    assert_eq!(head, "08011205302e312e301a100707070707", "this format is read for ever");
}

#[test]
fn the_fleet_is_the_one_that_is_expected() {
    let manifest = manifest(FILES);
    let digits: String = root().verifying_key().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let seed: String = root().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let texts =
        [digits.clone(), format!("vigo-fleet-root-1 {digits}\n"), format!("vigo-ed25519-key-1 {seed}\nkeyset 00\n")];
    for text in texts {
        assert_eq!(manifest.trust(&Expect::Root(root_of(&text).unwrap())), Ok(()), "{text}");
    }
    let other = Expect::Root(SigningKey::from_bytes(&[3; 32]).verifying_key());
    let refused = manifest.trust(&other).unwrap_err();
    assert!(refused.code() == "other-root" && refused.to_string().contains(&digits), "{refused}");
    let asked = manifest.trust(&Expect::Unknown).unwrap_err();
    assert!(asked.code() == "unknown-root" && asked.help().contains(&digits), "{asked}");
    for bad in ["", "x", &digits[2..], "vigo-ed25519-key-1 00", &format!("{digits}00")] {
        assert!(matches!(root_of(bad), Err(BackupError::NoRoot { .. })), "{bad}");
    }
    let kit = root_of(&format!("vigo-ed25519-key-1 {}", &seed[2..])).unwrap_err();
    assert!(!kit.to_string().contains(&seed[2..]), "{kit}");
}

/// Reads an archive of these members, in pieces of three bytes.
fn take(manifest: &Manifest, wanted: &[Part], members: &[(&str, bool, &[u8])]) -> Result<Vec<String>, BackupError> {
    let wanted: BTreeSet<Part> = wanted.iter().copied().collect();
    let mut intake = Intake::new(manifest, &wanted);
    let mut written = Vec::new();
    for (path, is_file, content) in members {
        let (file, taken) =
            intake.begin(&Member { path: Some(path), is_file: *is_file, size: content.len() as u64 })?;
        content.chunks(3).try_for_each(|bytes| intake.bytes(bytes))?;
        intake.end()?;
        if taken == Taken::Written {
            written.push(file.path.clone());
        }
    }
    intake.finish().map(|()| written)
}

#[test]
fn what_is_in_an_archive_is_what_its_manifest_says() {
    let manifest = manifest(FILES);
    let good: Vec<_> = FILES.iter().map(|(path, content)| (*path, true, *content)).collect();
    let all = FILES.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>();
    assert_eq!(take(&manifest, &Part::ALL, &good), Ok(all));
    assert_eq!(take(&manifest, &[Part::Stacks], &good), Ok(alloc::vec!["stacks/a".into()]));
    let with_revoked = take(&manifest, &[Part::Database], &good);
    assert_eq!(with_revoked, Ok(alloc::vec![REVOKED_PATH.into(), "db/vigo.db".into()]), "nobody revoked comes back");
    type Change = fn(&mut Vec<(&'static str, bool, &'static [u8])>);
    let cases: [(&str, Change, &str); 14] = [
        ("a link", |m| m[0].1 = false, "a link, a folder or a device"),
        ("upwards", |m| m[1].0 = "../x", "leads upwards"),
        ("absolute", |m| m[1].0 = "/etc/passwd", "absolute"),
        ("in the middle", |m| m[1].0 = "stacks/../../x", "leads upwards"),
        ("unlisted", |m| m.insert(1, ("tls/other", true, b"")), "not in the manifest"),
        ("unlisted behind", |m| m.push(("stacks/z", true, b"")), "not in the manifest"),
        ("twice", |m| m.insert(1, ("server.yaml", true, b"server: {}\n")), "twice"),
        ("twice behind", |m| m.push(("stacks/a", true, b"a")), "twice"),
        (
            "missing",
            |m| {
                m.remove(1);
            },
            "`tls/revoked` in the backup: it is missing",
        ),
        ("out of order", |m| m.swap(1, 2), "is missing"),
        ("cut", |m| m.truncate(2), "ends before `stacks/a`"),
        ("short", |m| m[2].2 = b"", "longer or shorter"),
        ("long", |m| m[2].2 = b"aa", "longer or shorter"),
        ("another content", |m| m[2].2 = b"b", "not what the manifest says"),
    ];
    for (name, change, expected) in cases {
        let mut members = good.clone();
        change(&mut members);
        let error = take(&manifest, &Part::ALL, &members).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
        // What is not wanted is looked at no less.
        assert_eq!(take(&manifest, &[], &members).expect_err(name), error, "{name}");
    }
    let wanted = BTreeSet::new();
    let mut intake = Intake::new(&manifest, &wanted);
    assert!(intake.begin(&Member { path: None, is_file: true, size: 1 }).is_err(), "no text");
    intake.begin(&Member { path: Some("server.yaml"), is_file: true, size: 11 }).unwrap();
    assert!(intake.bytes(&[0; 12]).is_err(), "more than its head says");
    let mut intake = Intake::new(&manifest, &wanted);
    intake.begin(&Member { path: Some("server.yaml"), is_file: true, size: 11 }).unwrap();
    assert!(matches!(intake.end(), Err(BackupError::Cut { .. })), "fewer than its head says");
}

#[test]
fn a_restore_is_refused_before_anything_is_written() {
    let parts = |parts: &[Part]| parts.iter().copied().collect::<BTreeSet<_>>();
    let ground = || Ground { schema: 8, free_bytes: Some(1 << 40), ..Ground::default() };
    let whole = parts(&Part::ALL);
    let older = Manifest { schema: 7, ..manifest(FILES) };
    let newer = Manifest { schema: 9, program: "2.0.0".into(), ..manifest(FILES) };
    let no_blobs = Manifest { parts: parts(&[Part::Tls, Part::Database]), ..manifest(&[]) };
    let full = || Ground { occupied: Some("`/srv/vigo/tls`".into()), ..ground() };
    let keys = || Ground { has_keys: true, ..ground() };
    type Case<'a> = (&'a str, &'a Manifest, BTreeSet<Part>, Ground, Option<&'a str>);
    let cases: [Case<'_>; 11] = [
        ("whole", &manifest(FILES), whole.clone(), ground(), None),
        ("an older database", &older, whole.clone(), ground(), None),
        ("a newer database", &newer, whole.clone(), ground(), Some("newer")),
        ("of a newer one the keys alone", &newer, parts(&[Part::Tls]), ground(), None),
        ("what is not in it", &no_blobs, parts(&[Part::Blobs]), ground(), Some("no-part")),
        ("something is there", &manifest(FILES), whole.clone(), full(), Some("not-empty")),
        ("it may be replaced", &manifest(FILES), whole.clone(), Ground { is_forced: true, ..full() }, None),
        ("a database without keys", &manifest(FILES), parts(&[Part::Database]), ground(), Some("no-server")),
        ("a database beside its keys", &manifest(FILES), parts(&[Part::Database]), keys(), None),
        ("no room", &manifest(FILES), whole.clone(), Ground { free_bytes: Some(1 << 20), ..ground() }, Some("no-room")),
        ("room is not known", &manifest(FILES), whole, Ground { free_bytes: None, ..ground() }, None),
    ];
    for (name, manifest, wanted, ground, expected) in cases {
        let found = check_restore(manifest, &wanted, &ground);
        assert_eq!(found.as_ref().err().map(BackupError::code), expected, "{name}: {found:?}");
        if let Err(error) = found {
            assert!(!error.help().is_empty(), "{name}");
        }
    }
}
