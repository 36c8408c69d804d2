//! What lies where.

use super::{DataDirError, private};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A data directory that this process alone has.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    /// Held until the end: the system takes it back when the process dies.
    _lock: File,
}

/// Who has a data directory, as the file of its lock says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A server, until it is stopped.
    Server,
    /// A command that works while none runs, and ends by itself.
    Command,
}

impl DataDir {
    /// Takes a directory for a command, and makes what is not there yet.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] while another process has it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        Self::prepare(Self::take(path, Holder::Command)?)
    }

    /// Takes a directory for a server, and makes what is not there yet.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] while another process has it.
    pub fn serve(path: &Path) -> Result<Self, DataDirError> {
        Self::prepare(Self::take(path, Holder::Server)?)
    }

    fn prepare(dir: Self) -> Result<Self, DataDirError> {
        let root = &dir.root;
        // Keys lie in what a backup that was killed has laid aside.
        for passing in ["backup.new", "backup.look"].map(|name| root.join("run").join(name)) {
            match fs::remove_dir_all(&passing) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(DataDirError::file("remove", &passing)(e)),
                _ => {}
            }
        }
        for name in ["stacks", "db", "secrets", "blobs", "history"] {
            private::make_dir(&root.join(name))?;
        }
        // Others may have been let into what is edited; never into these, whoever made them.
        for name in ["db", "secrets", "run"] {
            private::tighten(&root.join(name))?;
        }
        let master = root.join("secrets").join(".master.key");
        if let Ok(file) = File::open(&master) {
            private::refuse_readable(&master, &file)?;
        }
        Ok(dir)
    }

    /// Takes a directory for a command, and makes nothing in it but the lock. A restore that was interrupted is ended.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] while another process has it.
    pub fn claim(path: &Path) -> Result<Self, DataDirError> {
        Self::take(path, Holder::Command)
    }

    fn take(path: &Path, holder: Holder) -> Result<Self, DataDirError> {
        private::make_dir(path)?;
        let root = fs::canonicalize(path).map_err(DataDirError::file("open", path))?;
        private::refuse_writable(&root)?;
        private::make_dir(&root.join("run"))?;
        let lock = lock(&root, holder)?;
        super::swap::finish(&root, &mut |_, _| Ok(()))?;
        Ok(Self { root, _lock: lock })
    }

    /// Returns whether there is a server's data in `path`, or some that a restore was about to put there.
    pub fn is_servers(path: &Path) -> bool {
        path.join("tls").join("keyset").exists() || Self::is_swapping(path)
    }

    /// Returns whether a restore in `path` is decided and not ended.
    pub fn is_swapping(path: &Path) -> bool {
        path.join(super::swap::JOURNAL).exists()
    }

    /// Returns its path, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where the policy is edited.
    pub fn stacks(&self) -> PathBuf {
        self.root.join("stacks")
    }

    /// Returns where the keys are.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// Returns the list of ids that never come back.
    pub fn revoked(&self) -> PathBuf {
        self.tls().join("revoked")
    }

    /// Returns where secrets are kept.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// Returns the socket of the local administrator.
    pub fn socket(&self) -> PathBuf {
        self.root.join("run").join("admin.sock")
    }

    /// Returns the server's configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("server.yaml")
    }

    /// Returns a path that the configuration names: relative ones lie in here.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Command => "command",
        })
    }
}

/// Takes the lock. It stands on a file that stays: one that is removed could be locked twice.
fn lock(root: &Path, holder: Holder) -> Result<File, DataDirError> {
    let path = root.join("run").join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(DataDirError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // For the message only.
            let _ = (&file).take(32).read_to_string(&mut text);
            let (pid, holder) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
            let holder = if holder == Holder::Server.to_string() { Holder::Server } else { Holder::Command };
            return Err(DataDirError::Locked { dir: root.to_owned(), pid: pid.parse().ok(), holder });
        }
        Err(TryLockError::Error(e)) => return Err(DataDirError::file("lock", &path)(e)),
    }
    let told =
        file.rewind().and_then(|()| file.set_len(0)).and_then(|()| writeln!(file, "{} {holder}", std::process::id()));
    told.map_err(DataDirError::file("write", &path))?;
    Ok(file)
}
