//! Which values of secrets were seen, on disk as keyed digests: after a restart no envoy is told of what is not new.

use super::{VaultError, record_file};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use vigo_core::hex;
use vigo_core::secret::{ProofKey, SecretValue, is_path};

/// The name of its file.
const NAME: &str = ".seen";

/// The name of the key's.
const KEY: &str = ".seen.key";

/// What the file begins with; the number is that of the format.
const HEAD: &str = "vigo-seen-secrets-1";

/// Bytes of the file: a hundred thousand secrets.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A value that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    /// As in the vault: each change of any secret has a higher one.
    pub(super) revision: u64,
    pub(super) digest: [u8; 32],
}

/// Values that were seen, by the paths of their secrets.
pub(super) type Seen = BTreeMap<Arc<str>, Known>;

/// Reads the key, or makes it.
pub(super) fn key(dir: &Path) -> Result<ProofKey, VaultError> {
    let path = dir.join(KEY);
    match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let key = ProofKey::new(super::master::entropy()?);
            record_file::put(dir, &record_file::stage(dir, KEY, key.as_bytes())?, KEY)?;
            Ok(key)
        }
        file => {
            let file = file.map_err(VaultError::disk("read", &path))?;
            let mode = file.metadata().map_err(VaultError::disk("read", &path))?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(VaultError::Readable { path, mode });
            }
            let mut bytes = Vec::new();
            file.take(64).read_to_end(&mut bytes).map_err(VaultError::disk("read", &path))?;
            let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| VaultError::NotMasterKey { path })?;
            Ok(ProofKey::from_bytes(bytes))
        }
    }
}

/// Returns the digest of a value.
pub(super) fn digest(key: &ProofKey, path: &str, value: &SecretValue) -> [u8; 32] {
    key.digest_of("vigosrv, seen secret, v1", &[path.as_bytes(), value.reveal().as_bytes()])
}

/// Reads what was seen. A file that is damaged says nothing: envoys then ask once more than they need.
pub(super) fn read(dir: &Path) -> Seen {
    let path = dir.join(NAME);
    let mut text = String::new();
    match File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Seen::new(),
        Err(error) => {
            tracing::warn!("`{}` is of no use: {error}", path.display());
            return Seen::new();
        }
        Ok(_) => {}
    }
    let mut lines = text.lines();
    let seen = (lines.next() == Some(HEAD)).then(|| lines.map(line).collect::<Option<Seen>>()).flatten();
    seen.unwrap_or_else(|| {
        tracing::warn!("`{}` is damaged: what it told of secrets is found out anew", path.display());
        Seen::new()
    })
}

/// Writes what was seen.
pub(super) fn write(dir: &Path, seen: &Seen) -> Result<(), VaultError> {
    let mut text = format!("{HEAD}\n");
    for (path, Known { revision, digest }) in seen {
        text.push_str(&format!("{path} {revision} {}\n", hex::encode(digest)));
    }
    record_file::put(dir, &record_file::stage(dir, NAME, text.as_bytes())?, NAME)
}

fn line(line: &str) -> Option<(Arc<str>, Known)> {
    let mut words = line.split(' ');
    let (path, revision, digits) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let digest = hex::decode_array(digits)?;
    (words.next().is_none() && is_path(path)).then(|| (path.into(), Known { revision, digest }))
}
