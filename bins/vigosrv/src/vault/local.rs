//! The vault in a folder: a file for each secret.

use super::record_file::{self, name_of};
use super::{VaultError, master};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vigo_core::secret::{MasterKey, MasterKeyId, SecretValue, VaultRecord};
use vigo_core::time::Timestamp;

/// A folder of sealed secrets. One change at a time: hold a lock from staging to committing.
pub struct LocalVault {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The current key first; a second one while secrets are sealed anew. None where it is lost.
    keys: Vec<MasterKey>,
    /// The revision of each secret; none where the record cannot be read.
    revisions: BTreeMap<Arc<str>, Option<u64>>,
}

/// A secret, without its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secret {
    /// Its path.
    pub path: Arc<str>,
    /// When it was set; none where its record cannot be read.
    pub changed_at: Option<Timestamp>,
}

/// What a look at all records found.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many open.
    pub good: usize,
    /// Those that do not, and why not.
    pub bad: Vec<(Arc<str>, VaultError)>,
}

/// A change that is on the disk, but not in its place: [`Staged::commit`] puts it there.
#[must_use = "nothing has changed yet"]
pub struct Staged {
    vault: Arc<LocalVault>,
    fresh: PathBuf,
    change: Change,
}

enum Change {
    Set { path: Arc<str>, name: String, revision: u64 },
    Master { keys: Vec<MasterKey> },
}

