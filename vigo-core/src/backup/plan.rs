//! Whether a backup may be restored in a place.

use super::{BackupError, Manifest, Part};
use alloc::collections::BTreeSet;
use alloc::string::String;

/// The place where a backup is to be restored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ground {
    /// The newest version of tables that is known here.
    pub schema: u32,
    /// What is there and would be replaced, or should not be there: the first of it, for people.
    pub occupied: Option<String>,
    /// What is there may be replaced.
    pub is_forced: bool,
    /// There are the keys of a fleet.
    pub has_keys: bool,
    /// Bytes that the disk has left; none where nobody knows.
    pub free_bytes: Option<u64>,
}

/// Bytes that stay free beside what is restored: the system wants some, too.
const SPARE_BYTES: u64 = 32 << 20;

/// Looks whether the `wanted` parts of a backup may be restored on this ground.
///
/// # Errors
/// [`BackupError`]; nothing was written.
pub fn check_restore(manifest: &Manifest, wanted: &BTreeSet<Part>, ground: &Ground) -> Result<(), BackupError> {
    if let Some(part) = wanted.iter().find(|part| !manifest.parts.contains(part)) {
        return Err(BackupError::NoPart { part: part.word() });
    }
    let brings_database = wanted.contains(&Part::Database);
    if brings_database && manifest.schema > ground.schema {
        let (found, known) = (manifest.schema, ground.schema);
        return Err(BackupError::NewerSchema { found, known, program: manifest.program.clone() });
    }
    if brings_database && !wanted.contains(&Part::Tls) && !ground.has_keys {
        return Err(BackupError::NoServer);
    }
    if let (Some(what), false) = (&ground.occupied, ground.is_forced) {
        return Err(BackupError::NotEmpty { what: what.clone() });
    }
    let of_wanted = manifest.files.iter().filter(|f| super::part_of(&f.path).is_ok_and(|part| wanted.contains(&part)));
    let needed = of_wanted.map(|file| file.size).fold(SPARE_BYTES, u64::saturating_add);
    match ground.free_bytes {
        Some(free) if free < needed => Err(BackupError::NoRoom { free, needed }),
        _ => Ok(()),
    }
}
