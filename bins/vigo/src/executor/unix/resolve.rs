//! Where a path leads: below the root, and through no link that somebody other than root could have laid.

use super::fault::kind_of;
use super::kernel::{self, AtOnce};
use super::metadata::{kind, link_target, metadata, number};
use super::open::openat;
use crate::executor::failure::{Answer, at, failure, text};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::action::{AbsPath, FailureKind, FileKind, Metadata, OpFailure};

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
    /// Resolves whole paths, where the kernel can.
    at_once: AtOnce,
    /// Looks at a component where it cannot.
    component: fn(BorrowedFd<'_>, &OsStr) -> Result<Component, Errno>,
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
        let flags = kernel::ENTER | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(image.as_deref().unwrap_or(Path::new("/")), flags, Mode::empty())?;
        let top_uid = rustix::fs::fstat(&top)?.st_uid;
        let privileged = rustix::process::geteuid().is_root();
        let (at_once, component) = (AtOnce::new(), kernel::component);
        Ok(Self { top, top_uid, image, privileged, at_once, component, last: None })
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
            return openat(CWD, path.as_str(), flags, Mode::empty());
        }
        if let Some(opened) = self.at_once.open(&self.top, path.as_str(), flags, Links::Any) {
            return opened;
        }
        match self.walk(path.as_str(), last, Links::Any).map_err(|stop| stop.errno)? {
            (dir, Some(name)) => openat(&dir.fd, OsStr::from_bytes(&name), flags | OFlags::NOFOLLOW, Mode::empty()),
            (dir, None) => openat(&dir.fd, c".", flags, Mode::empty()),
        }
    }

    /// Looks at what a path leads to.
    #[cfg(target_os = "linux")]
    pub(crate) fn itself(&self, path: &AbsPath, last: Last) -> Result<Metadata, Errno> {
        let fd = self.open(path, kernel::LOOK, last)?;
        let mut meta = metadata(&rustix::fs::fstat(&fd)?);
        if meta.kind == FileKind::Symlink {
            meta.target = link_target(&fd, "");
        }
        meta.context = kernel::context(&fd);
        Ok(meta)
    }

    /// Looks at what a path leads to.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn itself(&self, path: &AbsPath, last: Last) -> Result<Metadata, Errno> {
        self.itself_by_hand(path, last)
    }

    /// Looks at what a path leads to without opening it: what is there may not be opened, and some of it not harmlessly.
    #[cfg(any(test, not(target_os = "linux")))]
    fn itself_by_hand(&self, path: &AbsPath, last: Last) -> Result<Metadata, Errno> {
        let (dir, name) = self.walk(path.as_str(), last, Links::Any).map_err(|stop| stop.errno)?;
        let Some(name) = name else { return Ok(metadata(&rustix::fs::fstat(&dir.fd)?)) };
        let name = OsStr::from_bytes(&name);
        let mut meta = metadata(&rustix::fs::statat(&dir.fd, name, AtFlags::SYMLINK_NOFOLLOW)?);
        if meta.kind == FileKind::Symlink {
            meta.target = link_target(&dir.fd, name);
        }
        Ok(meta)
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
        let dir = match self.at_once.open(&self.top, path.as_str(), DIR, Links::Trusted) {
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
            let component = match (self.component)(here, OsStr::from_bytes(&name)) {
                Err(Errno::NOENT) if is_last => return Ok((self.entered(stack)?, Some(name))),
                other => other.map_err(|errno| Stop::in_stack(errno, &stack, &name))?,
            };
            match component {
                Component::Link { stat, target } => {
                    if links == Links::Trusted && !self.may_follow(&stack, &stat) {
                        let mut stop = Stop::in_stack(Errno::LOOP, &stack, &name);
                        stop.untrusted = true;
                        return Err(stop);
                    }
                    followed += 1;
                    let target = target.as_bytes();
                    if followed > LINKS_MAX || pending.len() > 4096 {
                        return Err(Stop::in_stack(Errno::LOOP, &stack, &name));
                    }
                    if target.starts_with(b"/") {
                        stack.clear();
                    }
                    pending.extend(components(target).rev().map(<[u8]>::to_vec));
                }
                Component::Dir { fd, stat } if !is_last => stack.push(Level { fd, name, stat }),
                _ if is_last => return Ok((self.entered(stack)?, Some(name))),
                _ => return Err(Stop::in_stack(Errno::NOTDIR, &stack, &name)),
            }
        }
        Ok((self.entered(stack)?, None))
    }

    /// Returns whether a link here is one that root has laid, or somebody who might as well be root. In a folder where
    /// others write it is theirs to replace, unless the folder is sticky.
    fn may_follow(&self, stack: &[Level], link: &Stat) -> bool {
        let trusted = |uid: u32| uid == 0 || uid == self.top_uid;
        let is_laid = match stack.last().map_or(0, |level| level.stat.st_mode & 0o1002) {
            0o1002 => trusted(link.st_uid),
            0o002 => false,
            _ => true,
        };
        !self.privileged || (is_laid && stack.iter().all(|l| trusted(l.stat.st_uid)))
    }

    fn entered(&self, stack: Vec<Level>) -> Result<Arc<Dir>, Stop> {
        let path = path_of(&stack);
        let here = stack.last().map_or(self.top.as_fd(), |level| level.fd.as_fd());
        Dir::open(here, c".".into(), path).map(Arc::new)
    }
}

