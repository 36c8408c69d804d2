//! Where this server's secrets are: with it, or with somebody else.

use super::kv::KeyValue;
use super::local::{LocalVault, Secret};
use super::outside::Outside;
use super::source::Source;
use super::{Checked, VaultError};
use crate::config;
use crate::data_dir::DataDir;
use std::sync::Arc;
use std::time::Duration;
use vigo_core::secret::SecretValue;
use vigo_core::time::Timestamp;

/// Where this server's secrets are.
pub enum Vault {
    /// In a folder of its own.
    Local(Arc<LocalVault>),
    /// With somebody else: here they are only read.
    Outside(Box<Outside>),
}

impl Vault {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(dir: &DataDir, config: &config::Secrets) -> Result<Arc<Self>, VaultError> {
        let folder = dir.resolve(&config.dir);
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| dir.resolve(path));
        let source = match config.backend {
            config::Backend::Local => return Ok(Arc::new(Self::Local(LocalVault::open(&folder)?))),
            config::Backend::Command => Source::Command(config.command.clone()),
            config::Backend::Http => Source::KeyValue(KeyValue {
                url: config.url.clone().unwrap_or_default(),
                mount: config.mount.clone(),
                token_file: path(&config.token_file).unwrap_or_default(),
                ca_file: path(&config.ca_file),
            }),
        };
        let period = Duration::from_millis(config.poll_interval.0.as_ms());
        Ok(Arc::new(Self::Outside(Box::new(Outside::open(&folder, source, period)?))))
    }

    /// Returns the vault in which secrets can be changed.
    ///
    /// # Errors
    /// [`VaultError::ReadOnly`].
    pub fn local(&self) -> Result<&Arc<LocalVault>, VaultError> {
        match self {
            Self::Local(vault) => Ok(vault),
            Self::Outside(outside) => Err(VaultError::ReadOnly { backend: outside.word() }),
        }
    }

    /// Returns all secrets, sorted: of those that others keep, the ones that policies refer to.
    pub fn list(&self) -> Vec<Secret> {
        match self {
            Self::Local(vault) => vault.list(),
            Self::Outside(outside) => outside.list(),
        }
    }

    /// Returns the secrets that are lost with their master key and that nobody has set again.
    pub fn lost(&self) -> Vec<Arc<str>> {
        match self {
            Self::Local(vault) => vault.lost(),
            Self::Outside(_) => Vec::new(),
        }
    }

    /// Returns whether there is such a secret; of those that others keep, whether it was not looked for in vain.
    pub fn has(&self, path: &str) -> bool {
        match self {
            Self::Local(vault) => vault.has(path),
            Self::Outside(outside) => outside.has(path),
        }
    }

    /// Returns which value of a secret it is: each change of any secret has a higher number.
    pub fn revision(&self, path: &str) -> Option<u64> {
        match self {
            Self::Local(vault) => vault.revision(path),
            Self::Outside(outside) => outside.revision(path),
        }
    }

    /// Returns the value of a secret. It may take seconds.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn get(&self, path: &str) -> Result<SecretValue, VaultError> {
        match self {
            Self::Local(vault) => vault.get(path),
            Self::Outside(outside) => outside.get(path),
        }
    }

    /// Looks at the secrets of others, and returns whether one of these has a new value. It may take a while.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn look(&self, paths: &[Arc<str>], now: Timestamp) -> Result<bool, VaultError> {
        match self {
            Self::Local(_) => Ok(false),
            Self::Outside(outside) => outside.look(paths, now),
        }
    }

    /// Opens every record; of others, these.
    pub fn verify(&self, paths: &[Arc<str>]) -> Checked {
        match self {
            Self::Local(vault) => vault.verify(),
            Self::Outside(outside) => {
                let mut checked = Checked::default();
                for path in paths {
                    match outside.get(path) {
                        Ok(_) => checked.good += 1,
                        Err(error) => checked.bad.push((path.clone(), error)),
                    }
                }
                checked
            }
        }
    }
}
