//! Looking whether a backup is whole, and works.

use super::read::{manifest, walk};
use super::scheduled::annotate;
use super::stage::remove;
use super::view::summary;
use super::{ArchiveError, Progress};
use crate::store::{Facts, damage};
use crate::vault::{Checked, LocalVault};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::backup::{BackupError, Expect, Manifest, Part, root_of};

/// What is to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verify {
    /// The archive.
    pub file: PathBuf,
    /// The root that is expected: digits, or a file.
    pub expect_root: Option<String>,
    /// The data directory of this machine's server, whose root is expected where nothing else is said.
    pub data_dir: PathBuf,
}

/// Looks whether a backup is what was signed, its database is whole, and its master key opens its secrets. Its database and
/// secrets are laid beside it for that, for this process alone.
///
/// # Errors
/// [`ArchiveError`]: it is not.
pub fn verify(wanted: &Verify, told: Progress<'_>) -> Result<Value, ArchiveError> {
    let file = &wanted.file;
    let refused = ArchiveError::of(file);
    let expect = expected(wanted.expect_root.as_deref(), &wanted.data_dir).map_err(&refused)?;
    let scratch = Scratch::beside(file)?;
    let manifest = walk(file, Some(&scratch.0), told, &mut |manifest| {
        manifest.trust(&expect).map_err(&refused)?;
        Ok([Part::Database, Part::Secrets].into_iter().filter(|part| manifest.parts.contains(part)).collect())
    })?;
    whole_database(file, &manifest, &scratch.0)?;
    let secrets = opened(&scratch.0.join("secrets"))?;
    let mut answer = summary(file, &manifest);
    answer["secrets"] = json!({
        "good": secrets.good,
        "bad": secrets.bad.iter().map(|(path, why)| json!({ "path": &**path, "why": why.to_string() })).collect::<Vec<_>>(),
    });
    answer["valid"] = secrets.bad.is_empty().into();
    Ok(answer)
}

/// Lists the backups in a folder, the newest first. What cannot be read is listed with the reason.
///
/// # Errors
/// [`ArchiveError::File`].
pub fn list(folder: &Path) -> Result<Value, ArchiveError> {
    let failed = || ArchiveError::file("list", folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || !(name.ends_with(".tar.zst") || name.ends_with(".tar.gz")) {
            continue;
        }
        let (at, row) = match manifest(&path) {
            Ok(manifest) => (manifest.created_at, summary(&path, &manifest)),
            Err(error) => {
                (Default::default(), json!({ "file": path.display().to_string(), "problem": error.to_string() }))
            }
        };
        found.push((at, row));
    }
    found.sort_by_key(|(at, row)| (std::cmp::Reverse(*at), row["file"].to_string()));
    let mut rows: Vec<Value> = found.into_iter().map(|(_, row)| row).collect();
    annotate(folder, &mut rows);
    Ok(json!({ "backups": rows }))
}

/// Returns the root that a backup should have: the one that was said, or that of the server on this machine.
pub(super) fn expected(said: Option<&str>, data_dir: &Path) -> Result<Expect, BackupError> {
    if let Some(said) = said {
        let is_digits = said.len() == 64 && said.bytes().all(|b| b.is_ascii_hexdigit());
        let text = if is_digits { None } else { short(Path::new(said)) };
        return root_of(text.as_deref().unwrap_or(said)).map(Expect::Root);
    }
    match short(&data_dir.join("tls").join("root")) {
        Some(text) => root_of(&text).map(Expect::Root),
        None => Ok(Expect::Unknown),
    }
}

/// Looks whether the database that was unpacked to `at` is whole, and the one that was signed for.
pub(super) fn whole_database(file: &Path, manifest: &Manifest, at: &Path) -> Result<(), ArchiveError> {
    let path = at.join("db").join("vigo.db");
    let damaged = |why: String| ArchiveError::Database { file: file.to_owned(), why };
    if !path.exists() {
        return Err(damaged("it is missing".into()));
    }
    if let Some(why) = damage(&path).map_err(|e| damaged(e.to_string()))? {
        return Err(damaged(why));
    }
    let facts = Facts::of(&path).map_err(|e| damaged(e.to_string()))?;
    if (facts.schema, facts.audit) != (manifest.schema, manifest.audit) {
        return Err(damaged("expected the version and the audit that the manifest names, found others".into()));
    }
    Ok(())
}

/// Opens all secrets in a folder that was unpacked; none where secrets are kept elsewhere.
pub(super) fn opened(secrets: &Path) -> Result<Checked, ArchiveError> {
    if !secrets.exists() {
        return Ok(Checked::default());
    }
    let had_key = secrets.join(".master.key").exists();
    let vault = LocalVault::open(secrets)?;
    if !had_key && vault.list().is_empty() {
        // A vault that never was one has made itself a key.
        let key = vault.master_key();
        fs::remove_file(&key).map_err(ArchiveError::file("remove", &key))?;
    }
    Ok(vault.verify())
}

/// Bytes of the file of a key: that of the recovery kit has a key set in it, too.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;

/// Reads the file of a key.
fn short(path: &Path) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    fs::File::open(path).and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text)).ok().map(|_| text)
}

/// A folder that goes with this.
struct Scratch(PathBuf);

impl Scratch {
    /// Returns the path of one that is not there yet: beside the archive, where its keys are anyway, or else where the system
    /// keeps what passes.
    fn beside(file: &Path) -> Result<Self, ArchiveError> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = format!(".vigo-verify-{}", std::process::id());
        let mut last = None;
        for folder in [folder.to_owned(), std::env::temp_dir()] {
            let path = folder.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    fs::remove_dir(&path).map_err(ArchiveError::file("remove", &path))?;
                    return Ok(Self(path));
                }
                Err(e) => last = Some(ArchiveError::file("make", &path)(e)),
            }
        }
        Err(last.unwrap_or(ArchiveError::Unfinished))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::error!("keys lie in it: {error}");
        }
    }
}
