//! A backup that anybody may have made.

use std::collections::BTreeSet;
use vigo_core::backup::{
    AuditHead, BackupCopy, BackupFile, Expect, Ground, Intake, Manifest, Member, Part, Taken, check_restore, part_of,
    root_of,
};
use vigo_core::bundle::{Ca, KeyId, KeySet, KeyState, Purpose, Signed, SigningKey, TrustedKey};
use vigo_core::time::Timestamp;

/// The input is a manifest's bytes, signed by a fleet of ours; or, behind a zero byte, lines: what a manifest lists, an empty
/// line, then the members of an archive, each of a kind, a path and its content.
///
/// What is taken lies in its place, is what the manifest says, and nothing else is.
pub fn backup(data: &[u8]) {
    let _ = Signed::decode(data).map(|signed| Manifest::verify(&signed));
    let _ = std::str::from_utf8(data).map(root_of);
    let (root, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let Some(lines) = data.strip_prefix(&[0]) else {
        if let Ok(manifest) = Manifest::verify(&Signed::new(Purpose::Backup, data.into(), &key)) {
            looked_at(&manifest, &root);
        }
        return;
    };
    let Ok(text) = std::str::from_utf8(lines) else { return };
    let (listed, members) = text.split_once("\n\n").unwrap_or((text, ""));
    let manifest = Manifest { files: Vec::new(), ..of(&root, &key) };
    let (mut files, mut copies) = (Vec::new(), Vec::new());
    for line in listed.lines() {
        match line.split_once('\t') {
            Some((path, of)) if path.starts_with('=') => {
                copies.push(BackupCopy { path: path.trim_start_matches('=').into(), of: of.into() });
            }
            Some((path, content)) => files.push(BackupFile {
                path: path.into(),
                mode: 0o600,
                size: content.len() as u64,
                sha256: sha256(content),
            }),
            None => {}
        }
    }
    let manifest = Manifest { files, copies, ..manifest };
    let Ok(manifest) = Manifest::verify(&manifest.sign(&key)) else { return };
    looked_at(&manifest, &root);
    let wanted: BTreeSet<Part> = Part::ALL.into_iter().filter(|part| *part != Part::Blobs).collect();
    let mut intake = Intake::new(&manifest, &wanted);
    let mut taken = Vec::new();
    for line in members.lines() {
        let mut fields = line.splitn(3, '\t');
        let (Some(kind), Some(path), Some(content)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let head = Member { path: Some(path), is_file: kind == "f", size: content.len() as u64 };
        let Ok((file, what)) = intake.begin(&head) else { return };
        assert!(kind == "f" && file.path == path);
        if content.as_bytes().chunks(5).any(|bytes| intake.bytes(bytes).is_err()) || intake.end().is_err() {
            return;
        }
        assert_eq!(file.sha256, sha256(content), "other bytes were taken");
        assert_eq!(what == Taken::Passed, part_of(path) == Ok(Part::Blobs));
        taken.push(path.to_owned());
    }
    if intake.finish().is_ok() {
        let listed: Vec<_> = manifest.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(taken, listed, "all of it, once, and nothing else");
    }
}

/// What every manifest that is believed promises.
fn looked_at(manifest: &Manifest, root: &SigningKey) {
    let paths = manifest.files.iter().map(|file| &file.path).chain(manifest.copies.iter().map(|copy| &copy.path));
    let mut seen = BTreeSet::new();
    for path in paths {
        let steps: Vec<&str> = path.split('/').collect();
        assert!(!path.starts_with('/') && !steps.iter().any(|step| matches!(*step, "" | "." | "..")), "{path}");
        assert!(seen.insert(path), "{path} twice");
    }
    assert_eq!(manifest.root, root.verifying_key(), "another fleet has signed it");
    assert!(manifest.trust(&Expect::Unknown).is_err() && manifest.trust(&Expect::Root(manifest.root)).is_ok());
    let ground = Ground { schema: 1, free_bytes: Some(0), ..Ground::default() };
    assert!(check_restore(manifest, &manifest.parts, &ground).is_err(), "there is no room");
}

fn sha256(content: &str) -> [u8; 32] {
    Signed { key_id: KeyId([0; 32]), bytes: content.as_bytes().into(), signature: [0; 64] }.digest()
}

fn of(root: &SigningKey, key: &SigningKey) -> Manifest {
    let bundle_keys = vec![TrustedKey { key: key.verifying_key(), state: KeyState::Active }];
    let cas = vec![Ca { certificate: b"ca".to_vec(), state: KeyState::Active }];
    let keyset = KeySet { version: 1, root: root.verifying_key(), bundle_keys, cas }.sign(root);
    Manifest {
        id: [0; 16],
        created_at: Timestamp::default(),
        program: "0.1.0".into(),
        schema: 1,
        root: root.verifying_key(),
        keyset,
        live: None,
        serial: 0,
        audit: AuditHead::default(),
        newest_at: Timestamp::default(),
        envoys: 0,
        host: String::new(),
        database_path: "db/vigo.db".into(),
        secrets_path: "secrets".into(),
        parts: Part::ALL.into_iter().collect(),
        has_root: false,
        files: Vec::new(),
        copies: Vec::new(),
        left_out: Vec::new(),
    }
}
