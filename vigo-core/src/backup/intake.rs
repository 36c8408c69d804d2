//! Reading an archive, one member after another.

use super::{BackupError, BackupFile, Manifest, Part, REVOKED_PATH, part_of};
use alloc::collections::BTreeSet;
use sha2::{Digest as _, Sha256};

/// The head of a member of an archive, as it comes in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Its path; none where it is no text.
    pub path: Option<&'a str>,
    /// Whether it is a file: no link, folder or device.
    pub is_file: bool,
    /// How many bytes its head says that it has.
    pub size: u64,
}

/// What is to be done with a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is written.
    Written,
    /// It is read, and nothing comes of it.
    Passed,
}

/// Reads an archive behind its manifest: everything in it has to be what the manifest says, at its place.
///
/// For each member call [`Intake::begin`], then [`Intake::bytes`] with all that is in it, then [`Intake::end`]; behind the last
/// one [`Intake::finish`]. After an error nothing more may be asked, and nothing that was written be used.
#[derive(Debug)]
pub struct Intake<'a> {
    manifest: &'a Manifest,
    wanted: &'a BTreeSet<Part>,
    next: usize,
    hash: Sha256,
    left: u64,
}

impl<'a> Intake<'a> {
    /// Returns one that takes the `wanted` parts of an archive with this manifest. With the database come the ids that never
    /// come back.
    pub fn new(manifest: &'a Manifest, wanted: &'a BTreeSet<Part>) -> Self {
        Self { manifest, wanted, next: 0, hash: Sha256::new(), left: 0 }
    }

    /// Takes the head of the next member.
    ///
    /// # Errors
    /// [`BackupError`]: the archive is not what its manifest says.
    pub fn begin(&mut self, member: &Member<'_>) -> Result<(&'a BackupFile, Taken), BackupError> {
        let path = member.path.ok_or_else(|| BackupError::member("?", "its path is no text"))?;
        part_of(path)?;
        if !member.is_file {
            return Err(BackupError::member(path, "it is a link, a folder or a device"));
        }
        let Some(file) = self.manifest.files.get(self.next) else {
            return Err(BackupError::member(path, self.why_not(path)));
        };
        if file.path != path {
            return match self.why_not(path) {
                "" => Err(BackupError::member(&file.path, "it is missing")),
                why => Err(BackupError::member(path, why)),
            };
        }
        if file.size != member.size {
            return Err(BackupError::member(path, "it is longer or shorter than the manifest says"));
        }
        (self.hash, self.left) = (Sha256::new(), file.size);
        let part = part_of(path)?;
        let is_beside = path == REVOKED_PATH && self.wanted.contains(&Part::Database);
        let is_wanted = self.wanted.contains(&part) || is_beside;
        Ok((file, if is_wanted { Taken::Written } else { Taken::Passed }))
    }

    /// Takes some of what is in the member.
    ///
    /// # Errors
    /// [`BackupError::Member`] where there is more than its head said.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| BackupError::member(self.path(), "it is longer than its head says"))?;
        self.hash.update(bytes);
        Ok(())
    }

    /// Ends the member.
    ///
    /// # Errors
    /// [`BackupError::Cut`], [`BackupError::Content`].
    pub fn end(&mut self) -> Result<(), BackupError> {
        if self.left != 0 {
            return Err(BackupError::Cut { path: self.path().into() });
        }
        let digest: [u8; 32] = core::mem::take(&mut self.hash).finalize().into();
        if self.manifest.files.get(self.next).is_none_or(|file| file.sha256 != digest) {
            return Err(BackupError::Content { path: self.path().into() });
        }
        self.next += 1;
        Ok(())
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// [`BackupError::Cut`] where the manifest lists more.
    pub fn finish(self) -> Result<(), BackupError> {
        match self.manifest.files.get(self.next) {
            Some(file) => Err(BackupError::Cut { path: file.path.clone() }),
            None => Ok(()),
        }
    }

    /// Returns why a member that is not the next one is none at all; nothing where it comes later.
    fn why_not(&self, path: &str) -> &'static str {
        match self.manifest.files.iter().position(|file| file.path == path) {
            Some(at) if at < self.next => "it is there twice",
            Some(_) => "",
            None => "it is not in the manifest",
        }
    }

    fn path(&self) -> &str {
        self.manifest.files.get(self.next).map_or("", |file| &file.path)
    }
}
