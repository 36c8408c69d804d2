//! Who may do what with a file: descriptors of security, <https://learn.microsoft.com/windows/win32/secauthz>.

use super::text::{checked, wide};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, GENERIC_ALL, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
    SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, CheckTokenMembership, CreateWellKnownSid, DACL_SECURITY_INFORMATION, EqualSid,
    GetAce, GetSecurityDescriptorDacl, GetTokenInformation, INHERIT_ONLY_ACE, IsWellKnownSid,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES,
    TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid, WinCreatorOwnerRightsSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, DELETE, FILE_APPEND_DATA, FILE_ATTRIBUTE_NORMAL, FILE_DELETE_CHILD,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_GENERIC_READ, FILE_GENERIC_WRITE,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_DATA, READ_CONTROL,
    WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

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
#[derive(Debug)]
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

    /// Returns the list of who may do what, which lives as long as the descriptor.
    fn dacl(&self) -> io::Result<*const ACL> {
        let (mut is_there, mut is_usual, mut list) = (0, 0, null_mut());
        // SAFETY: the descriptor is one, and the answers have room.
        checked(unsafe { GetSecurityDescriptorDacl(self.0, &mut is_there, &mut list, &mut is_usual) })?;
        Ok(list)
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

/// Makes a folder into which nobody but the system, administrators and its owner looks, and those above it. One that is
/// there becomes such a folder, if it is one of theirs or ours: in the folder of programs' data anybody makes folders.
///
/// # Errors
/// What the system says; also of a link, and of a folder that is somebody else's.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    let (descriptor, name) = (Descriptor::parse(OWN_FOLDER)?, wide(path)?);
    // SAFETY: the path ends with a zero; attributes and descriptor live as long as the call.
    let made = checked(unsafe { CreateDirectoryW(name.as_ptr(), &descriptor.attributes()) });
    match made {
        Err(error) if error.raw_os_error() == Some(ERROR_ALREADY_EXISTS as i32) => take_dir(path, &descriptor),
        other => other,
    }
}

/// Takes a folder that is there into our care: what it hands on to what lies in it is from now on what `descriptor` says.
fn take_dir(path: &Path, descriptor: &Descriptor) -> io::Result<()> {
    let refused = |kind, what| Err(io::Error::new(kind, format!("`{}` {what}", path.display())));
    let mut options = File::options();
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    // As long as it is open, nobody puts another one in its place: deletion is not shared.
    options.share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    let folder = options.access_mode(FILE_READ_ATTRIBUTES | READ_CONTROL | WRITE_DAC).open(path)?;
    if !folder.metadata()?.file_type().is_dir() {
        return refused(io::ErrorKind::NotADirectory, "is there and is no folder: remove it");
    }
    let seen = Seen::of(&folder)?;
    if !seen.is_trusted() {
        let what = "belongs neither to the system, nor to administrators, nor to the agent's account: whoever made it could \
                    read and change what is kept there. Look at what is in it, and remove it";
        return refused(io::ErrorKind::PermissionDenied, what);
    }
    let wanted = descriptor.dacl()?;
    if same_list(seen.dacl, wanted) {
        return Ok(());
    }
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the handle is open, and the list lives as long as its descriptor; what is not set is null.
    let error = unsafe {
        SetSecurityInfo(
            folder.as_raw_handle() as HANDLE,
            SE_FILE_OBJECT,
            what,
            null_mut(),
            null_mut(),
            wanted,
            null_mut(),
        )
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error as i32)) }
}

/// Returns whether two lists are the same, byte for byte; none is no list.
fn same_list(a: *const ACL, b: *const ACL) -> bool {
    let bytes = |list: *const ACL| {
        // SAFETY: a list says itself how many bytes it has, [MS-DTYP] 2.4.5, and both live as long as their descriptors.
        (!list.is_null())
            .then(|| unsafe { std::slice::from_raw_parts(list.cast::<u8>(), usize::from((*list).AclSize)) })
    };
    bytes(a).is_some() && bytes(a) == bytes(b)
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
    Seen::of(file).is_ok_and(|seen| seen.is_of_administrators())
}

/// Returns whether what is at a path belongs to the system, to administrators or to our own account: a program that others
/// have put there is not run. A link is looked at itself.
pub(crate) fn is_trusted(path: &Path) -> bool {
    let mut options = File::options();
    options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    options.open(path).and_then(|file| Seen::of(&file)).is_ok_and(|seen| seen.is_trusted())
}

/// Whose an open file or folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Whose {
    /// Whether it belongs to the system, to administrators or to our own account.
    pub(crate) is_trusted: bool,
    /// Whether anybody else may change it or take it away; what lies in a folder is another matter.
    pub(crate) others_change: bool,
}

/// Returns whose an open file or folder is; of one that does not tell, everybody's.
pub(crate) fn whose(file: &File, is_dir: bool) -> Whose {
    let seen = Seen::of(file);
    Whose {
        is_trusted: seen.as_ref().is_ok_and(Seen::is_trusted),
        others_change: seen.map_or(true, |seen| seen.others_change(is_dir)),
    }
}

