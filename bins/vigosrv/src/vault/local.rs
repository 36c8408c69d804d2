//! The vault in a folder: a file for each secret.

use super::record_file::{self, name_of};
use super::{VaultError, lost, master};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vigo_core::secret::{self, MasterKey, MasterKeyId, SecretValue, VaultRecord};
use vigo_core::time::Timestamp;
use vigo_driver::disk;

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
    /// The revision that each secret had whose key is lost. Some of them may have been set again.
    lost: BTreeMap<Arc<str>, Option<u64>>,
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
    NewKey { key: MasterKey },
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
            let revision = revision_in(&dir.join(name_of(&path)?), &path);
            state.revisions.insert(path.into(), revision);
        }
        state.lost = lost::read(dir)?;
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

    /// Returns whether there is a vault in `dir`: opening one that is empty makes its key.
    pub fn is_there(dir: &Path) -> bool {
        fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
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

    /// Returns the secrets whose key is lost and that nobody has set again, sorted.
    pub fn lost(&self) -> Vec<Arc<str>> {
        let state = self.state();
        state.lost.keys().filter(|path| !state.revisions.contains_key(*path)).cloned().collect()
    }

    /// Returns which value of a secret it is: each change of any secret has a higher number. That of a lost one is what it
    /// was: nobody hears of a new value before there is one.
    pub fn revision(&self, path: &str) -> Option<u64> {
        let state = self.state();
        *state.revisions.get(path).or_else(|| state.lost.get(path))?
    }

    /// Returns the value of a secret.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Lost`], and why it cannot be read.
    pub fn get(&self, path: &str) -> Result<SecretValue, VaultError> {
        let file = self.dir.join(name_of(path)?);
        match record_file::read(&file, path)? {
            Some(record) => self.open_record(path, &record),
            None if self.state().lost.contains_key(path) => Err(VaultError::Lost { path: path.into() }),
            None => Err(VaultError::Unknown { path: path.into() }),
        }
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
        let newest = self.state().newest();
        let revision = u64::try_from(now.epoch_ms()).unwrap_or(0).max(newest.saturating_add(1));
        let record = VaultRecord::seal(&key, path, revision, value, master::entropy()?);
        let record = record.map_err(|why| VaultError::Record { path: path.into(), why })?;
        let fresh = record_file::stage(&self.dir, &name, &record.encode())?;
        let change = Change::Set { path: path.into(), name, revision };
        Ok(Some(Staged { vault: self.clone(), fresh, change }))
    }

    /// Removes a secret, and what was kept of it while its key is lost.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Disk`].
    pub fn delete(&self, path: &str) -> Result<(), VaultError> {
        let name = name_of(path)?;
        let (is_there, is_lost) = (self.has(path), self.state().lost.contains_key(path));
        if !is_there && !is_lost {
            return Err(VaultError::Unknown { path: path.into() });
        }
        if is_lost {
            lost::remove(&self.dir, &name)?;
            self.state().lost.remove(path);
        }
        if is_there {
            let file = self.dir.join(&name);
            disk::step(|| fs::remove_file(&file)).map_err(VaultError::disk("remove", &file))?;
            self.state().revisions.remove(path);
        }
        record_file::sync(&self.dir)
    }

    /// Writes a new master key beside its place, where the one before is lost. [`Staged::commit`] lays aside what nothing
    /// opens.
    ///
    /// # Errors
    /// [`VaultError::NotLost`] where a secret is sealed by the key that is there, or none by another; [`VaultError`].
    pub fn stage_new_key(self: &Arc<Self>) -> Result<Staged, VaultError> {
        let Checked { good: mut own, bad } = self.verify();
        let (all, mut others) = (own + bad.len(), 0);
        for (_, error) in bad {
            match error {
                VaultError::NoMasterKey { .. }
                | VaultError::Record { why: secret::VaultError::OtherKey { .. }, .. } => {
                    others += 1;
                }
                // It says of itself that this key sealed it.
                VaultError::Record { why: secret::VaultError::Damaged | secret::VaultError::NotText, .. } => own += 1,
                VaultError::Record { .. } => {}
                // The disk does not say what is there: that is no loss.
                error => return Err(error),
            }
        }
        if own > 0 || others == 0 {
            return Err(VaultError::NotLost { path: self.master_key(), own, all });
        }
        let key = MasterKey::new(master::entropy()?);
        let fresh = master::stage(&self.dir, &[&key])?;
        Ok(Staged { vault: self.clone(), fresh, change: Change::NewKey { key } })
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

impl State {
    /// Returns the highest revision that any secret has or had.
    fn newest(&self) -> u64 {
        self.revisions.values().chain(self.lost.values()).flatten().max().copied().unwrap_or(0)
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
            Change::NewKey { key } => {
                // Killed between any two of these, the same command goes on; killed before the last of them, the next
                // start makes a key for an empty vault.
                let paths: Vec<_> = vault.state().revisions.keys().cloned().collect();
                for path in paths {
                    lost::keep(&vault.dir, &name_of(&path)?)?;
                    let mut state = vault.state();
                    let revision = state.revisions.remove(&path).flatten();
                    state.lost.insert(path, revision);
                }
                lost::keep_key(&vault.dir)?;
                record_file::put(&vault.dir, &fresh, master::NAME)?;
                vault.state().keys = vec![key];
            }
        }
        Ok(())
    }
}

/// Returns the revision in the record of a secret; none where it cannot be read, which is logged.
pub(super) fn revision_in(file: &Path, path: &str) -> Option<u64> {
    match record_file::read(file, path) {
        Ok(record) => record.map(|record| record.revision),
        Err(error) => {
            tracing::error!("{error}");
            None
        }
    }
}