impl Dir {
    fn of(fd: OwnedFd, path: String, stat: &Stat) -> Self {
        Self { fd, path, uid: stat.st_uid, gid: stat.st_gid, device: number(stat.st_dev) }
    }

    fn open(parent: BorrowedFd<'_>, name: std::borrow::Cow<'_, std::ffi::CStr>, path: String) -> Result<Self, Stop> {
        let stop = |errno| Stop::new(errno, &path);
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(parent, &*name, DIR | flags, Mode::empty()) {
            // A folder that may be entered but not read; it cannot be synced, that is all.
            Err(Errno::ACCESS) => {
                rustix::fs::openat(parent, &*name, kernel::ENTER | OFlags::DIRECTORY | flags, Mode::empty())
            }
            other => other,
        }
        .map_err(stop)?;
        let stat = rustix::fs::fstat(&fd).map_err(stop)?;
        Ok(Self::of(fd, path, &stat))
    }

    fn below(&self, name: &[u8]) -> Result<Self, Stop> {
        let path = format!("{}/{}", self.path.trim_end_matches('/'), String::from_utf8_lossy(name));
        let name = CString::new(name).map_err(|_| Stop::new(Errno::INVAL, &path))?;
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

/// Which links are followed on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Links {
    Any,
    Trusted,
}

/// What a component of a path is.
#[derive(Debug)]
pub(crate) enum Component {
    Dir { fd: OwnedFd, stat: Stat },
    Link { stat: Stat, target: CString },
    Other,
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

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::unix::posix;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    /// An image, in a folder of its own for one test.
    struct Image(PathBuf);

    impl Image {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigo-resolve-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("image")).unwrap();
            Self(dir.canonicalize().unwrap())
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.join("image").join(path)
        }

        fn folder(&self, path: &str, mode: u32, uid: u32) {
            fs::create_dir_all(self.at(path)).unwrap();
            fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
            lchown(self.at(path), Some(uid), Some(uid)).unwrap();
        }

        fn link(&self, path: &str, to: &str, uid: u32) {
            symlink(to, self.at(path)).unwrap();
            lchown(self.at(path), Some(uid), Some(uid)).unwrap();
        }

        /// Returns each way to resolve: with the kernel's help, with descriptors of paths, and as every unix can.
        fn resolvers(&self) -> [(&'static str, Resolver); 3] {
            let new = || Resolver::new(Some(self.at(""))).unwrap();
            let by_hand = |component| Resolver { at_once: AtOnce::never(), component, ..new() };
            [
                ("at once", new()),
                ("by hand on Linux", by_hand(kernel::component)),
                ("by hand everywhere", by_hand(posix::component)),
            ]
        }
    }

    impl Drop for Image {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn abs(path: &str) -> AbsPath {
        AbsPath::parse(path).unwrap()
    }

