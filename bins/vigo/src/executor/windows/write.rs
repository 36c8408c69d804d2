//! [`vigo_core::action::Op::ReplaceFile`]: a file is the old one or the new one, at every moment.

use super::fault::is_missing;
use super::metadata::{kind, open_to_look};
use super::read::{CHUNK, digest};
use super::resolve::Place;
use super::temp::{Temp, remove_stale};
use crate::executor::failure::{Answer, at, failure};
use crate::executor::perform::Executor;
use crate::executor::validate;
use crate::windows::{self, Reader};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use vigo_core::action::{AbsPath, Content, Expect, FailureKind, FileKind, OpFailure, OpOutput, Replace};

impl Executor {
    /// Answers a replacement whose place is found and allowed. What a new file takes the place of hands on its access rights.
    pub(crate) fn replace(&mut self, replace: &Replace, place: &Place) -> Answer<OpOutput> {
        if let Some(context) = &replace.context {
            return Err(failure(FailureKind::Other, format!("context `{context}`: windows has no SELinux")));
        }
        // Where nothing is expected, the move finds out.
        let is_new = replace.expect == Expect::Missing;
        let old = if is_new { Old::Nothing } else { look(place, replace)? };
        if self.swept.insert(place.dir.shown.as_str().to_owned()) {
            remove_stale(&place.dir);
        }
        let mut temp = self.new_file(replace, place)?;
        if let Some(check) = &replace.validate {
            validate::check(&self.programs, check, temp.path(), replace.content.secret_path().is_some())?;
        }
        unchanged(place, replace)?;
        if let (Some(suffix), Old::File { .. }) = (&replace.backup, old) {
            backup(place, suffix)?;
        }
        temp.finish().map_err(at("write", &place.path))?;
        let what = || at("replace", &place.path);
        match old {
            Old::File { is_readonly } => {
                set_readonly(&place.file, is_readonly, false).map_err(what())?;
                let replaced = windows::replace(&place.file, temp.path());
                // Whichever of the two is there now.
                set_readonly(&place.file, is_readonly, true).map_err(what())?;
                replaced.map_err(what())?;
            }
            Old::Link => fs::rename(temp.path(), &place.file).map_err(what())?,
            Old::Nothing => match windows::move_new(temp.path(), &place.file) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && is_new => {
                    look(place, replace)?;
                    return Err(changed(&place.path, "it has come into being"));
                }
                other => other.map_err(what())?,
            },
        }
        temp.placed();
        Ok(OpOutput::Done)
    }

    /// Makes the whole new file beside the old one.
    fn new_file(&mut self, replace: &Replace, place: &Place) -> Answer<Temp> {
        let reader = if replace.content.secret_path().is_some() { Reader::Own } else { Reader::Anyone };
        let temp = Temp::create(place, reader)?;
        let what = || at("write", &place.path);
        let mut file = temp.file().map_err(what())?;
        match &replace.content {
            Content::Bytes(bytes) => file.write_all(bytes).map_err(what())?,
            Content::Text(text) => file.write_all(text.as_str().as_bytes()).map_err(what())?,
            Content::Staged(id) => {
                let (from, sha256) = self.staged(*id)?;
                copy(&from, file, &sha256, &format!("staged file {}", id.0), &place.path)?;
            }
            Content::Copy { from, sha256 } => {
                let open = File::open(from.as_str()).map_err(at("open", from))?;
                copy(&open, file, sha256, from.as_str(), &place.path)?;
            }
        }
        Ok(temp)
    }
}

/// What is at the place.
#[derive(Clone, Copy)]
enum Old {
    Nothing,
    Link,
    File { is_readonly: bool },
}

