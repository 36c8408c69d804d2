//! [`vigo_core::action::Op::ReplaceFile`]: a file is the old one or the new one, at every moment.

use super::kernel;
use super::meta::mode_of;
use super::metadata::{kind, permissions};
use super::open::openat;
use super::read::{CHUNK, READ, each_chunk};
use super::resolve::{Last, Place};
use super::temp::{Temp, remove_stale};
use super::unsynced::unless_impossible;
use crate::executor::failure::{Answer, at, failure};
use crate::executor::perform::Executor;
use crate::executor::validate;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use sha2::{Digest, Sha256};
use vigo_core::action::{AbsPath, Content, Expect, FailureKind, FileKind, OpOutput, Owner, Replace};

/// The file that is to be replaced.
struct Old {
    fd: OwnedFd,
    stat: Stat,
}

impl Executor {
    /// Answers a replacement whose place is found and allowed.
    pub(crate) fn replace(&mut self, replace: &Replace, place: &Place) -> Answer<OpOutput> {
        // Where nothing is expected, the rename finds out.
        let is_new = replace.expect == Expect::Missing;
        let old = if is_new { None } else { look(place, replace)? };
        if self.swept.insert(place.dir.path.clone()) {
            remove_stale(&place.dir);
        }
        let temp = self.new_file(replace, place, old.as_ref())?;
        if let Some(check) = &replace.validate {
            let path = self.resolver.outside(&place.dir.path).join(temp.name());
            validate::check(&self.programs, check, &path, replace.content.secret_path().is_some())?;
        }
        unchanged(place, replace)?;
        if let (Some(suffix), Some(old)) = (&replace.backup, &old) {
            backup(place, suffix, old)?;
        }
        let done = match if is_new { temp.rename_new(place) } else { temp.rename(place) } {
            Ok(()) if old.is_none() => {
                self.unsynced.file(temp.keep(), place).map_err(at("write", &place.path))?;
                return Ok(OpOutput::Done);
            }
            Ok(()) => {
                drop(temp.keep());
                OpOutput::Done
            }
            Err(Errno::EXIST) if is_new => {
                look(place, replace)?;
                return Err(changed(&place.path, "it has come into being"));
            }
            // A file that is a mount point, as `/etc/hosts` of a container, keeps its inode.
            Err(Errno::BUSY) => {
                rewrite(place, &temp)?;
                OpOutput::DoneInPlace
            }
            Err(errno) => return Err(at("replace", &place.path)(errno)),
        };
        unless_impossible(kernel::fsync(&place.dir.fd)).map_err(at("write the folder of", &place.path))?;
        Ok(done)
    }

    /// Makes the whole new file beside the old one; one that takes another's place is made durable.
    fn new_file(&mut self, replace: &Replace, place: &Place, old: Option<&Old>) -> Answer<Temp> {
        let temp = kernel::create(place, mode_while_written(replace, old))?;
        match &replace.content {
            Content::Bytes(bytes) => write_all(&temp.fd, bytes).map_err(at("write", &place.path))?,
            Content::Text(text) => write_all(&temp.fd, text.as_str().as_bytes()).map_err(at("write", &place.path))?,
            Content::Staged(id) => {
                let (fd, sha256) = self.staged(*id)?;
                copy(&fd.into(), &temp.fd, Some(&sha256), &format!("staged file {}", id.0), &place.path)?;
            }
            Content::Copy { from, sha256 } => {
                let fd = self.resolver.open(from, READ, Last::Follow).map_err(at("open", from))?;
                copy(&fd, &temp.fd, Some(sha256), from.as_str(), &place.path)?;
            }
        }
        dress(&temp, replace, place, old)?;
        if old.is_some() {
            kernel::fsync(&temp.fd).map_err(at("write", &place.path))?;
        }
        Ok(temp)
    }
}

