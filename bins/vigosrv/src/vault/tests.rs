//! The vault, and what a kill at any point leaves of it.

use super::{LocalVault, VaultError};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::secret::SecretValue;
use vigo_core::time::Timestamp;

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-vault-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn open(&self) -> Arc<LocalVault> {
        LocalVault::open(&self.0).unwrap()
    }

    /// Returns what is in the folder, by name.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(name).collect();
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), fs::read(self.0.join(&name)).unwrap())).collect()
    }

    fn restore(&self, files: &[(String, Vec<u8>)]) {
        fs::remove_dir_all(&self.0).unwrap();
        fs::create_dir(&self.0).unwrap();
        for (name, bytes) in files {
            fs::write(self.0.join(name), bytes).unwrap();
            fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_epoch_ms(ms)
}

fn set(vault: &Arc<LocalVault>, path: &str, value: &str, now: i64) -> bool {
    let staged = vault.stage(path, &SecretValue::new(value.into()), false, at(now)).unwrap();
    staged.map(|staged| staged.commit().unwrap()).is_some()
}

fn get(vault: &LocalVault, path: &str) -> String {
    vault.get(path).unwrap().into_string()
}

#[test]
fn secrets_are_kept_sealed_and_their_revisions_rise() {
    let dir = Dir::new("kept");
    let vault = dir.open();
    assert!(set(&vault, "db/pw", "hunter2", 1000) && set(&vault, "tls.key", "long secret\n", 500));
    assert_eq!((vault.revision("db/pw"), vault.revision("tls.key")), (Some(1000), Some(1001)), "never lower");
    assert!(!set(&vault, "db/pw", "hunter2", 2000), "the same value is no change");
    let rotated = vault.stage("db/pw", &SecretValue::new("hunter2".into()), true, at(2000)).unwrap();
    rotated.expect("a rotation is one").commit().unwrap();
    assert_eq!(vault.revision("db/pw"), Some(2000));
    let again = dir.open();
    assert_eq!((get(&again, "db/pw"), get(&again, "tls.key")), ("hunter2".into(), "long secret\n".into()));
    assert_eq!(again.list(), vault.list());
    for (name, bytes) in dir.files() {
        let mode = fs::metadata(dir.0.join(&name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{name}");
        assert!(!bytes.windows(7).any(|w| w == b"hunter2"), "{name}");
    }
    again.delete("db/pw").unwrap();
    assert!(matches!(again.get("db/pw"), Err(VaultError::Unknown { .. })));
    assert!(matches!(again.delete("db/pw"), Err(VaultError::Unknown { .. })));
    assert_eq!(dir.open().list().len(), 1);
}

#[test]
fn files_that_change_places_do_not_open() {
    let dir = Dir::new("swapped");
    let vault = dir.open();
    set(&vault, "a", "one", 1);
    set(&vault, "b", "two", 2);
    fs::rename(dir.0.join("a"), dir.0.join("c")).unwrap();
    fs::rename(dir.0.join("b"), dir.0.join("a")).unwrap();
    fs::write(dir.0.join("b"), b"garbage").unwrap();
    let checked = dir.open().verify();
    let bad: Vec<_> = checked.bad.iter().map(|(path, why)| format!("{path}: {why}")).collect();
    assert_eq!((checked.good, bad.len()), (0, 3), "{bad:?}");
}

#[test]
fn what_is_no_path_is_refused() {
    let dir = Dir::new("paths");
    let vault = dir.open();
    let value = SecretValue::new("x".into());
    for path in ["", "/etc/passwd", "../x", ".master.key", "a+b", "a b", "a/", &"x".repeat(201)] {
        let refused = vault.stage(path, &value, false, at(1)).map(|_| ());
        assert!(matches!(refused, Err(VaultError::NotPath { .. })), "{path}");
        assert!(vault.get(path).is_err() && vault.delete(path).is_err(), "{path}");
    }
    assert!(set(&vault, "a/../../b", "x", 1), "a name, not a place");
    assert_eq!(dir.files().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [".master.key", "a+..+..+b"]);
}

#[test]
fn a_lost_or_open_master_key_is_told() {
    let dir = Dir::new("lost");
    let vault = dir.open();
    set(&vault, "a", "one", 1);
    let key = dir.0.join(".master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(LocalVault::open(&dir.0), Err(VaultError::Readable { mode: 0o640, .. })));
    fs::remove_file(&key).unwrap();
    let vault = dir.open();
    assert!(matches!(vault.get("a"), Err(VaultError::NoMasterKey { records: 1, .. })));
    assert!(matches!(
        vault.stage("b", &SecretValue::new("x".into()), false, at(2)),
        Err(VaultError::NoMasterKey { .. })
    ));
    assert!(!Path::exists(&key), "no other key takes its place");
}

#[test]
fn a_rekey_that_died_at_any_point_is_ended_at_the_next_start() {
    let dir = Dir::new("rekey");
    let vault = dir.open();
    for n in 0..3 {
        set(&vault, &format!("s/{n}"), &format!("value {n}"), n);
    }
    let before = dir.files();
    vault.stage_rekey().unwrap().commit().unwrap();
    let both = dir.files();
    assert_eq!(get(&vault, "s/0"), "value 0", "meanwhile the old ones open");
    set(&vault, "s/new", "meanwhile", 9);
    vault.delete("s/new").unwrap();
    assert_eq!(vault.finish_rekey().unwrap(), 3);
    let after = dir.files();
    let key = |files: &[(String, Vec<u8>)]| files[0].1.clone();
    assert!(key(&after) != key(&before) && key(&after).len() == key(&before).len());
    // Each prefix of the renamings, in the order in which they are made: the records, then the key.
    for renamed in 0..=3 {
        let mut files = both.clone();
        files[1..=renamed].clone_from_slice(&after[1..=renamed]);
        files.push((".new-s+2".into(), b"half a rec".to_vec()));
        dir.restore(&files);
        let vault = dir.open();
        for n in 0..3_i64 {
            assert_eq!(get(&vault, &format!("s/{n}")), format!("value {n}"), "after {renamed}");
            assert_eq!(vault.revision(&format!("s/{n}")), Some(n.unsigned_abs() + 1), "the value is the same");
        }
        assert_eq!(dir.files()[0].1, key(&after), "the old key is gone after {renamed}");
        assert_eq!(dir.files().len(), 4, "and what was half written");
    }
    // A record that no key opens keeps the old key, and says so.
    let mut files = both.clone();
    files[2].1[40] ^= 1;
    dir.restore(&files);
    let vault = dir.open();
    assert_eq!((vault.verify().good, vault.verify().bad.len()), (2, 1));
    assert_eq!(dir.files()[0].1, key(&both));
}
