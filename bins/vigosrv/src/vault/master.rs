//! The master key on disk. While secrets are being sealed anew there are two: the new one first, then the one before.

use super::{VaultError, record_file};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use vigo_core::entropy::Entropy;
use vigo_core::hex;
use vigo_core::secret::{MasterKey, SecretValue};

/// The name of its file.
pub(super) const NAME: &str = ".master.key";

/// What each line begins with; the number is that of the format.
const HEAD: &str = "vigo-master-key-1 ";

/// Bytes of the file: two lines, and more to tell it from something else.
const FILE_BYTES_MAX: u64 = 4096;

/// Reads the keys, the current one first; none where there is no file.
pub(super) fn read(dir: &Path) -> Result<Vec<MasterKey>, VaultError> {
    let path = dir.join(NAME);
    let file = match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(VaultError::disk("read", &path))?,
    };
    let mode = file.metadata().map_err(VaultError::disk("read", &path))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Readable { path, mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(VaultError::disk("read", &path))?;
    let text = SecretValue::new(text);
    let keys: Option<Vec<MasterKey>> = text.reveal().lines().map(key).collect();
    keys.filter(|keys| matches!(keys.len(), 1 | 2)).ok_or(VaultError::NotMasterKey { path })
}

/// Writes keys beside their place.
pub(super) fn stage(dir: &Path, keys: &[&MasterKey]) -> Result<std::path::PathBuf, VaultError> {
    let mut text = String::with_capacity(keys.len() * (HEAD.len() + 65));
    for key in keys {
        text.push_str(HEAD);
        text.push_str(SecretValue::new(hex::encode(key.as_bytes())).reveal());
        text.push('\n');
    }
    let text = SecretValue::new(text);
    record_file::stage(dir, NAME, text.reveal().as_bytes())
}

/// Returns fresh bytes from the operating system.
pub(super) fn entropy() -> Result<Entropy, VaultError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| VaultError::Random { why: e.to_string() })?;
    Ok(Entropy::new(bytes))
}

fn key(line: &str) -> Option<MasterKey> {
    hex::decode_array(line.strip_prefix(HEAD)?).map(MasterKey::from_bytes)
}