/// Opens what is at the place and compares it with what is expected there, as far as that costs nothing.
fn look(place: &Place, replace: &Replace) -> Answer<Option<Old>> {
    let fd = match openat(&place.dir.fd, place.name(), READ | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => {
            return match replace.expect {
                Expect::Digest(_) => Err(changed(&place.path, "it is gone")),
                _ => Ok(None),
            };
        }
        // A link, which is replaced as such.
        Err(Errno::LOOP) => {
            return match replace.expect {
                Expect::Anything => Ok(None),
                _ => Err(changed(&place.path, "it is a link now")),
            };
        }
        Err(Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP) => return Err(no_file(&place.path)),
        Err(errno) => return Err(at("open", &place.path)(errno)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(at("look at", &place.path))?;
    if kind(&stat) != FileKind::File {
        return Err(no_file(&place.path));
    }
    if replace.expect == Expect::Missing {
        return Err(changed(&place.path, "it has come into being"));
    }
    Ok(Some(Old { fd, stat }))
}

/// Compares what is at the place right now with what was observed.
fn unchanged(place: &Place, replace: &Replace) -> Answer<()> {
    match replace.expect {
        Expect::Anything | Expect::Missing => Ok(()),
        Expect::Digest(expected) => {
            let Some(old) = look(place, replace)? else { return Err(changed(&place.path, "it is gone")) };
            let mut hash = Sha256::new();
            each_chunk(&old.fd, old.stat.st_size as u64, &mut vec![0; CHUNK], |chunk| {
                hash.update(chunk);
                true
            })
            .map_err(at("read", &place.path))?;
            if <[u8; 32]>::from(hash.finalize()) == expected {
                return Ok(());
            }
            Err(changed(&place.path, "its content is another"))
        }
    }
}

/// Only the owner reads and writes.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

fn default_mode(replace: &Replace) -> u32 {
    if replace.content.secret_path().is_some() { 0o600 } else { 0o644 }
}

/// Returns the mode of a file while it is written: its last one, where nothing else about it is to be set.
fn mode_while_written(replace: &Replace, old: Option<&Old>) -> Mode {
    let plain = old.is_none()
        && replace.owner == Owner::default()
        && replace.context.is_none()
        && replace.validate.is_none()
        && replace.content.secret_path().is_none();
    match plain {
        true => mode_of(replace.mode.unwrap_or(default_mode(replace)) & 0o777),
        false => OWN,
    }
}

/// Gives the new file the old one's owner, mode and attributes, then those that are asked for.
fn dress(temp: &Temp, replace: &Replace, place: &Place, old: Option<&Old>) -> Answer<()> {
    let what = |what| at(what, &place.path);
    let uid = replace.owner.uid.or(old.map(|o| o.stat.st_uid)).filter(|uid| *uid != temp.uid);
    let gid = replace.owner.gid.or(old.map(|o| o.stat.st_gid)).filter(|gid| *gid != temp.gid);
    if uid.is_some() || gid.is_some() {
        match rustix::fs::fchown(&temp.fd, uid.map(Uid::from_raw), gid.map(Gid::from_raw)) {
            // Without rights, an owner that nobody asked for is let go.
            Err(Errno::PERM) if replace.owner == Owner::default() => {}
            other => other.map_err(what("set the owner of"))?,
        }
    }
    if let Some(old) = old {
        kernel::copy_attributes(&old.fd, &temp.fd);
    }
    let wanted = mode_of(replace.mode.or(old.map(|o| permissions(&o.stat))).unwrap_or(default_mode(replace)));
    // An owner or attributes that were just set may have changed it.
    if old.is_some() || uid.is_some() || gid.is_some() || wanted != mode_of(temp.mode) {
        rustix::fs::fchmod(&temp.fd, wanted).map_err(what("set the mode of"))?;
    }
    if let Some(context) = &replace.context {
        kernel::set_context(&temp.fd, context).map_err(what("set the SELinux context of"))?;
    }
    Ok(())
}

/// Keeps a copy of the old file beside it.
fn backup(place: &Place, suffix: &str, old: &Old) -> Answer<()> {
    let suffix = &*dated(suffix);
    let mut name = place.name.clone();
    name.extend_from_slice(suffix.as_bytes());
    if suffix.contains('/') || suffix.is_empty() {
        return Err(failure(FailureKind::Other, format!("expected a suffix for a backup, found `{suffix}`")));
    }
    let path = AbsPath::parse(&format!("{}{suffix}", place.path))
        .map_err(|e| failure(FailureKind::Other, format!("backup of `{}`: {e}", place.path)))?;
    vigo_core::guard::check_write(&path).map_err(|p| failure(FailureKind::Denied, p.message))?;
    let kept = Place { dir: place.dir.clone(), name, path };
    if kept.stat()?.is_some_and(|stat| kind(&stat) == FileKind::Dir) {
        return Err(failure(FailureKind::WrongKind, format!("`{}` is a directory", kept.path)));
    }
    let temp = kernel::create(&kept, OWN)?;
    let what = || at("write", &kept.path);
    rustix::fs::seek(&old.fd, rustix::fs::SeekFrom::Start(0)).map_err(at("read", &place.path))?;
    copy(&old.fd, &temp.fd, None, place.path.as_str(), &kept.path)?;
    let owner = (Uid::from_raw(old.stat.st_uid), Gid::from_raw(old.stat.st_gid));
    match rustix::fs::fchown(&temp.fd, Some(owner.0), Some(owner.1)) {
        Ok(()) | Err(Errno::PERM) => {}
        Err(errno) => return Err(what()(errno)),
    }
    kernel::copy_attributes(&old.fd, &temp.fd);
    rustix::fs::fchmod(&temp.fd, mode_of(permissions(&old.stat))).map_err(what())?;
    kernel::fsync(&temp.fd).map_err(what())?;
    temp.rename(&kept).map_err(what())?;
    drop(temp.keep());
    Ok(())
}

/// Puts the seconds since 1970 in the place of `{epoch}`: the core has no clock.
fn dated(suffix: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    suffix.replace("{epoch}", &now.as_secs().to_string())
}

/// Writes the new content into the old file itself: the one case in which a reader may see both.
fn rewrite(place: &Place, temp: &Temp) -> Answer<()> {
    let what = || at("rewrite", &place.path);
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(&place.dir.fd, place.name(), flags, Mode::empty()).map_err(what())?;
    let new = rustix::fs::fstat(&temp.fd).map_err(what())?;
    rustix::fs::seek(&temp.fd, rustix::fs::SeekFrom::Start(0)).map_err(what())?;
    copy(&temp.fd, &fd, None, "the new content", &place.path)?;
    rustix::fs::ftruncate(&fd, new.st_size as u64).map_err(what())?;
    let old = rustix::fs::fstat(&fd).map_err(what())?;
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        let owner = (Uid::from_raw(new.st_uid), Gid::from_raw(new.st_gid));
        rustix::fs::fchown(&fd, Some(owner.0), Some(owner.1)).map_err(what())?;
    }
    rustix::fs::fchmod(&fd, mode_of(permissions(&new))).map_err(what())?;
    kernel::fsync(&fd).map_err(what())
}

fn copy(from: &OwnedFd, to: &OwnedFd, sha256: Option<&[u8; 32]>, source: &str, target: &AbsPath) -> Answer<()> {
    let mut hash = Sha256::new();
    let mut written = Ok(());
    each_chunk(from, u64::MAX, &mut vec![0; CHUNK], |chunk| {
        hash.update(chunk);
        written = write_all(to, chunk);
        written.is_ok()
    })
    .map_err(at("read", source))?;
    written.map_err(at("write", target))?;
    if sha256.is_some_and(|expected| <[u8; 32]>::from(hash.finalize()) != *expected) {
        return Err(failure(FailureKind::Changed, format!("`{source}` is not what it was when it was observed")));
    }
    Ok(())
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn no_file(path: &AbsPath) -> vigo_core::action::OpFailure {
    failure(FailureKind::WrongKind, format!("`{path}` is no regular file"))
}

fn changed(path: &AbsPath, how: &str) -> vigo_core::action::OpFailure {
    failure(FailureKind::Changed, format!("`{path}` is not what it was when it was observed: {how}"))
}
