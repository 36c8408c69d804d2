//! What an executor answers.

use super::{AbsPath, Op};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The answer to one [`Op`].
#[derive(Clone, PartialEq, Debug)]
pub enum OpOutput {
    /// A command ended (whatever its exit code, when it only reads; with an accepted one, when it changes).
    Ran(Ran),
    /// A file's content with the metadata of the same open.
    File {
        /// Metadata of the open file.
        meta: Metadata,
        /// The whole content.
        content: Arc<[u8]>,
    },
    /// A file's digest with the metadata of the same open.
    Hash {
        /// Metadata of the open file.
        meta: Metadata,
        /// SHA-256 of the whole content.
        sha256: [u8; 32],
    },
    /// Metadata; also the answer to a read of what is no regular file.
    Stat(Metadata),
    /// A directory's entries, sorted by path.
    Dir(Vec<Entry>),
    /// What a URL holds.
    Bytes(Arc<[u8]>),
    /// What a file system holds.
    Space(Space),
    /// Nothing is at the path.
    Missing,
    /// A change was made.
    Done,
    /// A file has its new content, but in place: the system refused the rename. A reader may have seen half of it.
    DoneInPlace,
    /// The operation did not happen, or not whole.
    Failed(OpFailure),
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Exit code or signal.
    pub exit: Exit,
    /// Standard output, cut at the command's bound.
    pub stdout: Vec<u8>,
    /// Standard error, cut likewise.
    pub stderr: Vec<u8>,
    /// Whether one of the streams was cut.
    pub truncated: bool,
}

/// The way a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A device, socket or pipe.
    Other,
}

/// A path's metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Last modification, milliseconds since 1970.
    pub mtime_ms: i64,
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Hard links.
    pub nlink: u64,
    /// What a symbolic link says.
    pub target: Option<Arc<str>>,
    /// SELinux context, where there is one.
    pub context: Option<Arc<str>>,
}

impl Metadata {
    /// Returns what stays while nobody changes it: no times, no sizes, no numbers of the file system.
    pub fn lasting(&self) -> impl fmt::Debug {
        (self.kind, self.mode, self.uid, self.gid, self.target.clone(), self.context.clone())
    }
}

/// Size of a file system, and what is free on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Bytes in all.
    pub size_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Bytes that are free for others than root.
    pub available_bytes: u64,
    /// Files that it can hold; 0 where there is no such bound.
    pub inodes: u64,
    /// Files that it can still take.
    pub inodes_free: u64,
}

/// An entry of a listed directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Path relative to the listed directory.
    pub path: Arc<str>,
    /// Its metadata, links not followed.
    pub meta: Metadata,
}

/// Why an operation failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpFailure {
    /// The kind, which decides between `Failed` and `Blocked`.
    pub kind: FailureKind,
    /// A fragment for people: what was tried and what the system said.
    pub message: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// A command exited with a code that is no success.
    Exit,
    /// The program does not exist.
    NoProgram,
    /// The deadline passed.
    TimedOut,
    /// The file is not what it was when it was observed.
    Changed,
    /// The check of the new content said no.
    Invalid,
    /// Permission denied.
    Denied,
    /// A file is larger, or a listing longer, than its bound.
    TooLarge,
    /// What is at the path is of another kind than the operation needs.
    WrongKind,
    /// A parent directory is missing.
    NoParent,
    /// An account does not exist.
    NoUser,
    /// No space, quota exceeded. Counts as *blocked*.
    NoSpace,
    /// Read-only file system. Counts as *blocked*.
    ReadOnly,
    /// A host could not be reached. Counts as *blocked*.
    Unreachable,
    /// In a plan: it is made by what comes before, and what will be in it cannot be known.
    Unmade,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// Returns whether the machine, not the policy, is in the way.
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::NoSpace | Self::ReadOnly | Self::Unreachable)
    }
}

impl fmt::Display for OpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Ran {
    /// Returns whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// Returns the exit code; `None` after a signal.
    pub fn code(&self) -> Option<i32> {
        match self.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) => None,
        }
    }

    /// Returns standard output as text; what is not UTF-8 is replaced.
    pub fn out(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Returns standard error as text; what is not UTF-8 is replaced.
    pub fn err(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }
}

/// The operations of an observation with their answers, oldest first, over all its rounds.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    items: Vec<(Arc<Op>, Arc<OpOutput>)>,
}

impl Outputs {
    /// Adds an answer.
    pub fn push(&mut self, op: impl Into<Arc<Op>>, output: Arc<OpOutput>) {
        self.items.push((op.into(), output));
    }

    /// Returns all answers, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Op, &OpOutput)> {
        self.items.iter().map(|(op, out)| (&**op, &**out))
    }

    /// Returns all answers, oldest first, to be shared.
    pub fn arcs(&self) -> impl Iterator<Item = (&Op, &Arc<OpOutput>)> {
        self.items.iter().map(|(op, out)| (&**op, out))
    }

    /// Returns how many answers there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the newest answer to `op`.
    pub fn get(&self, op: &Op) -> Option<&OpOutput> {
        self.iter().rev().find(|(o, _)| *o == op).map(|(_, out)| out)
    }

    /// Returns the newest answer to a file operation (read, hash, stat, list) on `path`.
    pub fn path(&self, path: &AbsPath) -> Option<&OpOutput> {
        let of = |op: &Op| match op {
            Op::ReadFile { path, .. }
            | Op::HashFile { path, .. }
            | Op::Stat { path, .. }
            | Op::ListDir { path, .. } => Some(path.clone()),
            _ => None,
        };
        self.iter().rev().find(|(op, _)| of(op).as_ref() == Some(path)).map(|(_, out)| out)
    }

    /// Returns the newest answer of a command whose program is `program` and whose first arguments are `args`.
    pub fn ran(&self, program: &str, args: &[&str]) -> Option<&OpOutput> {
        let is = |op: &Op| match op {
            Op::Run(c) => {
                &*c.program == program
                    && c.args.len() >= args.len()
                    && c.args.iter().zip(args).all(|(a, b)| a.as_str() == *b)
            }
            _ => false,
        };
        self.iter().rev().find(|(op, _)| is(op)).map(|(_, out)| out)
    }
}
