//! One run at a time: a lock on a file of the state directory, which the system takes back when its holder dies.

use super::{Access, StateError};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

/// The lock of a run.
pub(super) const RUN: &str = "lock";

/// The lock of an agent's life.
pub(super) const LIFE: &str = "agent.lock";

/// Returns whether an agent lives with this state directory.
pub(crate) fn is_alive(dir: &Path) -> bool {
    matches!(take(dir, LIFE, Access::Read), Err(StateError::Locked { .. }))
}

/// Takes a lock: for a run alone, for plans together. `None` when nothing may be written and nothing is there.
pub(super) fn take(dir: &Path, name: &str, access: Access) -> Result<Option<File>, StateError> {
    let path = dir.join(name);
    let mut options = OpenOptions::new();
    options.read(true);
    if access == Access::Write {
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = match options.open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound && access == Access::Read => return Ok(None),
        other => other.map_err(StateError::file("open", &path))?,
    };
    let locked = match access {
        Access::Write => file.try_lock(),
        Access::Read => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = (&file).take(32).read_to_string(&mut text);
            return Err(StateError::Locked { dir: dir.to_owned(), pid: text.trim().parse().ok() });
        }
        // A file system without locks: the database has its own.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => {}
        Err(TryLockError::Error(e)) => return Err(StateError::file("lock", &path)(e)),
    }
    if access == Access::Write {
        // For the message that another run gives; nothing depends on it.
        let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| writeln!(file, "{}", std::process::id()));
    }
    Ok(Some(file))
}
