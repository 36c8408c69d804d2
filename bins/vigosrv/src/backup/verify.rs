//! Looking whether a backup is whole, and works.

use super::age::{Unlock, compare, is_encrypted};
use super::leftover::{SCRATCH, clear, hold};
use super::pack::{folder, is_archive};
use super::read::{manifest, walk};
use super::scheduled::annotate;
use super::stage::{make_dir, remove};
use super::view::{summary, time};
use super::{ArchiveError, Progress};
use crate::store::{Facts, damage};
use crate::vault::{Checked, LocalVault};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use vigo_core::backup::{BackupError, Expect, Manifest, Part, root_of};
use vigo_core::hex;
use vigo_core::time::Timestamp;

/// What is to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verify {
    /// The archive.
    pub file: PathBuf,
    /// The root that is expected: digits, or a file.
    pub expect_root: Option<String>,
    /// The file of the key that it is encrypted for. Without it an encrypted one is compared with the digest beside it.
    pub identity: Option<PathBuf>,
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
    let unlock = Unlock::of(wanted.identity.as_deref())?;
    let is_sealed = is_encrypted(file).map_err(ArchiveError::file("read", file))?;
    if is_sealed && wanted.identity.is_none() {
        let digest = compare(file, told)?;
        let digits = hex::encode(digest);
        return Ok(json!({ "file": file.display().to_string(), "encrypted": true, "sha256": digits, "valid": true }));
    }
    let expect = expected(wanted.expect_root.as_deref(), &wanted.data_dir).map_err(ArchiveError::of(file))?;
    // What was encrypted for its place does not lie there in the open.
    let folder = if is_sealed { None } else { Some(folder(file)) };
    let scratch = Scratch::new(folder)?;
    let (manifest, secrets) = whole(file, &unlock, &expect, &scratch.0.join("unpacked"), told)?;
    let mut answer = summary(file, &manifest);
    answer["encrypted"] = is_sealed.into();
    answer["secrets"] = json!({
        "good": secrets.good,
        "bad": secrets.bad.iter().map(|(path, why)| json!({ "path": &**path, "why": why.to_string() })).collect::<Vec<_>>(),
    });
    answer["valid"] = secrets.bad.is_empty().into();
    Ok(answer)
}

/// Looks at all of an archive; its database and secrets are laid at `scratch` for that.
pub(super) fn whole(
    file: &Path,
    unlock: &Unlock,
    expect: &Expect,
    scratch: &Path,
    told: Progress<'_>,
) -> Result<(Manifest, Checked), ArchiveError> {
    let refused = ArchiveError::of(file);
    let manifest = walk(file, unlock, Some(scratch), told, &mut |manifest| {
        manifest.trust(expect).map_err(&refused)?;
        Ok([Part::Database, Part::Secrets].into_iter().filter(|part| manifest.parts.contains(part)).collect())
    })?;
    whole_database(file, &manifest, scratch)?;
    let secrets = opened(&scratch.join("secrets"))?;
    Ok((manifest, secrets))
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
        if name.starts_with('.') || !is_archive(name) {
            continue;
        }
        let (at, row) = match manifest(&path) {
            Err(ArchiveError::Encrypted { .. }) => {
                let meta = fs::metadata(&path).ok();
                let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).ok()?.as_millis().try_into().ok();
                let at = meta.as_ref().and_then(|meta| since(meta.modified().ok()?)).map(Timestamp::from_epoch_ms);
                let at = at.unwrap_or_default();
                let row = json!({
                    "file": path.display().to_string(),
                    "bytes": meta.map(|meta| meta.len()),
                    "created_at": time(at),
                    "encrypted": true,
                });
                (at, row)
            }
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
struct Scratch(PathBuf, #[expect(dead_code, reason = "held")] fs::File);

impl Scratch {
    /// Makes one that is not there yet: in a folder, where keys lie anyway, or else where the system keeps what passes.
    fn new(folder: Option<&Path>) -> Result<Self, ArchiveError> {
        let name = format!("{SCRATCH}{}", std::process::id());
        let mut last = None;
        for folder in folder.map(Path::to_owned).into_iter().chain([std::env::temp_dir()]) {
            clear(&folder);
            let path = folder.join(&name);
            match make_dir(&path) {
                Ok(()) => {
                    let held = hold(&path)?;
                    return Ok(Self(path, held));
                }
                Err(error) => last = Some(error),
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
