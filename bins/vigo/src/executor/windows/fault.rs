//! What the system's errors mean.

use std::io::{Error, ErrorKind};
use vigo_core::action::FailureKind;

/// An error of the system.
pub(crate) type Fault = Error;

/// Returns the kind of failure that an error is.
pub(crate) fn kind_of(error: &Error) -> FailureKind {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FailureKind::NoSpace,
        ErrorKind::ReadOnlyFilesystem => FailureKind::ReadOnly,
        ErrorKind::PermissionDenied => FailureKind::Denied,
        ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::DirectoryNotEmpty
        | ErrorKind::AlreadyExists => FailureKind::WrongKind,
        ErrorKind::FileTooLarge => FailureKind::TooLarge,
        ErrorKind::TimedOut => FailureKind::TimedOut,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::ConnectionRefused => {
            FailureKind::Unreachable
        }
        _ => FailureKind::Other,
    }
}

/// Returns the kind of failure that an error of the standard library is.
pub(crate) fn kind_of_io(error: &Error) -> FailureKind {
    kind_of(error)
}

/// Returns whether an error says that nothing is there: no file, or a file where a folder would have to be.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
