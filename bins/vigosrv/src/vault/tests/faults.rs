//! A vault on a disk that is full, or broken, or whose machine dies, at each step of each change.

use crate::vault::{LocalVault, Staged, VaultError};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::secret::SecretValue;
use vigo_core::time::Timestamp;
use vigo_driver::disk::{Fault, each_step};

/// What a vault has: paths and values.
type Secrets = Vec<(String, String)>;

/// A change that may fail.
type Change = fn(&Arc<LocalVault>) -> Result<(), VaultError>;

const PATHS: [&str; 3] = ["s/0", "s/1", "s/2"];

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder for a vault with three secrets, and opens it.
fn vault(name: &str) -> (Dir, Arc<LocalVault>) {
    let dir = std::env::temp_dir().join(format!("vigo-vault-faults-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let vault = LocalVault::open(&dir).unwrap();
    for path in PATHS {
        set(&vault, path, "before").unwrap();
    }
    (Dir(dir), vault)
}

fn set(vault: &Arc<LocalVault>, path: &str, value: &str) -> Result<(), VaultError> {
    let staged = vault.stage(path, &SecretValue::new(value.into()), false, Timestamp::from_epoch_ms(7))?;
    staged.map_or(Ok(()), Staged::commit)
}

/// Returns what a vault has, each of it opened.
fn secrets(vault: &LocalVault) -> Secrets {
    assert!(vault.verify().bad.is_empty(), "{:?}", vault.verify().bad);
    let value = |path: &str| vault.get(path).unwrap().into_string();
    vault.list().iter().map(|secret| (secret.path.to_string(), value(&secret.path))).collect()
}

/// Returns the files that are no secrets, keys, or what the vault keeps.
fn left_over(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".new-")).collect()
}

#[test]
fn a_change_that_the_disk_does_not_take_is_made_or_not_made_and_works_the_next_time() {
    let changes: [(&str, Change); 4] = [
        ("a new value", |vault| set(vault, "s/1", "afterwards")),
        ("a new secret", |vault| set(vault, "s/3", "afterwards")),
        ("none any more", |vault| vault.delete("s/1")),
        ("another master key", |vault| {
            vault.stage_rekey()?.commit()?;
            vault.finish_rekey().map(drop)
        }),
    ];
    for (what, change) in changes {
        let (_whole, vault_of_after) = vault("after");
        let before = secrets(&vault_of_after);
        change(&vault_of_after).unwrap();
        let after = secrets(&vault_of_after);
        let steps = each_step(
            |_| vault("case"),
            |(_, vault)| change(vault),
            |case, fault, (dir, vault), done| {
                let case = format!("{what}, {case}");
                // Whoever lives on has what it says that it has.
                if fault != Fault::Death {
                    let now = secrets(vault);
                    assert!(now == before || now == after, "{case}: {now:?}");
                    assert!(done.is_err() || now == after, "{case}: it was said to be made");
                }
                let opened = LocalVault::open(&dir.0).unwrap();
                let found = secrets(&opened);
                assert!(found == before || found == after, "{case}: {found:?}");
                assert!(done.is_err() || found == after, "{case}: it was said to be made");
                assert_eq!(left_over(&dir.0), [""; 0], "{case}");
                // It was left off, so it is done again.
                match change(&opened) {
                    Ok(()) | Err(VaultError::Unknown { .. }) => {}
                    Err(error) => panic!("{case}: {error}"),
                }
                assert_eq!(secrets(&opened), after, "{case}: the next time");
            },
        );
        assert!(steps >= 2, "{what}: {steps}");
    }
}

#[test]
fn a_vault_whose_first_start_the_disk_does_not_take_is_begun_again() {
    let steps = each_step(
        |_| {
            let dir = std::env::temp_dir().join(format!("vigo-vault-faults-first-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            Dir(dir)
        },
        |dir| LocalVault::open(&dir.0).map(drop),
        |case, _, dir, _| {
            let vault = LocalVault::open(&dir.0).unwrap_or_else(|error| panic!("{case}: {error}"));
            set(&vault, "a", "value").unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(secrets(&LocalVault::open(&dir.0).unwrap()), [("a".into(), "value".into())], "{case}");
            assert_eq!(left_over(&dir.0), [""; 0], "{case}");
        },
    );
    assert!(steps >= 4, "{steps}");
}
