//! What the system's errors mean.

use rustix::io::Errno;
use vigo_core::action::FailureKind;

/// An error of the system.
pub(crate) type Fault = Errno;

/// Returns the kind of failure that an error is.
pub(crate) fn kind_of(errno: &Errno) -> FailureKind {
    match *errno {
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
pub(crate) fn kind_of_io(error: &std::io::Error) -> FailureKind {
    Errno::from_io_error(error).map_or(FailureKind::Other, |errno| kind_of(&errno))
}
