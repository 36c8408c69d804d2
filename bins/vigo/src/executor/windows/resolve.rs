//! Where a path leads, and through no link that just anybody could have laid.

use super::dir::{Dir, plain};
use super::fault::is_missing;
use super::metadata::{kind, open_to_look};
use crate::executor::failure::{Answer, at, failure};
use crate::windows::is_of_administrators;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use vigo_core::action::{AbsPath, FailureKind, FileKind};

/// Finds folders and files by path.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// The folder of the last change: files of one folder come in a row.
    last: Option<(AbsPath, Arc<Dir>)>,
}

/// The place of a change: a name in a folder that is held.
#[derive(Debug)]
pub(crate) struct Place {
    pub dir: Arc<Dir>,
    /// The whole path, links resolved up to the name, as the core writes it.
    pub path: AbsPath,
    /// The same, as Windows takes it literally.
    pub file: PathBuf,
}

/// Whether a link at the very end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    Keep,
    Follow,
}

impl Resolver {
    /// # Errors
    /// For an image: the folders of one are no drives.
    pub(crate) fn new(image: Option<PathBuf>) -> io::Result<Self> {
        match image {
            None => Ok(Self { last: None }),
            Some(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "an image cannot be converged on windows")),
        }
    }

    /// Returns whether an image is worked on.
    pub(crate) fn has_image(&self) -> bool {
        false
    }

    /// Finds the place of a change. The folder must be there.
    pub(crate) fn place(&mut self, path: &AbsPath, last: Last) -> Answer<Place> {
        let Some(parent) = path.parent() else {
            return Err(failure(FailureKind::WrongKind, format!("`{path}` is the root of a disk")));
        };
        let name = path.name();
        if let Some(why) = refused(name) {
            return Err(failure(FailureKind::WrongKind, format!("`{path}`: a name {why}")));
        }
        let dir = self.dir(&parent)?;
        let place = Place { path: dir.shown.join(name), file: dir.path.join(name), dir };
        if last == Last::Keep {
            return Ok(place);
        }
        let file = match open_to_look(&place.file, false) {
            Err(error) if is_missing(&error) => return Ok(place),
            other => other.map_err(at("look at", path))?,
        };
        let meta = file.metadata().map_err(at("look at", path))?;
        if kind(&meta) != FileKind::Symlink {
            return Ok(place);
        }
        if !is_of_administrators(&file) {
            let message = format!("`{path}` is a link that no administrator has laid: it is not followed");
            return Err(failure(FailureKind::Denied, message));
        }
        let real = std::fs::canonicalize(&place.file).map_err(at("resolve", path))?;
        let real = plain(&real).and_then(|text| AbsPath::parse(&text).ok());
        let real =
            real.ok_or_else(|| failure(FailureKind::WrongKind, format!("`{path}` leads to no path of a disk")))?;
        self.place(&real, Last::Keep)
    }

    /// Opens a folder that changes are made in.
    pub(crate) fn dir(&mut self, path: &AbsPath) -> Answer<Arc<Dir>> {
        if let Some((known, dir)) = &self.last
            && known == path
        {
            return Ok(dir.clone());
        }
        let dir = Arc::new(Dir::open(path)?);
        self.last = Some((path.clone(), dir.clone()));
        Ok(dir)
    }

    /// Lets go of what is held: something is to move.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }
}

/// Says what about a name Windows would read as another name, a stream or a device.
fn refused(name: &str) -> Option<&'static str> {
    const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let numbered = |word: &str| {
        let head = stem.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word));
        head.is_some() && stem.get(word.len()..).is_some_and(|n| n.len() == 1 && n != "0" && n.parse::<u8>().is_ok())
    };
    if name.contains(['<', '>', ':', '"', '|', '?', '*', '/']) {
        return Some("holds one of `<>:\"|?*/`");
    }
    if name.ends_with(['.', ' ']) {
        return Some("ends with a dot or a blank");
    }
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) || numbered("COM") || numbered("LPT") {
        return Some("is that of a device");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in ["a:b", "a.", "a ", "NUL", "nul.txt", "com1", "LPT9.log", "x?"] {
            assert!(refused(name).is_some(), "{name}");
        }
        for name in ["a.b", ".vigo", "console", "com", "com10", "com0", "nuls", "ä"] {
            assert_eq!(refused(name), None, "{name}");
        }
    }
}
