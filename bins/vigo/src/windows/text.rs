//! Text as Windows takes it: UTF-16 with a zero at its end.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;

/// Returns the text for a call.
///
/// # Errors
/// When it holds a zero.
pub(super) fn wide(text: impl AsRef<OsStr>) -> io::Result<Vec<u16>> {
    let mut wide: Vec<u16> = text.as_ref().encode_wide().collect();
    if wide.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a name holds a zero"));
    }
    wide.push(0);
    Ok(wide)
}

/// Returns what a call answered, up to the first zero.
pub(super) fn narrow(wide: &[u16]) -> String {
    String::from_utf16_lossy(wide.split(|unit| *unit == 0).next().unwrap_or_default())
}

/// Makes the answer of a call that says yes or no into a result.
pub(super) fn checked(yes: windows_sys::core::BOOL) -> io::Result<()> {
    if yes == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
