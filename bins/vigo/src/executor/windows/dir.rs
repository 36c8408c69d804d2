//! Folders that are held: as long as they are open to us, they stay where they are.

use super::fault::is_missing;
use super::metadata::kind;
use crate::executor::failure::{Answer, at, failure};
use crate::windows::is_of_administrators;
use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use vigo_core::action::{AbsPath, FailureKind, FileKind};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_SHARE_READ, FILE_SHARE_WRITE,
    READ_CONTROL,
};

/// A folder.
#[derive(Debug)]
pub(crate) struct Dir {
    /// Its path without links and short names, in the form that Windows takes literally (`\\?\`).
    pub path: PathBuf,
    /// The same as the core writes it.
    pub shown: AbsPath,
    /// It and all above it, open so that nobody else moves or removes them meanwhile: what was found to be no link stays
    /// none. A handle that shares no deletion has that effect, CreateFileW.
    _held: Vec<File>,
}

impl Dir {
    /// Opens a folder that changes are made in. Links on the way are followed only where the system or an administrator has
    /// laid them.
    pub(crate) fn open(path: &AbsPath) -> Answer<Self> {
        let mut held = Vec::new();
        let mut walked = PathBuf::new();
        for component in Path::new(path.as_str()).components() {
            walked.push(component);
            if matches!(component, Component::Prefix(_)) {
                continue;
            }
            let file = match hold(&walked) {
                Err(error) if is_missing(&error) => {
                    return Err(failure(FailureKind::NoParent, format!("folder `{}` is not there", walked.display())));
                }
                other => other.map_err(at("open folder", walked.display()))?,
            };
            let meta = file.metadata().map_err(at("look at", walked.display()))?;
            match kind(&meta) {
                FileKind::Dir => {}
                FileKind::Symlink if is_of_administrators(&file) => {}
                FileKind::Symlink => {
                    let message = format!(
                        "`{path}`: `{}` is a link that no administrator has laid: it is not followed",
                        walked.display()
                    );
                    return Err(failure(FailureKind::Denied, message));
                }
                _ => return Err(failure(FailureKind::WrongKind, format!("`{}` is no folder", walked.display()))),
            }
            held.push(file);
        }
        let real = std::fs::canonicalize(&walked).map_err(at("resolve", path))?;
        let shown = plain(&real).and_then(|text| AbsPath::parse(&text).ok());
        let shown = shown.ok_or_else(|| {
            failure(
                FailureKind::WrongKind,
                format!("`{path}` leads to `{}`, which is no path of a disk", real.display()),
            )
        })?;
        Ok(Self { path: real, shown, _held: held })
    }
}

fn hold(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(FILE_READ_ATTRIBUTES | READ_CONTROL).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Returns `\\?\C:\x` as `C:\x`, and `\\?\UNC\host\x` as `\\host\x`.
pub(crate) fn plain(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    Some(match text.strip_prefix("\\\\?\\") {
        None => text.to_owned(),
        Some(rest) => match rest.strip_prefix("UNC\\") {
            Some(share) => format!("\\\\{share}"),
            None => rest.to_owned(),
        },
    })
}
