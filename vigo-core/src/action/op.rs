//! The closed set of operations that an executor performs.

use super::{AbsPath, Command, Effect};
use crate::value::Text;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// One primitive operation on a managed machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Runs a program.
    Run(Command),
    /// Reads a whole file; answers [`super::OpOutput::File`], with the metadata of the same open.
    ReadFile {
        /// The file.
        path: AbsPath,
        /// Whether a link at the path is followed; otherwise a link is answered as metadata alone.
        follow: bool,
        /// A larger file is a failure (`TooLarge`).
        bytes_max: u64,
    },
    /// Hashes a file; answers [`super::OpOutput::Hash`], with the metadata of the same open. What is no regular file is
    /// answered by [`super::OpOutput::Stat`].
    HashFile {
        /// The file.
        path: AbsPath,
        /// Whether a link at the path is followed.
        follow: bool,
    },
    /// Reads metadata; answers [`super::OpOutput::Stat`].
    Stat {
        /// The path.
        path: AbsPath,
        /// Whether a link at the path is followed.
        follow: bool,
    },
    /// Lists a directory, or with `deep` the whole tree on one file system, links not followed; answers
    /// [`super::OpOutput::Dir`], sorted by name.
    ListDir {
        /// The directory.
        path: AbsPath,
        /// Whether to descend.
        deep: bool,
        /// More entries than this are a failure (`TooLarge`).
        entries_max: usize,
    },
    /// Asks a file system for its size and what is free; answers [`super::OpOutput::Space`].
    Space {
        /// A path on it.
        path: AbsPath,
    },
    /// Asks the system for an account that its own files do not have: one of a directory service, such as all people of a
    /// Mac. Answers [`super::OpOutput::Bytes`], the line that passwd(5) or group(5) would have, and
    /// [`super::OpOutput::Missing`] where there is none, where the files have it, and below another root than the system's.
    Account {
        /// Whether a user or a group is meant.
        kind: AccountKind,
        /// The name.
        name: Arc<str>,
    },
    /// Reads what is behind a URL, over https, following at most 5 redirects; answers [`super::OpOutput::Bytes`].
    ReadUrl {
        /// `https://…`
        url: Arc<str>,
        /// More than this is a failure (`TooLarge`).
        bytes_max: u64,
    },
    /// Downloads over https into a staged file and compares its digest.
    Fetch {
        /// `https://…`
        url: Arc<str>,
        /// The expected SHA-256.
        sha256: [u8; 32],
        /// Name of the staged file for [`Content::Staged`].
        staged: StagedId,
    },
    /// Makes a file, or replaces its content, in one rename.
    ReplaceFile(Replace),
    /// Makes a directory.
    MakeDir {
        /// The directory.
        path: AbsPath,
        /// Permission bits.
        mode: u32,
        /// Owner.
        owner: Owner,
        /// Whether missing parents are made too, 0755 and root's.
        parents: bool,
    },
    /// Makes a symbolic link, replacing a link (or, with `force`, a file or empty directory) at the path by rename.
    Symlink {
        /// Where the link is.
        path: AbsPath,
        /// What it says; need not exist.
        to: Arc<str>,
        /// Owner of the link itself.
        owner: Owner,
        /// Whether something that is no link is replaced.
        force: bool,
    },
    /// Makes a hard link, replacing a file (or empty directory) at the path by rename when `force`.
    HardLink {
        /// Where the link is.
        path: AbsPath,
        /// The file to link to.
        to: AbsPath,
        /// Whether something at the path is replaced.
        force: bool,
    },
    /// Removes a file, link or empty directory; with `recursive` a whole tree, not crossing mounts or links.
    /// A path that is not there is a success.
    Remove {
        /// The path.
        path: AbsPath,
        /// Whether a directory's content goes too.
        recursive: bool,
    },
    /// Renames, replacing what is at `to`.
    Rename {
        /// From.
        from: AbsPath,
        /// To; on the same file system.
        to: AbsPath,
    },
    /// Sets owner and group.
    SetOwner {
        /// The path.
        path: AbsPath,
        /// The new owner.
        owner: Owner,
        /// Whether a link at the path is followed.
        follow: bool,
    },
    /// Sets permission bits; a link at the path is a failure.
    SetMode {
        /// The path.
        path: AbsPath,
        /// Permission bits, `0o7777` at most.
        mode: u32,
    },
    /// Sets the SELinux context.
    SetContext {
        /// The path.
        path: AbsPath,
        /// The full context.
        context: Arc<str>,
    },
    /// Sends a signal to a process, if it is still the one that was observed.
    Signal {
        /// Process id.
        pid: u32,
        /// Start time of the process as its probe read it (L: field 22 of `/proc/PID/stat`); 0 is not compared.
        start_time: u64,
        /// Signal name without `SIG`.
        signal: Arc<str>,
    },
}