/// Whose an open file is, and who may do what with it. Both point into the descriptor.
struct Seen {
    owner: PSID,
    dacl: *const ACL,
    _descriptor: Descriptor,
}

impl Seen {
    fn of(file: &File) -> io::Result<Self> {
        let (mut owner, mut dacl): (PSID, *mut ACL) = (null_mut(), null_mut());
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the handle is open; what is not asked for is null; the descriptor is ours until it is freed.
        let error = unsafe {
            GetSecurityInfo(
                file.as_raw_handle() as HANDLE,
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &mut owner,
                null_mut(),
                &mut dacl,
                null_mut(),
                &mut descriptor,
            )
        };
        match error {
            0 => Ok(Self { owner, dacl, _descriptor: Descriptor(descriptor) }),
            error => Err(io::Error::from_raw_os_error(error as i32)),
        }
    }

    fn is_of_administrators(&self) -> bool {
        is_administrators(self.owner)
    }

    /// Whether an entry of the list allows it to anybody but the system, administrators and the owner; no list allows all to
    /// everybody.
    fn others_change(&self, is_dir: bool) -> bool {
        if self.dacl.is_null() {
            return true;
        }
        let rights = FILE_WRITE_DATA | FILE_APPEND_DATA;
        let rights = DELETE | WRITE_DAC | WRITE_OWNER | if is_dir { FILE_DELETE_CHILD } else { rights };
        let rights = rights | GENERIC_ALL | if is_dir { 0 } else { GENERIC_WRITE };
        // SAFETY: the list points into the descriptor, which lives.
        let count = u32::from(unsafe { (*self.dacl).AceCount });
        (0..count).any(|at| {
            let mut entry: *mut c_void = null_mut();
            // SAFETY: as above, and the answer has room.
            if unsafe { GetAce(self.dacl, at, &mut entry) } == 0 {
                return true;
            }
            // SAFETY: every entry has a head.
            let head = unsafe { entry.cast::<ACE_HEADER>().read_unaligned() };
            let allows =
                matches!(head.AceType, ALLOWED | ALLOWED_IF) && u32::from(head.AceFlags) & INHERIT_ONLY_ACE == 0;
            if !allows {
                return false;
            }
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            // SAFETY: the type says that it has a mask, and the SID behind it.
            let (mask, sid) =
                unsafe { ((&raw const (*entry).Mask).read_unaligned(), (&raw mut (*entry).SidStart).cast()) };
            mask & rights != 0 && !self.is_owner_or_administrators(sid)
        })
    }

    /// Whether a SID of the list is one of those who may do all anyway.
    fn is_owner_or_administrators(&self, sid: PSID) -> bool {
        // SAFETY: both SIDs live as long as the descriptor.
        let is_owner = !self.owner.is_null() && unsafe { EqualSid(sid, self.owner) } != 0;
        // SAFETY: as above.
        let is_owners = unsafe { IsWellKnownSid(sid, WinCreatorOwnerRightsSid) } != 0;
        is_owner || is_owners || is_administrators(sid)
    }

    /// Whether it belongs to one of them, or to the account that this process runs as.
    fn is_trusted(&self) -> bool {
        static OWN: OnceLock<Option<Vec<u64>>> = OnceLock::new();
        let is_ours = |own: &Vec<u64>| {
            // SAFETY: what a token tells of its user begins with where the SID is, in the same buffer; both SIDs live.
            let user = unsafe { own.as_ptr().cast::<TOKEN_USER>().read() };
            // SAFETY: as above.
            !self.owner.is_null() && unsafe { EqualSid(self.owner, user.User.Sid) } != 0
        };
        self.is_of_administrators() || OWN.get_or_init(own_account).as_ref().is_some_and(is_ours)
    }
}

/// Whether a SID is that of the system, of administrators or of the installer of Windows itself.
fn is_administrators(sid: PSID) -> bool {
    let is = |kind| {
        // SAFETY: the caller has it from a descriptor, which lives.
        !sid.is_null() && unsafe { IsWellKnownSid(sid, kind) } != 0
    };
    is(WinLocalSystemSid) || is(WinBuiltinAdministratorsSid) || is_trusted_installer(sid)
}

/// Returns what the token of this process tells of its user, in a buffer that is aligned for it.
fn own_account() -> Option<Vec<u64>> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the handle of the process is always open, and the answer has room.
    checked(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) }).ok()?;
    // SAFETY: it was opened just now, and nobody else has it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut buffer = vec![0u64; (size_of::<TOKEN_USER>() + SID_BYTES_MAX).div_ceil(size_of::<u64>())];
    let mut bytes = 0;
    // SAFETY: the buffer has as many bytes as are told.
    let told = unsafe {
        GetTokenInformation(
            token.as_raw_handle() as HANDLE,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            size_of_val(&*buffer) as u32,
            &mut bytes,
        )
    };
    (told != 0).then_some(buffer)
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

/// The types of entries that allow something, the second under a condition: [MS-DTYP] 2.4.4.1.
const ALLOWED: u8 = 0;
const ALLOWED_IF: u8 = 9;

/// Bytes of the largest SID, SECURITY_MAX_SID_SIZE.
const SID_BYTES_MAX: usize = 68;
