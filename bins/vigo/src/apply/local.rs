//! What the machine itself says: its name, clock, randomness, programs.

use super::ApplyError;
use crate::executor::system_text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vigo_core::action::AbsPath;
use vigo_core::entropy::Entropy;
use vigo_core::host::Host;
use vigo_core::time::{Civil, Timestamp};

/// Returns the adapters of this operating system.
pub(super) fn host() -> &'static dyn Host {
    &vigo_host_linux::Linux
}

/// Returns the machine's name.
pub(super) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns the directory of `--root`, resolved.
pub(super) fn image(root: &Path) -> Result<PathBuf, ApplyError> {
    let bad = |why: String, help| ApplyError::Root { path: root.into(), why, help };
    let make = "make the directory first; an empty one is fine";
    let path = std::fs::canonicalize(root).map_err(|e| bad(system_text(e), make))?;
    if !path.is_dir() {
        return Err(bad("it is no directory".into(), "name a directory"));
    }
    if path == Path::new("/") {
        return Err(bad("it is this machine itself".into(), "leave the flag out to converge this machine"));
    }
    Ok(path)
}

/// Returns a path that holds in every working directory.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf, ApplyError> {
    std::path::absolute(dir).map_err(|e| ApplyError::WorkingDirectory(system_text(e)))
}

/// Returns a path as the core writes it.
pub(super) fn abs_path(path: &Path) -> Result<AbsPath, ApplyError> {
    let bad = |why: String| ApplyError::Root { path: path.into(), why, help: "give the directory another name" };
    let text = path.to_str().ok_or_else(|| bad("its path is not UTF-8".into()))?;
    AbsPath::parse(text).map_err(|e| bad(e.to_string()))
}

/// Returns those of `names` that the executor would find.
pub(super) fn programs(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().filter(|n| crate::executor::find_program(n).is_some()).map(|n| Arc::from(*n)).collect()
}

/// Returns the clock's time.
pub fn now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => {
            Timestamp::from_epoch_ms(i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms))
        }
    }
}

/// Returns local date and time.
pub(super) fn clock(now: Timestamp) -> Civil {
    let offset = jiff::Timestamp::from_millisecond(now.epoch_ms())
        .map(|t| jiff::tz::TimeZone::system().to_offset(t).seconds())
        .unwrap_or(0);
    now.civil(offset)
}

/// Returns fresh randomness from the operating system; fewer pieces when it has none to give.
pub(super) fn entropy(pieces: usize) -> Vec<Entropy> {
    let piece = || {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).ok().map(|()| Entropy::new(bytes))
    };
    (0..pieces).map_while(|_| piece()).collect()
}

/// Returns a seed for jitter.
pub(super) fn seed() -> u64 {
    now().epoch_ms().unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32)
}