/// A file's new content and metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replace {
    /// The file.
    pub path: AbsPath,
    /// What goes into it.
    pub content: Content,
    /// Permission bits; `None` keeps the old file's, or 0644 (0600 for a secret) for a new one.
    pub mode: Option<u32>,
    /// Owner; what is `None` is kept from the old file.
    pub owner: Owner,
    /// SELinux context; `None` keeps the old file's.
    pub context: Option<Arc<str>>,
    /// What must be at the path, or the operation is refused (`Changed`).
    pub expect: Expect,
    /// A check of the new content before it takes the file's place.
    pub validate: Option<Validate>,
    /// Suffix of a copy of the old file that is kept beside it; `{epoch}` in it stands for the seconds since 1970.
    pub backup: Option<Arc<str>>,
    /// Whether a link at the path is followed (else replaced).
    pub follow: bool,
    /// Whether missing parents are made, 0755.
    pub parents: bool,
}

/// Where a file's new content comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// This text, which may hold a secret.
    Text(Text),
    /// A file that [`Op::Fetch`] staged in the same batch of operations.
    Staged(StagedId),
    /// A copy of another file of the machine, which must have this SHA-256.
    Copy {
        /// The file to copy.
        from: AbsPath,
        /// Its digest when it was observed.
        sha256: [u8; 32],
    },
}

/// What must be at a path for a replacement to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Nothing is compared.
    Anything,
    /// The path does not exist.
    Missing,
    /// A file with this SHA-256.
    Digest([u8; 32]),
}

/// A command that must exit 0 before a replacement takes place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Validate {
    /// A program with its arguments, in which the argument `%` stands for the new file's path;
    /// or for an operator's text, `sh -c TEXT` with `%` replaced in it and `%%` a percent sign.
    pub command: Command,
}

/// A user and group, as numbers; `None` leaves it alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Owner {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
}

/// What a name is the name of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AccountKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
        })
    }
}

/// Name of a staged file within one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StagedId(pub u32);

impl Replace {
    /// Returns the replacement of a file that is followed where it is a link, and keeps its mode, owner and context.
    pub fn kept(path: AbsPath, content: Content, expect: Expect) -> Self {
        Self {
            path,
            content,
            mode: None,
            owner: Owner::default(),
            context: None,
            expect,
            validate: None,
            backup: None,
            follow: true,
            parents: false,
        }
    }
}

impl Expect {
    /// Returns that a file with exactly this content must be at the path.
    pub fn content(bytes: &[u8]) -> Self {
        Self::Digest(Sha256::digest(bytes).into())
    }
}

impl Content {
    /// Returns the bytes, where they are known without the machine.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(b) => Some(b),
            Self::Text(t) => Some(t.as_str().as_bytes()),
            Self::Staged(_) | Self::Copy { .. } => None,
        }
    }

    /// Returns the secret that went into the content.
    pub fn secret_path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(t) => t.secret_path(),
            _ => None,
        }
    }
}