impl LocalVault {
    /// Opens the vault in `dir`. The first start makes its master key; a rekey that was interrupted is ended.
    ///
    /// A vault whose master key is lost is opened all the same, without its values: the fleet goes on.
    ///
    /// # Errors
    /// [`VaultError::Disk`], [`VaultError::Readable`], [`VaultError::NotMasterKey`].
    pub fn open(dir: &Path) -> Result<Arc<Self>, VaultError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(VaultError::disk("make", dir))?;
        let paths = record_file::scan(dir)?;
        let mut state = State { keys: master::read(dir)?, ..State::default() };
        for path in paths {
            let record = record_file::read(&dir.join(name_of(&path)?), &path);
            let revision = match record {
                Ok(record) => record.map(|record| record.revision),
                Err(error) => {
                    tracing::error!("{error}");
                    None
                }
            };
            state.revisions.insert(path.into(), revision);
        }
        if state.keys.is_empty() && state.revisions.is_empty() {
            let key = MasterKey::new(master::entropy()?);
            record_file::put(dir, &master::stage(dir, &[&key])?, master::NAME)?;
            state.keys.push(key);
        }
        let vault = Arc::new(Self { dir: dir.into(), state: Mutex::new(state) });
        if let Err(error) = vault.key() {
            tracing::error!("{error}");
        }
        vault.finish_rekey()?;
        Ok(vault)
    }

    /// Returns where the master key lies.
    pub fn master_key(&self) -> PathBuf {
        self.dir.join(master::NAME)
    }

    /// Returns which master key it is.
    ///
    /// # Errors
    /// [`VaultError::NoMasterKey`].
    pub fn master_key_id(&self) -> Result<MasterKeyId, VaultError> {
        self.key().map(|key| key.id())
    }

    /// Returns all secrets, sorted.
    pub fn list(&self) -> Vec<Secret> {
        let time = |revision: u64| Timestamp::from_epoch_ms(i64::try_from(revision).unwrap_or(i64::MAX));
        let secret =
            |(path, revision): (&Arc<str>, &Option<u64>)| Secret { path: path.clone(), changed_at: revision.map(time) };
        self.state().revisions.iter().map(secret).collect()
    }

    /// Returns whether there is such a secret.
    pub fn has(&self, path: &str) -> bool {
        self.state().revisions.contains_key(path)
    }

    /// Returns which value of a secret it is: each change of any secret has a higher number.
    pub fn revision(&self, path: &str) -> Option<u64> {
        *self.state().revisions.get(path)?
    }

    /// Returns the value of a secret.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], and why it cannot be read.
    pub fn get(&self, path: &str) -> Result<SecretValue, VaultError> {
        let file = self.dir.join(name_of(path)?);
        let record = record_file::read(&file, path)?.ok_or_else(|| VaultError::Unknown { path: path.into() })?;
        self.open_record(path, &record)
    }

    /// Writes a new value of a secret beside its place. `None`: it has this very value, and is not to have a new revision.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn stage(
        self: &Arc<Self>,
        path: &str,
        value: &SecretValue,
        is_rotation: bool,
        now: Timestamp,
    ) -> Result<Option<Staged>, VaultError> {
        let name = name_of(path)?;
        let key = self.key()?;
        if !is_rotation && self.has(path) && self.get(path).is_ok_and(|old| old == *value) {
            return Ok(None);
        }
        let newest = self.state().revisions.values().flatten().max().copied().unwrap_or(0);
        let revision = u64::try_from(now.epoch_ms()).unwrap_or(0).max(newest.saturating_add(1));
        let record = VaultRecord::seal(&key, path, revision, value, master::entropy()?);
        let record = record.map_err(|why| VaultError::Record { path: path.into(), why })?;
        let fresh = record_file::stage(&self.dir, &name, &record.encode())?;
        let change = Change::Set { path: path.into(), name, revision };
        Ok(Some(Staged { vault: self.clone(), fresh, change }))
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Disk`].
    pub fn delete(&self, path: &str) -> Result<(), VaultError> {
        let file = self.dir.join(name_of(path)?);
        if !self.has(path) {
            return Err(VaultError::Unknown { path: path.into() });
        }
        fs::remove_file(&file).map_err(VaultError::disk("remove", &file))?;
        self.state().revisions.remove(path);
        record_file::sync(&self.dir)
    }

    /// Writes a new master key beside the one in use. After [`Staged::commit`], [`LocalVault::finish_rekey`] seals all
    /// secrets by it, now or after the next start.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn stage_rekey(self: &Arc<Self>) -> Result<Staged, VaultError> {
        let old = self.key()?;
        let new = MasterKey::new(master::entropy()?);
        let fresh = master::stage(&self.dir, &[&new, &old])?;
        Ok(Staged { vault: self.clone(), fresh, change: Change::Master { keys: vec![new, old] } })
    }

    /// Seals what an older key has sealed by the current one, then forgets the older. Returns how many were sealed anew.
    /// One that cannot be opened keeps the older key.
    ///
    /// # Errors
    /// [`VaultError`]; what is done stays done, and the rest can be tried again.
    pub fn finish_rekey(&self) -> Result<usize, VaultError> {
        let keys = self.state().keys.clone();
        let [new, old] = &keys[..] else { return Ok(0) };
        let paths: Vec<_> = self.state().revisions.keys().cloned().collect();
        let (mut done, mut left) = (0, 0);
        for path in paths {
            let name = name_of(&path)?;
            let record = match record_file::read(&self.dir.join(&name), &path) {
                Ok(Some(record)) if record.key != new.id() => record,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!("{error}");
                    left += 1;
                    continue;
                }
            };
            let failed = |why| VaultError::Record { path: path.to_string(), why };
            let value = match record.open(old, &path) {
                Ok(value) => value,
                Err(why) => {
                    tracing::error!("{}", failed(why));
                    left += 1;
                    continue;
                }
            };
            let record = VaultRecord::seal(new, &path, record.revision, &value, master::entropy()?).map_err(failed)?;
            record_file::put(&self.dir, &record_file::stage(&self.dir, &name, &record.encode())?, &name)?;
            done += 1;
        }
        if left == 0 {
            record_file::put(&self.dir, &master::stage(&self.dir, &[new])?, master::NAME)?;
            self.state().keys.truncate(1);
        }
        Ok(done)
    }

    /// Opens every record.
    pub fn verify(&self) -> Checked {
        let paths: Vec<_> = self.state().revisions.keys().cloned().collect();
        let mut checked = Checked::default();
        for path in paths {
            match self.get(&path) {
                Ok(_) => checked.good += 1,
                Err(error) => checked.bad.push((path, error)),
            }
        }
        checked
    }

    fn open_record(&self, path: &str, record: &VaultRecord) -> Result<SecretValue, VaultError> {
        let current = self.key()?;
        let key = self.state().keys.iter().find(|key| key.id() == record.key).cloned().unwrap_or(current);
        record.open(&key, path).map_err(|why| VaultError::Record { path: path.into(), why })
    }

    fn key(&self) -> Result<MasterKey, VaultError> {
        let state = self.state();
        let missing = || VaultError::NoMasterKey { path: self.master_key(), records: state.revisions.len() };
        state.keys.first().cloned().ok_or_else(missing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staged {
    /// Puts the change into its place. When this returns it lasts.
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn commit(self) -> Result<(), VaultError> {
        let Self { vault, fresh, change } = self;
        match change {
            Change::Set { path, name, revision } => {
                record_file::put(&vault.dir, &fresh, &name)?;
                vault.state().revisions.insert(path, Some(revision));
            }
            Change::Master { keys } => {
                record_file::put(&vault.dir, &fresh, master::NAME)?;
                vault.state().keys = keys;
            }
        }
        Ok(())
    }
}
