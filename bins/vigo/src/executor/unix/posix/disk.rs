//! Names and disks.

use crate::executor::unix::metadata::{kind, number};
use crate::executor::unix::resolve::{Dir, Place};
use rustix::fd::AsFd;
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use vigo_core::action::FileKind;

/// Waits until a file is on disk. That of a Mac tells its disk only when asked in its own way, fsync(2) there.
pub(crate) fn fsync(fd: impl AsFd) -> Result<(), Errno> {
    #[cfg(target_os = "macos")]
    if rustix::fs::fcntl_fullfsync(fd.as_fd()).is_ok() {
        return Ok(());
    }
    rustix::fs::fsync(fd)
}

/// Begins to write all file systems: no call waits for one of them.
pub(crate) fn sync_system(_: &Dir) -> Result<(), Errno> {
    rustix::fs::sync();
    Ok(())
}

/// Returns what tells one mount from another: the device, and what the file system calls itself.
pub(crate) fn mount_of(fd: impl AsFd) -> (u64, u64) {
    let fd = fd.as_fd();
    let device = rustix::fs::fstat(fd).map_or(0, |stat| number(stat.st_dev));
    (device, rustix::fs::fstatvfs(fd).map_or(0, |fs| fs.f_fsid))
}

/// Moves the file of a name to its place in the same file system, where nothing is: what is there all the same stays, and is
/// answered by [`Errno::EXIST`]. A name more is given first, which says so itself.
pub(crate) fn rename_new(dir: &Dir, name: &OsStr, place: &Place) -> Result<(), Errno> {
    match rustix::fs::linkat(&dir.fd, name, &place.dir.fd, place.name(), AtFlags::empty()) {
        // The other name is gone at once: who looks in between sees one file twice.
        Ok(()) => rustix::fs::unlinkat(&dir.fd, name, AtFlags::empty()),
        Err(Errno::EXIST) => Err(Errno::EXIST),
        // Not every file system has second names.
        Err(_) => match rustix::fs::statat(&place.dir.fd, place.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => rustix::fs::renameat(&dir.fd, name, &place.dir.fd, place.name()),
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        },
    }
}

/// Removes a name that is no directory's. It is looked at first: root could remove that of a directory with all that is in
/// it, unlink(2) of illumos.
pub(crate) fn unlink(dir: impl AsFd, name: &CStr) -> Result<(), Errno> {
    match kind(&rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        FileKind::Dir => Err(Errno::ISDIR),
        _ => rustix::fs::unlinkat(dir, name, AtFlags::empty()),
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use crate::executor::unix::resolve::{Last, Place, Resolver};
    use crate::executor::unix::{linux, posix};
    use rustix::fd::AsFd as _;
    use rustix::fs::Mode;
    use rustix::io::Errno;
    use std::ffi::{CStr, CString, OsStr};
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
    use vigo_core::action::{AbsPath, FailureKind};

    /// A folder of its own for one test.
    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigo-posix-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            Self(dir.canonicalize().unwrap())
        }

        fn place(&self, name: &str) -> Place {
            let path = AbsPath::parse(self.0.join(name).to_str().unwrap()).unwrap();
            Resolver::new(None).unwrap().place(&path, Last::Keep).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_new_name_takes_nothings_place() {
        for (way, rename_new) in [("linux", linux::rename_new as fn(&_, &_, &_) -> _), ("posix", posix::rename_new)] {
            let t = Scratch::new(&format!("rename-{way}"));
            let place = t.place("f");
            fs::write(t.0.join("new"), "1").unwrap();
            assert_eq!(rename_new(&place.dir, OsStr::new("new"), &place), Ok(()), "{way}");
            assert_eq!(t.names(), ["f"], "{way}");
            fs::write(t.0.join("new"), "2").unwrap();
            assert_eq!(rename_new(&place.dir, OsStr::new("new"), &place), Err(Errno::EXIST), "{way}");
            assert_eq!(fs::read_to_string(t.0.join("f")).unwrap(), "1", "{way}");
            symlink("nowhere", t.0.join("l")).unwrap();
            assert_eq!(rename_new(&place.dir, OsStr::new("new"), &t.place("l")), Err(Errno::EXIST), "{way}");
            assert_eq!(t.names(), ["f", "l", "new"], "{way}");
        }
    }

    #[test]
    fn a_directory_is_not_unlinked() {
        let t = Scratch::new("unlink");
        fs::create_dir(t.0.join("d")).unwrap();
        let dir = t.place("d").dir.clone();
        for unlink in [linux::unlink as fn(_, &CStr) -> _, posix::unlink] {
            fs::write(t.0.join("f"), "").unwrap();
            symlink("d", t.0.join("l")).unwrap();
            let remove = |name: &str| unlink(dir.fd.as_fd(), &CString::new(name).unwrap());
            assert_eq!(remove("f"), Ok(()));
            assert_eq!(remove("l"), Ok(()));
            assert_eq!(remove("f"), Err(Errno::NOENT));
            assert!(matches!(remove("d"), Err(Errno::ISDIR | Errno::PERM)));
            assert_eq!(t.names(), ["d"]);
        }
    }

    #[test]
    fn mounts_differ_and_folders_of_one_do_not() {
        let at = |path: &str| rustix::fs::open(path, rustix::fs::OFlags::RDONLY, Mode::empty()).unwrap();
        for mount_of in [linux::mount_of as fn(_) -> _, posix::mount_of] {
            assert_eq!(mount_of(at("/")), mount_of(at("/etc")));
            assert_ne!(mount_of(at("/")), mount_of(at("/proc")));
        }
    }

    #[test]
    fn a_new_file_is_its_folders_owners() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let t = Scratch::new("owner");
        fs::create_dir(t.0.join("alice")).unwrap();
        lchown(t.0.join("alice"), Some(1000), Some(1001)).unwrap();
        for create in [linux::create, posix::create] {
            let temp = create(&t.place("alice/f"), Mode::from_raw_mode(0o640)).unwrap();
            let seen = fs::metadata(t.0.join("alice").join(temp.name())).unwrap();
            assert_eq!((seen.uid(), seen.gid(), seen.mode() & 0o777), (1000, 1001, 0o640));
            assert_eq!((temp.uid, temp.gid), (1000, 1001));
            let temp = create(&t.place("f"), Mode::from_raw_mode(0o640)).unwrap();
            assert_eq!((temp.uid, fs::metadata(t.0.join(temp.name())).unwrap().uid()), (0, 0));
        }
        assert_eq!(t.names(), ["alice"], "what was not kept is gone");
    }

    #[test]
    fn a_mode_is_never_set_through_a_link() {
        let t = Scratch::new("mode");
        fs::create_dir(t.0.join("d")).unwrap();
        fs::write(t.0.join("f"), "").unwrap();
        symlink("f", t.0.join("l")).unwrap();
        let mode = |name: &str| fs::metadata(t.0.join(name)).unwrap().permissions().mode() & 0o7777;
        for (set_mode, wanted) in [(linux::set_mode as fn(&_, _) -> _, 0o640), (posix::set_mode, 0o600)] {
            assert_eq!(set_mode(&t.place("f"), wanted), Ok(()));
            assert_eq!(set_mode(&t.place("d"), 0o1000 | wanted | 0o100), Ok(()));
            assert_eq!((mode("f"), mode("d")), (wanted, 0o1000 | wanted | 0o100));
            assert_eq!(set_mode(&t.place("l"), 0o777).map_err(|f| f.kind), Err(FailureKind::WrongKind));
            assert_eq!(mode("f"), wanted);
            assert!(set_mode(&t.place("none"), 0o777).is_err());
        }
    }
}