impl Op {
    /// Returns whether the operation changes the machine or only looks.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Run(c) => c.effect,
            Self::ReadFile { .. }
            | Self::HashFile { .. }
            | Self::Stat { .. }
            | Self::ListDir { .. }
            | Self::Space { .. }
            | Self::Account { .. }
            | Self::ReadUrl { .. } => Effect::Reads,
            _ => Effect::Changes,
        }
    }

    /// Returns a read of the metadata at `path`, links not followed.
    pub fn stat(path: &AbsPath) -> Self {
        Self::Stat { path: path.clone(), follow: false }
    }

    /// Returns a read of the whole file at `path`, links followed, 16 MiB at most.
    pub fn read_file(path: &AbsPath) -> Self {
        Self::ReadFile { path: path.clone(), follow: true, bytes_max: 16 << 20 }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(b) => write!(f, "{} bytes", b.len()),
            Self::Text(t) => fmt::Debug::fmt(t, f),
            Self::Staged(id) => write!(f, "staged {}", id.0),
            Self::Copy { from, .. } => write!(f, "copy of {from}"),
        }
    }
}

impl fmt::Display for Op {
    /// Prints the operation as a plan shows it: one line, secrets masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(c) => {
                if let Some(user) = &c.user {
                    write!(f, "as {user}: ")?;
                }
                f.write_str(&c.program)?;
                for a in &c.args {
                    f.write_str(" ")?;
                    match a.secret_path() {
                        Some(path) => write!(f, "«secret {path}»")?,
                        None => f.write_str(&shown_argument(a.as_str()))?,
                    }
                }
                if c.background {
                    f.write_str(" &")?;
                }
                Ok(())
            }
            Self::ReadFile { path, .. } => write!(f, "read {path}"),
            Self::HashFile { path, .. } => write!(f, "hash {path}"),
            Self::Stat { path, .. } => write!(f, "stat {path}"),
            Self::ListDir { path, .. } => write!(f, "list {path}"),
            Self::Space { path } => write!(f, "space of {path}"),
            Self::Account { kind, name } => write!(f, "ask for {kind} {name}"),
            Self::ReadUrl { url, .. } => write!(f, "read {url}"),
            Self::Fetch { url, .. } => write!(f, "fetch {url}"),
            Self::ReplaceFile(r) => {
                write!(f, "write {}", r.path)?;
                if let Some(bytes) = r.content.bytes() {
                    write!(f, " ({} bytes)", bytes.len())?;
                }
                if let Some(mode) = r.mode {
                    write!(f, " mode {mode:04o}")?;
                }
                shown_owner(f, r.owner)
            }
            Self::MakeDir { path, mode, owner, .. } => {
                write!(f, "mkdir {path} mode {mode:04o}")?;
                shown_owner(f, *owner)
            }
            Self::Symlink { path, to, .. } => write!(f, "symlink {path} -> {to}"),
            Self::HardLink { path, to, .. } => write!(f, "hardlink {path} -> {to}"),
            Self::Remove { path, recursive: false } => write!(f, "remove {path}"),
            Self::Remove { path, recursive: true } => write!(f, "remove tree {path}"),
            Self::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Self::SetOwner { path, owner, .. } => {
                write!(f, "chown {path}")?;
                shown_owner(f, *owner)
            }
            Self::SetMode { path, mode } => write!(f, "chmod {mode:04o} {path}"),
            Self::SetContext { path, context } => write!(f, "chcon {context} {path}"),
            Self::Signal { pid, signal, .. } => write!(f, "signal {signal} to {pid}"),
        }
    }
}

fn shown_owner(f: &mut fmt::Formatter<'_>, owner: Owner) -> fmt::Result {
    if let Some(uid) = owner.uid {
        write!(f, " uid {uid}")?;
    }
    if let Some(gid) = owner.gid {
        write!(f, " gid {gid}")?;
    }
    Ok(())
}

/// Quotes an argument as a POSIX shell would read it back.
fn shown_argument(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        return arg.into();
    }
    alloc::format!("'{}'", arg.replace('\'', "'\\''").replace('\n', "\\n"))
}
