//! Who may do what with a file: descriptors of security, <https://learn.microsoft.com/windows/win32/secauthz>.

use super::text::{checked, wide};
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, HANDLE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    CheckTokenMembership, CreateWellKnownSid, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SECURITY_ATTRIBUTES, WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_GENERIC_READ, FILE_GENERIC_WRITE,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
};

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// Whoever may read what lies beside it.
    Anyone,
    /// The system, administrators and its owner, and nobody else.
    Own,
}

/// Full access for the system, administrators and whoever owns it; nothing is inherited. A folder hands it on.
const OWN_FOLDER: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";
const OWN_FILE: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";

/// A descriptor that the system has made.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// Reads a descriptor that is written in the language for it.
    fn parse(text: &str) -> io::Result<Self> {
        let text = wide(text)?;
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the text ends with a zero; the descriptor is ours until `LocalFree`.
        checked(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut descriptor,
                null_mut(),
            )
        })?;
        Ok(Self(descriptor))
    }

    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system gave it, and it is not used after.
        unsafe { LocalFree(self.0) };
    }
}

/// Makes a folder into which nobody but the system, administrators and its owner looks, and those above it; one that is
/// there stays as it is.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    let (descriptor, path) = (Descriptor::parse(OWN_FOLDER)?, wide(path)?);
    // SAFETY: the path ends with a zero; attributes and descriptor live as long as the call.
    let made = checked(unsafe { CreateDirectoryW(path.as_ptr(), &descriptor.attributes()) });
    match made {
        Err(error) if error.raw_os_error() == Some(ERROR_ALREADY_EXISTS as i32) => Ok(()),
        other => other,
    }
}

/// Makes a new file, for reading and writing.
///
/// # Errors
/// What the system says; also when there is one.
pub(crate) fn new_file(path: &Path, reader: Reader) -> io::Result<File> {
    let descriptor = match reader {
        Reader::Anyone => None,
        Reader::Own => Some(Descriptor::parse(OWN_FILE)?),
    };
    let attributes = descriptor.as_ref().map(Descriptor::attributes);
    let path = wide(path)?;
    // SAFETY: the path ends with a zero; attributes and descriptor live as long as the call.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            FILE_GENERIC_READ | FILE_GENERIC_WRITE,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            attributes.as_ref().map_or(null(), |a| a),
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was opened just now, and nobody else has it.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Returns whether an open file belongs to the system or to administrators; one whose owner is not told does not.
pub(crate) fn is_of_administrators(file: &File) -> bool {
    let (mut owner, mut descriptor): (PSID, PSECURITY_DESCRIPTOR) = (null_mut(), null_mut());
    // SAFETY: the handle is open; what is not asked for is null; the owner points into the descriptor, which is ours until
    // it is freed.
    let error = unsafe {
        GetSecurityInfo(
            file.as_raw_handle() as HANDLE,
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &mut descriptor,
        )
    };
    if error != 0 {
        return false;
    }
    let descriptor = Descriptor(descriptor);
    let is = |kind| {
        // SAFETY: the owner points into the descriptor, which lives.
        !owner.is_null() && unsafe { IsWellKnownSid(owner, kind) } != 0
    };
    let known = is(WinLocalSystemSid) || is(WinBuiltinAdministratorsSid) || is_trusted_installer(owner);
    drop(descriptor);
    known
}

/// Returns whether it is the service that owns what Windows itself has installed, `S-1-5-80-956008885-…`.
fn is_trusted_installer(owner: PSID) -> bool {
    const NUMBERS: [u32; 6] = [80, 956_008_885, 3_418_522_649, 1_831_038_044, 1_853_292_631, 2_271_478_464];
    // A SID begins with its revision, the number of its parts, an authority of six bytes; then come the parts.
    const HEAD: usize = 8;
    if owner.is_null() {
        return false;
    }
    let bytes = owner.cast::<u8>().cast_const();
    // SAFETY: a SID has as many parts as its second byte says, [MS-DTYP] 2.4.2.2.
    let sid = unsafe {
        let parts = usize::from(*bytes.add(1));
        std::slice::from_raw_parts(bytes, HEAD + 4 * parts)
    };
    let parts = sid.get(HEAD..).unwrap_or_default().chunks_exact(4);
    let parts = parts.map(|b| b.iter().rev().fold(0u32, |n, byte| (n << 8) | u32::from(*byte)));
    sid.get(2..HEAD) == Some(&[0, 0, 0, 0, 0, 5]) && parts.eq(NUMBERS)
}

/// Returns whether this process has the rights of administrators, not only an account that could have them.
pub(crate) fn is_administrator() -> bool {
    let mut sid = [0u32; SID_BYTES_MAX / 4];
    let (mut bytes, mut is_member) = (SID_BYTES_MAX as u32, 0);
    // SAFETY: the buffer has as many bytes as are told, and the SID in it is read only when it was made; no token means
    // that of the caller.
    unsafe {
        let sid = sid.as_mut_ptr().cast();
        CreateWellKnownSid(WinBuiltinAdministratorsSid, null_mut(), sid, &mut bytes) != 0
            && CheckTokenMembership(null_mut(), sid, &mut is_member) != 0
            && is_member != 0
    }
}

/// Bytes of the largest SID, SECURITY_MAX_SID_SIZE.
const SID_BYTES_MAX: usize = 68;
