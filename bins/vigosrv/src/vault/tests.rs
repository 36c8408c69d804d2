//! The vault, and what a kill at any point leaves of it.

use super::{LocalVault, VaultError};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::secret::SecretValue;
use vigo_core::time::Timestamp;

mod faults;

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
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let mut names: Vec<_> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
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

#[test]
fn a_lost_master_key_is_replaced_and_what_it_sealed_is_kept() {
    let dir = Dir::new("anew");
    let vault = dir.open();
    set(&vault, "db/pw", "hunter2", 5000);
    set(&vault, "b", "two", 5001);
    let not_lost = |vault: &Arc<LocalVault>| match vault.stage_new_key() {
        Err(VaultError::NotLost { own, all, .. }) => (own, all),
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert_eq!(not_lost(&vault), (2, 2), "the key is there");
    let old = dir.files();
    fs::remove_file(dir.0.join(".master.key")).unwrap();
    let vault = dir.open();
    assert!(vault.lost().is_empty(), "nobody has decided yet");
    vault.stage_new_key().unwrap().commit().unwrap();
    for vault in [vault, dir.open()] {
        assert_eq!(vault.lost().iter().map(|path| &**path).collect::<Vec<_>>(), ["b", "db/pw"]);
        assert!(vault.list().is_empty() && !vault.has("b"));
        let error = vault.get("db/pw").unwrap_err();
        assert!(matches!(error, VaultError::Lost { .. }) && error.is_for_now(), "nothing is proven wrong by that");
        assert_eq!(vault.revision("db/pw"), Some(5000), "nobody hears of a value that is not there");
        assert_eq!(not_lost(&vault), (0, 0), "the second key is not lost");
    }
    assert_eq!(fs::read(dir.0.join(".lost/db+pw")).unwrap(), old.iter().find(|(name, _)| name == "db+pw").unwrap().1);
    assert_eq!(fs::metadata(dir.0.join(".lost")).unwrap().permissions().mode() & 0o7777, 0o700);
    let vault = dir.open();
    assert!(set(&vault, "b", "three", 1), "it is set again");
    assert_eq!((get(&vault, "b"), vault.revision("b")), ("three".into(), Some(5002)), "newer than what it was");
    assert_eq!(vault.lost().len(), 1);
    // A second loss: what was lost before stays beside.
    fs::remove_file(dir.0.join(".master.key")).unwrap();
    let vault = dir.open();
    vault.stage_new_key().unwrap().commit().unwrap();
    assert!(dir.0.join(".lost/b~1").exists() && dir.0.join(".lost/b").exists());
    vault.delete("b").unwrap();
    assert!(!dir.0.join(".lost/b~1").exists() && !dir.0.join(".lost/b").exists() && dir.0.join(".lost/db+pw").exists());
    assert!(matches!(vault.get("b"), Err(VaultError::Unknown { .. })));
    // The first key turns up: as the second line of the file, with the record back in its place, it opens it.
    fs::rename(dir.0.join(".lost/db+pw"), dir.0.join("db+pw")).unwrap();
    let key = dir.0.join(".master.key");
    fs::write(&key, [fs::read(&key).unwrap(), old[0].1.clone()].concat()).unwrap();
    let vault = dir.open();
    assert_eq!((get(&vault, "db/pw"), vault.lost().len()), ("hunter2".into(), 0));
    assert_eq!(fs::read_to_string(&key).unwrap().lines().count(), 1, "the one before is needed no more");
}

#[test]
fn a_key_that_fits_is_not_lost() {
    let dir = Dir::new("fits");
    let vault = dir.open();
    set(&vault, "a", "one", 1);
    let own = dir.files();
    // The key of another vault is as good as none, and is kept.
    let other = Dir::new("fits-other");
    set(&other.open(), "x", "y", 1);
    fs::write(dir.0.join(".master.key"), &other.files()[0].1).unwrap();
    let vault = dir.open();
    vault.stage_new_key().unwrap().commit().unwrap();
    assert_eq!(fs::read(dir.0.join(".lost/.master.key")).unwrap(), other.files()[0].1);
    assert!(set(&dir.open(), "a", "two", 2));
    // A record that is damaged says nothing against the key that it names; one that says nothing, nothing at all.
    let mut damaged = own.clone();
    damaged[1].1[40] ^= 1;
    let garbage = vec![own[0].clone(), ("a".into(), b"x".to_vec())];
    fs::remove_dir_all(dir.0.join(".lost")).unwrap();
    for files in [damaged, garbage] {
        dir.restore(&files);
        assert!(matches!(dir.open().stage_new_key(), Err(VaultError::NotLost { .. })));
        assert_eq!(dir.files()[0], own[0]);
    }
}

#[test]
fn a_new_key_that_died_at_any_point_is_made_by_the_same_command() {
    let dir = Dir::new("anew-killed");
    let vault = dir.open();
    for n in 0..3 {
        set(&vault, &format!("s{n}"), "x", n);
    }
    fs::remove_file(dir.0.join(".master.key")).unwrap();
    let records = dir.files();
    for moved in 0..=3 {
        let _ = fs::remove_dir_all(dir.0.join(".lost"));
        dir.restore(&records);
        fs::create_dir(dir.0.join(".lost")).unwrap();
        for (name, _) in &records[..moved] {
            fs::rename(dir.0.join(name), dir.0.join(".lost").join(name)).unwrap();
        }
        let vault = dir.open();
        match moved {
            3 => assert!(vault.master_key_id().is_ok(), "an empty vault makes its key"),
            _ => vault.stage_new_key().unwrap().commit().unwrap(),
        }
        let vault = dir.open();
        assert_eq!((vault.lost().len(), vault.list().len()), (3, 0), "after {moved}");
        assert!(set(&vault, "s0", "y", 9), "after {moved}");
        fs::remove_dir_all(dir.0.join(".lost")).unwrap();
    }
}
