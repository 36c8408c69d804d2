//! [`vigo_core::action::Op::ListDir`]: a folder's entries, or a whole tree on one volume.

use super::fault::is_missing;
use super::metadata::{metadata, open_to_look};
use super::resolve::{Last, Resolver};
use crate::executor::failure::{Answer, at, failure};
use std::path::PathBuf;
use vigo_core::action::{AbsPath, Entry, FailureKind, FileKind, OpOutput};

/// Folders inside each other.
const DEPTH_MAX: usize = 256;

/// Answers a listing. Below `path` no link is followed; `path` itself may be one, unless the whole tree is asked for.
pub(crate) fn list_dir(resolver: &Resolver, path: &AbsPath, deep: bool, entries_max: usize) -> Answer<OpOutput> {
    let last = if deep { Last::Keep } else { Last::Follow };
    let device = match super::read::stat(resolver, path, last)? {
        OpOutput::Stat(meta) if meta.kind == FileKind::Dir => meta.dev,
        other => return Ok(other),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Vec<(PathBuf, String, usize)> = vec![(PathBuf::from(path.as_str()), String::new(), 1)];
    while let Some((folder, prefix, depth)) = open.pop() {
        let listed = match std::fs::read_dir(&folder) {
            // It went away since it was seen.
            Err(error) if is_missing(&error) => continue,
            other => other.map_err(at("list", folder.display()))?,
        };
        for entry in listed {
            let entry = entry.map_err(at("list", path))?;
            if entries.len() >= entries_max {
                let message = format!("`{path}` holds more than the {entries_max} entries that may be listed");
                return Err(failure(FailureKind::TooLarge, message));
            }
            let (here, shown) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
            let meta = match open_to_look(&here, false).and_then(|file| metadata(&file, &here)) {
                Err(error) if is_missing(&error) => continue,
                other => other.map_err(at("look at", here.display()))?,
            };
            if deep && meta.kind == FileKind::Dir && meta.dev == device {
                if depth >= DEPTH_MAX {
                    let message = format!("`{path}` is nested deeper than {DEPTH_MAX} directories");
                    return Err(failure(FailureKind::TooLarge, message));
                }
                open.push((here, format!("{shown}\\"), depth + 1));
            }
            entries.push(Entry { path: shown.as_str().into(), meta });
        }
    }
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(OpOutput::Dir(entries))
}
