//! Where a path leads: below the root, and through no link that somebody other than root could have laid.

use super::fault::kind_of;
use super::metadata::kind;
use crate::executor::failure::{Answer, at, failure, text};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vigo_core::action::{AbsPath, FailureKind, FileKind, OpFailure};

/// Links followed in one path; the kernel's own bound.
const LINKS_MAX: usize = 40;

/// Finds folders and files by path.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// The root that paths are below.
    top: OwnedFd,
    /// Who owns it: trusted like root.
    top_uid: u32,
    /// The image's path on the machine; `None` is the machine itself.
    image: Option<PathBuf>,
    /// Whether we have rights that the owner of a folder may lack.
    privileged: bool,
    /// Whether the kernel has `openat2` (Linux 5.6; some sandboxes forbid it).
    has_openat2: AtomicBool,
    /// The folder of the last change: files of one folder come in a row.
    last: Option<(AbsPath, Arc<Dir>)>,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Dir {
    pub fd: OwnedFd,
    /// Its path without links, below the root.
    pub path: String,
    pub uid: u32,
    pub gid: u32,
    pub device: u64,
}

/// The place of a change: a name in a folder that is held open.
#[derive(Debug)]
pub(crate) struct Place {
    pub dir: Arc<Dir>,
    pub name: Vec<u8>,
    /// The whole path, links resolved up to the name.
    pub path: AbsPath,
}

/// Whether a link at the very end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    Keep,
    Follow,
}

