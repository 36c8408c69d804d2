//! From what the system says to what the core understands.

use rustix::io::Errno;
use std::fmt::Display;
use vigo_core::action::{FailureKind, OpFailure};
pub(crate) use vigo_driver::system_text as text;

/// The outcome of a step of an operation.
pub(super) type Answer<T> = Result<T, OpFailure>;

/// Returns a failure of this kind.
pub(super) fn failure(kind: FailureKind, message: impl Into<String>) -> OpFailure {
    OpFailure { kind, message: message.into() }
}

/// Returns a function that makes a failure of the system's answer to `what` at `path`.
pub(super) fn at(what: &'static str, path: impl Display) -> impl FnOnce(Errno) -> OpFailure {
    move |errno| failure(kind_of(errno), format!("{what} `{path}`: {}", text(errno)))
}

/// Returns the kind of failure that an error is.
pub(super) fn kind_of(errno: Errno) -> FailureKind {
    match errno {
        Errno::NOSPC | Errno::DQUOT => FailureKind::NoSpace,
        Errno::ROFS => FailureKind::ReadOnly,
        Errno::ACCESS | Errno::PERM => FailureKind::Denied,
        Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::NOTEMPTY | Errno::EXIST => FailureKind::WrongKind,
        Errno::FBIG => FailureKind::TooLarge,
        Errno::TIMEDOUT => FailureKind::TimedOut,
        Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::CONNREFUSED => FailureKind::Unreachable,
        _ => FailureKind::Other,
    }
}

/// Returns the kind of failure that an error of the standard library is.
pub(super) fn kind_of_io(error: &std::io::Error) -> FailureKind {
    Errno::from_io_error(error).map_or(FailureKind::Other, kind_of)
}
