//! A secret that a program reads from a file: 0600, its reader's, and gone as soon as the program is.

use super::account::Account;
use super::fault::kind_of_io;
use crate::executor::failure::{failure, text};
use crate::executor::name::name_for;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use vigo_core::action::OpFailure;

/// A file that lives as long as this.
#[derive(Debug)]
pub(crate) struct SecretFile {
    pub path: PathBuf,
}

impl SecretFile {
    /// Writes a secret into a new file below `dir`, which only its reader may open.
    pub(crate) fn create(dir: &Path, secret: &str, reader: Option<&Account>) -> Result<Self, OpFailure> {
        let fail = |e: std::io::Error| {
            failure(kind_of_io(&e), format!("write a secret's file in `{}`: {}", dir.display(), text(e)))
        };
        // Others may pass through to a file whose name they know, not list it.
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(dir).map_err(fail)?;
        let path = dir.join(name_for(b"secret"));
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fail)?;
        let made = Self { path };
        if let Some(account) = reader {
            std::os::unix::fs::fchown(&file, Some(account.uid), Some(account.gid)).map_err(fail)?;
        }
        file.write_all(secret.as_bytes()).map_err(fail)?;
        Ok(made)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
