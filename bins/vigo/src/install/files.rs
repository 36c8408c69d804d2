//! Files of the installation, as each system has them.

#[cfg(unix)]
pub(super) use unix::{environment, is_as_wanted, link, nameless, place, remove, set_mode};
#[cfg(windows)]
pub(super) use windows::{environment, is_as_wanted, link, nameless, place, remove, set_mode};

#[cfg(unix)]
mod unix {
    use std::fs::{self, File, Metadata};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    /// Returns whether it is a file of this mode.
    pub(crate) fn is_as_wanted(meta: &Metadata, mode: u32) -> bool {
        meta.is_file() && meta.permissions().mode() & 0o7777 == mode
    }

    pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(fs::Permissions::from_mode(mode))
    }

    /// Moves a new file to its place, durably.
    pub(crate) fn place(fresh: &Path, path: &Path) -> io::Result<()> {
        fs::rename(fresh, path)?;
        File::open(path.parent().unwrap_or(path))?.sync_all()
    }

    pub(crate) fn link(path: &Path, to: &str) -> io::Result<bool> {
        if fs::read_link(path).is_ok_and(|old| old == Path::new(to)) {
            return Ok(false);
        }
        remove(path)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        symlink(to, path).map(|()| true)
    }

    pub(crate) fn remove(path: &Path) -> io::Result<bool> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Gives a program an environment of our making.
    pub(crate) fn environment(command: &mut Command) {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.env_clear().current_dir("/").env("PATH", path).env("LC_ALL", "C");
    }

    /// Returns a file without a name, in memory.
    #[cfg(any(target_os = "linux", target_os = "freebsd"))]
    pub(crate) fn nameless() -> io::Result<File> {
        let fd = rustix::fs::memfd_create("vigo-said", rustix::fs::MemfdFlags::CLOEXEC)?;
        Ok(File::from(fd))
    }

    /// Returns a file whose name is gone already.
    #[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
    pub(crate) fn nameless() -> io::Result<File> {
        let path = std::env::temp_dir().join(format!("vigo-said-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let file = crate::state::new_file(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

#[cfg(windows)]
mod windows {
    use std::fs::{self, File, Metadata};
    use std::io::{self, ErrorKind};
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_DELETE_ON_CLOSE;

    /// Returns whether it is a file: there are no modes.
    pub(crate) fn is_as_wanted(meta: &Metadata, _mode: u32) -> bool {
        meta.is_file()
    }

    pub(crate) fn set_mode(_: &File, _mode: u32) -> io::Result<()> {
        Ok(())
    }

    /// Moves a new file to its place. What cannot be replaced, as a program that runs, is moved aside: there is a whole file
    /// at every moment but that one, and after a failure it is the old one.
    pub(crate) fn place(fresh: &Path, path: &Path) -> io::Result<()> {
        let Err(refused) = fs::rename(fresh, path) else { return Ok(()) };
        let Ok(aside) = move_aside(path) else { return Err(refused) };
        if let Err(error) = fs::rename(fresh, path) {
            let _ = fs::rename(&aside, path);
            return Err(error);
        }
        // The new one is in its place: what is left of the old one is in nobody's way.
        if fs::remove_file(&aside).is_err() {
            let _ = crate::windows::remove_at_boot(&aside);
        }
        Ok(())
    }

    /// Gives a file another name, under which it is removed later.
    fn move_aside(path: &Path) -> io::Result<PathBuf> {
        let aside = path.with_extension(format!("old-{}", std::process::id()));
        fs::rename(path, &aside).map(|()| aside)
    }

    pub(crate) fn link(_: &Path, _: &str) -> io::Result<bool> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Removes a file. That of a program which runs goes at the next boot, and until then has another name.
    pub(crate) fn remove(path: &Path) -> io::Result<bool> {
        let error = match fs::remove_file(path) {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::NotFound => Ok(false),
            ErrorKind::PermissionDenied => crate::windows::remove_at_boot(&move_aside(path)?).map(|()| true),
            _ => Err(error),
        }
    }

    /// Gives a program a folder that is there.
    pub(crate) fn environment(command: &mut Command) {
        command.current_dir(crate::windows::folder("SystemRoot", "C:\\Windows"));
    }

    /// Returns a file that is gone when it is closed.
    pub(crate) fn nameless() -> io::Result<File> {
        let path = std::env::temp_dir().join(format!("vigo-said-{}", std::process::id()));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        options.open(path)
    }
}
