//! What the machine itself says: its name, clock, randomness, programs.

use super::ApplyError;
use crate::executor::system_text;
use crate::system;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vigo_core::action::AbsPath;
use vigo_core::hex;
use vigo_core::time::{Civil, Timestamp};

/// Returns the directory of `--root`, resolved.
pub(crate) fn image(root: &Path) -> Result<PathBuf, ApplyError> {
    let bad = |why: String, help| ApplyError::Root { path: root.into(), why, help };
    let make = "make the directory first; an empty one is fine";
    let path = std::fs::canonicalize(root).map_err(|e| bad(system_text(e), make))?;
    if !path.is_dir() {
        return Err(bad("it is no directory".into(), "name a directory"));
    }
    if path.parent().is_none() {
        return Err(bad("it is this machine itself".into(), "leave the flag out to converge this machine"));
    }
    Ok(path)
}

/// Returns where the state of this machine, or of an image, is kept: a path that holds in every working directory. Each
/// image has its own, so that what is owed to one, or was found in it, is never brought to another or to the machine.
pub(crate) fn state_dir(chosen: Option<&Path>, image: Option<&Path>) -> Result<PathBuf, ApplyError> {
    if let Some(dir) = chosen {
        return std::path::absolute(dir).map_err(|e| ApplyError::WorkingDirectory(system_text(e)));
    }
    let own = system::state_dir();
    let Some(image) = image else { return Ok(own) };
    let digest = Sha256::digest(image.as_os_str().as_encoded_bytes());
    let name = hex::encode(&digest[..8]);
    Ok(own.join("images").join(name))
}

/// Returns a path as the core writes it.
pub(super) fn abs_path(path: &Path) -> Result<AbsPath, ApplyError> {
    let bad = |why: String| ApplyError::Root { path: path.into(), why, help: "give the directory another name" };
    let text = path.to_str().ok_or_else(|| bad("its path is not UTF-8".into()))?;
    AbsPath::parse(text).map_err(|e| bad(e.to_string()))
}

/// Returns those of `names` that the executor would find.
pub(crate) fn programs(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().filter(|n| crate::executor::find_program(n).is_some()).map(|n| Arc::from(*n)).collect()
}

/// Returns the clock's time.
pub(crate) fn now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => {
            Timestamp::from_epoch_ms(i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms))
        }
    }
}

/// Returns local date and time.
pub(super) fn clock(now: Timestamp) -> Civil {
    now.civil(system::utc_offset_secs(now))
}

/// Returns a seed for jitter.
pub(crate) fn seed() -> u64 {
    now().epoch_ms().unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_state_of_their_own() {
        let own = |image: Option<&str>| state_dir(None, image.map(Path::new)).unwrap();
        assert_eq!(own(None), system::state_dir());
        let (a, b) = (own(Some("/srv/a")), own(Some("/srv/b")));
        assert!(
            a != b && a == own(Some("/srv/a")) && a.parent() == Some(&*system::state_dir().join("images")),
            "{a:?}"
        );
        assert_eq!(state_dir(Some(Path::new("/s")), Some(Path::new("/srv/a"))).unwrap(), Path::new("/s"));
        assert!(state_dir(Some(Path::new("s")), None).unwrap().is_absolute());
    }
}