impl Resolver {
    /// Opens the root.
    pub(crate) fn new(image: Option<PathBuf>) -> std::io::Result<Self> {
        let image = image.map(|path| path.canonicalize()).transpose()?.filter(|path| path != Path::new("/"));
        let top = rustix::fs::open(
            image.as_deref().unwrap_or(Path::new("/")),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let top_uid = rustix::fs::fstat(&top)?.st_uid;
        let privileged = rustix::process::geteuid().is_root();
        Ok(Self { top, top_uid, image, privileged, has_openat2: AtomicBool::new(true), last: None })
    }

    /// Returns whether an image is worked on.
    pub(crate) fn has_image(&self) -> bool {
        self.image.is_some()
    }

    /// Returns a path of the operations as programs of the machine see it.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        match &self.image {
            None => PathBuf::from(path),
            Some(image) => image.join(path.trim_start_matches('/')),
        }
    }

    /// Opens a path for reading: one call where the kernel can resolve below a root.
    pub(crate) fn open(&self, path: &AbsPath, flags: OFlags, last: Last) -> Result<OwnedFd, Errno> {
        let nofollow = if last == Last::Keep { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = flags | nofollow | OFlags::CLOEXEC;
        if self.image.is_none() {
            return rustix::fs::open(path.as_str(), flags, Mode::empty());
        }
        if let Some(opened) = self.openat2(path.as_str(), flags, ResolveFlags::IN_ROOT) {
            return opened;
        }
        let walked = self.walk(path.as_str(), last, Links::Any).map_err(|stop| stop.errno)?;
        match walked {
            (dir, Some(name)) => {
                rustix::fs::openat(&dir.fd, OsStr::from_bytes(&name), flags | OFlags::NOFOLLOW, Mode::empty())
            }
            (dir, None) => rustix::fs::openat(&dir.fd, c".", flags, Mode::empty()),
        }
    }

    /// Finds the place of a change. The folder must be there.
    pub(crate) fn place(&mut self, path: &AbsPath, last: Last) -> Answer<Place> {
        let Some(parent) = path.parent() else {
            return Err(failure(FailureKind::WrongKind, format!("`{path}` is the root of the file system")));
        };
        let dir = self.dir(&parent)?;
        let name = path.name().as_bytes();
        if last == Last::Follow && self.is_link(&dir, name) {
            let (dir, name) = self.walk(path.as_str(), Last::Follow, Links::Trusted).map_err(|s| s.failure(path))?;
            let Some(name) = name else {
                return Err(failure(FailureKind::WrongKind, format!("`{path}` leads to a folder")));
            };
            return Self::placed(dir, name);
        }
        Self::placed(dir, name.to_vec())
    }

    /// Opens a folder that changes are made in.
    pub(crate) fn dir(&mut self, path: &AbsPath) -> Answer<Arc<Dir>> {
        if let Some((known, dir)) = &self.last
            && known == path
        {
            return Ok(dir.clone());
        }
        let dir = match self.openat2(path.as_str(), DIR, ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS) {
            Some(Ok(fd)) => {
                let stat = rustix::fs::fstat(&fd).map_err(at("look at", path))?;
                Arc::new(Dir::of(fd, path.as_str().to_owned(), &stat))
            }
            Some(Err(errno)) if errno != Errno::LOOP && errno != Errno::ACCESS => {
                return Err(Stop::new(errno, path.as_str()).failure(path));
            }
            _ => match self.walk(path.as_str(), Last::Follow, Links::Trusted).map_err(|s| s.failure(path))? {
                (dir, None) => dir,
                (dir, Some(name)) => Arc::new(dir.below(&name).map_err(|s| s.failure(path))?),
            },
        };
        self.last = Some((path.clone(), dir.clone()));
        Ok(dir)
    }

    /// Forgets what is held open: something may have moved.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    fn is_link(&self, dir: &Dir, name: &[u8]) -> bool {
        rustix::fs::statat(&dir.fd, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| kind(&stat) == FileKind::Symlink)
    }

    fn placed(dir: Arc<Dir>, name: Vec<u8>) -> Answer<Place> {
        let whole = format!("{}/{}", dir.path.trim_end_matches('/'), String::from_utf8_lossy(&name));
        let path = AbsPath::parse(&whole)
            .map_err(|e| failure(FailureKind::WrongKind, format!("a link leads to `{}`: {e}", whole.escape_debug())))?;
        Ok(Place { dir, name, path })
    }

    /// Returns `None` where the kernel cannot do it.
    fn openat2(&self, path: &str, flags: OFlags, how: ResolveFlags) -> Option<Result<OwnedFd, Errno>> {
        if !self.has_openat2.load(Ordering::Relaxed) {
            return None;
        }
        // A rename elsewhere may disturb the look-up (EAGAIN): a few attempts, then by hand.
        for _ in 0..8 {
            match rustix::fs::openat2(&self.top, path, flags | OFlags::CLOEXEC, Mode::empty(), how) {
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                    self.has_openat2.store(false, Ordering::Relaxed);
                    return None;
                }
                other => return Some(other),
            }
        }
        None
    }

    /// Goes along a path by hand, component by component, and returns the folder it ends in, with the name there.
    /// Without a name the path leads to the folder itself.
    fn walk(&self, path: &str, last: Last, links: Links) -> Result<(Arc<Dir>, Option<Vec<u8>>), Stop> {
        let mut pending: Vec<Vec<u8>> = components(path.as_bytes()).rev().map(<[u8]>::to_vec).collect();
        // The folders that were entered, outermost first; an empty stack is the root.
        let mut stack: Vec<Level> = Vec::new();
        let mut followed = 0;
        while let Some(name) = pending.pop() {
            if name == b".." {
                stack.pop();
                continue;
            }
            let is_last = pending.is_empty();
            if is_last && last == Last::Keep {
                return Ok((self.entered(stack)?, Some(name)));
            }
            let here = stack.last().map_or(self.top.as_fd(), |level| level.fd.as_fd());
            let opened = rustix::fs::openat(here, OsStr::from_bytes(&name), COMPONENT, Mode::empty());
            let fd = match opened {
                Err(Errno::NOENT) if is_last => return Ok((self.entered(stack)?, Some(name))),
                other => other.map_err(|errno| Stop::in_stack(errno, &stack, &name))?,
            };
            let stat = rustix::fs::fstat(&fd).map_err(|errno| Stop::in_stack(errno, &stack, &name))?;
            match kind(&stat) {
                FileKind::Symlink => {
                    if links == Links::Trusted && !self.may_follow(&stack, &stat) {
                        let mut stop = Stop::in_stack(Errno::LOOP, &stack, &name);
                        stop.untrusted = true;
                        return Err(stop);
                    }
                    followed += 1;
                    let target = rustix::fs::readlinkat(&fd, c"", Vec::new())
                        .map_err(|errno| Stop::in_stack(errno, &stack, &name))?;
                    let target = target.as_bytes();
                    if followed > LINKS_MAX || pending.len() > 4096 {
                        return Err(Stop::in_stack(Errno::LOOP, &stack, &name));
                    }
                    if target.starts_with(b"/") {
                        stack.clear();
                    }
                    pending.extend(components(target).rev().map(<[u8]>::to_vec));
                }
                FileKind::Dir if !is_last => stack.push(Level { fd, name, stat }),
                _ if is_last => return Ok((self.entered(stack)?, Some(name))),
                _ => return Err(Stop::in_stack(Errno::NOTDIR, &stack, &name)),
            }
        }
        Ok((self.entered(stack)?, None))
    }

    /// Returns whether a link here is one that root has laid, or somebody who might as well be root.
    fn may_follow(&self, stack: &[Level], link: &Stat) -> bool {
        let trusted = |uid: u32| uid == 0 || uid == self.top_uid;
        let shared = stack.last().is_some_and(|level| level.stat.st_mode & 0o002 != 0);
        !self.privileged || (stack.iter().all(|l| trusted(l.stat.st_uid)) && (!shared || trusted(link.st_uid)))
    }

    fn entered(&self, stack: Vec<Level>) -> Result<Arc<Dir>, Stop> {
        let path = path_of(&stack);
        let here = stack.last().map_or(self.top.as_fd(), |level| level.fd.as_fd());
        Dir::open(here, c".".into(), path).map(Arc::new)
    }
}