/// Looks at what is at the place and compares it with what is expected there, as far as that costs nothing.
fn look(place: &Place, replace: &Replace) -> Answer<Old> {
    let file = match open_to_look(&place.file, false) {
        Err(error) if is_missing(&error) => {
            return match replace.expect {
                Expect::Digest(_) => Err(changed(&place.path, "it is gone")),
                _ => Ok(Old::Nothing),
            };
        }
        other => other.map_err(at("look at", &place.path))?,
    };
    let meta = file.metadata().map_err(at("look at", &place.path))?;
    match (kind(&meta), replace.expect) {
        (FileKind::File, Expect::Missing) => Err(changed(&place.path, "it has come into being")),
        (FileKind::File, _) => Ok(Old::File { is_readonly: meta.permissions().readonly() }),
        // A link is replaced as such.
        (FileKind::Symlink, Expect::Anything) => Ok(Old::Link),
        (FileKind::Symlink, _) => Err(changed(&place.path, "it is a link now")),
        _ => Err(failure(FailureKind::WrongKind, format!("`{}` is no regular file", place.path))),
    }
}

/// Compares what is at the place right now with what was observed.
fn unchanged(place: &Place, replace: &Replace) -> Answer<()> {
    let Expect::Digest(expected) = replace.expect else { return Ok(()) };
    let old = match File::open(&place.file) {
        Err(error) if is_missing(&error) => return Err(changed(&place.path, "it is gone")),
        other => other.map_err(at("open", &place.path))?,
    };
    match digest(&old, &mut vec![0; CHUNK]).map_err(at("read", &place.path))? == expected {
        true => Ok(()),
        false => Err(changed(&place.path, "its content is another")),
    }
}

/// Keeps a copy of the old file beside it, which nobody reads but the system, administrators and its owner.
fn backup(place: &Place, suffix: &str) -> Answer<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let suffix = suffix.replace("{epoch}", &now.as_secs().to_string());
    if suffix.is_empty() || suffix.contains(['/', '\\', ':']) {
        return Err(failure(FailureKind::Other, format!("expected a suffix for a backup, found `{suffix}`")));
    }
    let path = AbsPath::parse(&format!("{}{suffix}", place.path))
        .map_err(|e| failure(FailureKind::Other, format!("backup of `{}`: {e}", place.path)))?;
    vigo_core::guard::check_write(&path).map_err(|p| failure(FailureKind::Denied, p.message))?;
    let kept = place.dir.path.join(path.name());
    if kept.is_dir() {
        return Err(failure(FailureKind::WrongKind, format!("`{path}` is a directory")));
    }
    let copy = Place { dir: place.dir.clone(), path, file: kept };
    let mut temp = Temp::create(&copy, Reader::Own)?;
    let what = || at("write", &copy.path);
    temp.finish().map_err(what())?;
    fs::copy(&place.file, temp.path()).map_err(what())?;
    fs::rename(temp.path(), &copy.file).map_err(what())?;
    temp.placed();
    Ok(())
}

/// Sets the attribute that keeps a file from being replaced, or takes it away, where it was there.
fn set_readonly(path: &Path, was_readonly: bool, readonly: bool) -> io::Result<()> {
    if !was_readonly {
        return Ok(());
    }
    let mut permissions = fs::symlink_metadata(path)?.permissions();
    permissions.set_readonly(readonly);
    fs::set_permissions(path, permissions)
}

fn copy(mut from: &File, mut to: &File, sha256: &[u8; 32], source: &str, target: &AbsPath) -> Answer<()> {
    let (mut hash, mut buf) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let len = match from.read(&mut buf) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(at("read", source)(error)),
        };
        let chunk = buf.get(..len).unwrap_or_default();
        hash.update(chunk);
        to.write_all(chunk).map_err(at("write", target))?;
    }
    if <[u8; 32]>::from(hash.finalize()) != *sha256 {
        return Err(failure(FailureKind::Changed, format!("`{source}` is not what it was when it was observed")));
    }
    Ok(())
}

fn changed(path: &AbsPath, how: &str) -> OpFailure {
    failure(FailureKind::Changed, format!("`{path}` is not what it was when it was observed: {how}"))
}