    #[test]
    fn changes_go_through_no_link_that_another_could_have_laid() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let image = Image::new("links");
        for (path, mode, uid) in [
            ("etc", 0o755, 0),
            ("tmp", 0o1777, 0),
            ("tmp/alices", 0o755, 1000),
            ("open", 0o777, 0),
            ("home/alice", 0o755, 1000),
            ("home/alice/d", 0o755, 1000),
        ] {
            image.folder(path, mode, uid);
        }
        for (path, to, uid) in [
            ("conf", "/etc", 0),
            ("far", "../../../etc", 0),
            ("one", "two", 0),
            ("two", "one", 0),
            ("dangling", "/none", 0),
            ("file", "/etc/hosts", 0),
            ("tmp/roots", "/etc", 0),
            ("tmp/others", "/etc", 1000),
            ("tmp/hosts", "/etc/hosts", 1000),
            ("open/roots", "/etc", 0),
            ("home/alice/conf", "/etc", 1000),
            ("home/alice/roots", "/etc", 0),
            ("etc/back", "../home/alice/roots", 0),
        ] {
            image.link(path, to, uid);
        }
        for n in 0..=LINKS_MAX {
            image.link(&format!("etc/chain{n}"), &format!("chain{}", n + 1), 0);
        }
        fs::write(image.at("etc/hosts"), "").unwrap();
        rustix::fs::mknodat(CWD, image.at("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        use FailureKind::{Denied, NoParent, WrongKind};
        let cases = [
            ("/etc/x", Last::Keep, Ok("/etc/x")),
            ("/conf/x", Last::Keep, Ok("/etc/x")),
            ("/far/x", Last::Keep, Ok("/etc/x")),
            ("/tmp/roots/x", Last::Keep, Ok("/etc/x")),
            ("/tmp/others/x", Last::Keep, Err(Denied)),
            ("/tmp/alices/x", Last::Keep, Ok("/tmp/alices/x")),
            ("/open/roots/x", Last::Keep, Err(Denied)),
            ("/home/alice/d/x", Last::Keep, Ok("/home/alice/d/x")),
            ("/home/alice/conf/x", Last::Keep, Err(Denied)),
            ("/home/alice/roots/x", Last::Keep, Err(Denied)),
            ("/etc/back/x", Last::Keep, Err(Denied)),
            ("/one/x", Last::Keep, Err(WrongKind)),
            ("/etc/chain0/x", Last::Keep, Err(WrongKind)),
            ("/etc/hosts/x", Last::Keep, Err(WrongKind)),
            ("/file/x", Last::Keep, Err(WrongKind)),
            ("/pipe/x", Last::Keep, Err(WrongKind)),
            ("/none/x", Last::Keep, Err(NoParent)),
            ("/dangling/x", Last::Keep, Err(NoParent)),
            ("/file", Last::Keep, Ok("/file")),
            ("/file", Last::Follow, Ok("/etc/hosts")),
            ("/tmp/hosts", Last::Keep, Ok("/tmp/hosts")),
            ("/tmp/hosts", Last::Follow, Err(Denied)),
            ("/pipe", Last::Follow, Ok("/pipe")),
        ];
        for (way, mut resolver) in image.resolvers() {
            for (path, last, expected) in &cases {
                resolver.forget();
                let seen = resolver.place(&abs(path), *last).map(|place| place.path.as_str().to_owned());
                let seen = seen.as_deref().map_err(|failure| failure.kind);
                assert_eq!(seen, *expected, "{path}, {last:?}, {way}");
            }
        }
    }

    #[test]
    fn what_is_there_is_seen_within_the_image_and_not_opened() {
        let image = Image::new("itself");
        fs::create_dir_all(image.at("etc")).unwrap();
        fs::write(image.at("etc/hosts"), "four").unwrap();
        fs::write(image.0.join("outside"), "").unwrap();
        symlink(image.0.join("outside"), image.at("etc/absolute")).unwrap();
        symlink("../../../outside", image.at("etc/dots")).unwrap();
        symlink("/etc", image.at("conf")).unwrap();
        rustix::fs::mknodat(CWD, image.at("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        use FileKind::{Dir, File, Other, Symlink};
        let cases = [
            ("/", Last::Follow, Some(Dir)),
            ("/etc", Last::Keep, Some(Dir)),
            ("/conf", Last::Keep, Some(Symlink)),
            ("/conf", Last::Follow, Some(Dir)),
            ("/conf/hosts", Last::Keep, Some(File)),
            ("/pipe", Last::Follow, Some(Other)),
            ("/etc/absolute", Last::Follow, None),
            ("/etc/dots", Last::Follow, None),
            ("/etc/dots", Last::Keep, Some(Symlink)),
            ("/etc/hosts/x", Last::Keep, None),
        ];
        for (way, resolver) in image.resolvers() {
            for (path, last, expected) in &cases {
                let seen = resolver.itself_by_hand(&abs(path), *last).ok();
                assert_eq!(seen.as_ref().map(|meta| meta.kind), *expected, "{path}, {last:?}, {way}");
                assert_eq!(seen, resolver.itself(&abs(path), *last).ok(), "{path}, {last:?}, {way}");
            }
            let opened = resolver.open(&abs("/etc/dots"), OFlags::RDONLY, Last::Follow);
            assert_eq!(opened.map(drop), Err(Errno::NOENT), "{way}");
            let opened = resolver.open(&abs("/conf"), OFlags::RDONLY, Last::Keep);
            assert_eq!(opened.map(drop), Err(Errno::LOOP), "{way}");
        }
    }

    #[test]
    fn a_folder_that_becomes_a_link_meanwhile_is_one_or_the_other() {
        let image = Image::new("race");
        for folder in ["d", "elsewhere"] {
            fs::create_dir(image.at(folder)).unwrap();
        }
        symlink("elsewhere", image.at("l")).unwrap();
        let inode = rustix::fs::stat(image.at("d")).unwrap().st_ino;
        let top = rustix::fs::open(image.at(""), DIR | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    rustix::fs::renameat_with(&top, "d", &top, "l", exchange).unwrap();
                }
            });
            for component in [kernel::component, posix::component] {
                for _ in 0..2000 {
                    match component(top.as_fd(), OsStr::new("d")) {
                        Ok(Component::Dir { stat, .. }) => assert_eq!(stat.st_ino, inode, "the link was followed"),
                        Ok(Component::Link { target, .. }) => assert_eq!(target.as_bytes(), b"elsewhere"),
                        // It was the link at the first look, and the folder at the next.
                        Err(errno) => assert!(matches!(errno, Errno::NOTDIR | Errno::LOOP | Errno::INVAL), "{errno}"),
                        Ok(Component::Other) => panic!("there is nothing else"),
                    }
                }
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