impl Dir {
    fn of(fd: OwnedFd, path: String, stat: &Stat) -> Self {
        Self { fd, path, uid: stat.st_uid, gid: stat.st_gid, device: stat.st_dev }
    }

    fn open(parent: BorrowedFd<'_>, name: std::borrow::Cow<'_, std::ffi::CStr>, path: String) -> Result<Self, Stop> {
        let stop = |errno| Stop::new(errno, &path);
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(parent, &*name, DIR | flags, Mode::empty()) {
            // A folder that may be entered but not read; it cannot be synced, that is all.
            Err(Errno::ACCESS) => {
                rustix::fs::openat(parent, &*name, OFlags::PATH | OFlags::DIRECTORY | flags, Mode::empty())
            }
            other => other,
        }
        .map_err(stop)?;
        let stat = rustix::fs::fstat(&fd).map_err(stop)?;
        Ok(Self::of(fd, path, &stat))
    }

    fn below(&self, name: &[u8]) -> Result<Self, Stop> {
        let path = format!("{}/{}", self.path.trim_end_matches('/'), String::from_utf8_lossy(name));
        let name = std::ffi::CString::new(name).map_err(|_| Stop::new(Errno::INVAL, &path))?;
        Self::open(self.fd.as_fd(), name.into(), path)
    }
}

impl Place {
    /// Returns the name as the system takes it.
    pub(crate) fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.name)
    }

    /// Returns what is at the place, links not followed; `None` when nothing is.
    pub(crate) fn stat(&self) -> Answer<Option<Stat>> {
        match rustix::fs::statat(&self.dir.fd, self.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(at("look at", &self.path)(errno)),
        }
    }
}

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
const COMPONENT: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Which links are followed on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Any,
    Trusted,
}

struct Level {
    fd: OwnedFd,
    name: Vec<u8>,
    stat: Stat,
}

/// Where a walk ended early.
#[derive(Debug)]
struct Stop {
    errno: Errno,
    at: String,
    untrusted: bool,
}

impl Stop {
    fn new(errno: Errno, at: &str) -> Self {
        Self { errno, at: at.to_owned(), untrusted: false }
    }

    fn in_stack(errno: Errno, stack: &[Level], name: &[u8]) -> Self {
        let parent = path_of(stack);
        Self::new(errno, &format!("{}/{}", parent.trim_end_matches('/'), String::from_utf8_lossy(name)))
    }

    fn failure(self, path: &AbsPath) -> OpFailure {
        let Self { errno, at, untrusted } = self;
        if untrusted {
            let message = format!("`{path}`: `{at}` is a link in a folder that is not root's: it is not followed");
            return failure(FailureKind::Denied, message);
        }
        let kind = if errno == Errno::NOENT { FailureKind::NoParent } else { kind_of(&errno) };
        failure(kind, format!("open folder `{at}`: {}", text(errno)))
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".")
}

fn path_of(stack: &[Level]) -> String {
    if stack.is_empty() {
        return "/".into();
    }
    stack.iter().map(|level| format!("/{}", String::from_utf8_lossy(&level.name))).collect()
}
