//! What a clone of this machine does not share with it.

/// Returns it; empty what the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    let files = ["/etc/machine-id", "/sys/class/dmi/id/product_uuid", "/sys/hypervisor/uuid"];
    files.iter().map(|path| std::fs::read(path).unwrap_or_default()).collect()
}

/// Returns it: the number that the machine gave itself, hostid, and that of its board, kenv(2).
#[cfg(target_os = "freebsd")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    let board = filled(|buf| {
        let room = libc::c_int::try_from(buf.len()).unwrap_or(0);
        // SAFETY: the name ends in a zero byte, and no more is written than there is room for.
        let len = unsafe { libc::kenv(libc::KENV_GET, c"smbios.system.uuid".as_ptr(), buf.as_mut_ptr().cast(), room) };
        usize::try_from(len).unwrap_or(0)
    });
    vec![sysctl(c"kern.hostuuid"), board]
}

/// Returns it, sysctl(7).
#[cfg(target_os = "dragonfly")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    vec![sysctl(c"kern.hostuuid")]
}

/// Returns it: what the board says, sysctl(7).
#[cfg(target_os = "netbsd")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    vec![sysctl(c"machdep.dmi.system-uuid"), sysctl(c"machdep.dmi.system-serial")]
}

/// Returns it: what the board says, sysctl(2).
#[cfg(target_os = "openbsd")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    const HW_SERIALNO: libc::c_int = 17;
    const HW_UUID: libc::c_int = 18;
    let hardware = |what: libc::c_int| {
        filled(|buf| {
            let (path, mut len) = ([libc::CTL_HW, what], buf.len());
            let count = path.len() as libc::c_uint;
            // SAFETY: the path has as many numbers as is said, and no more is written than there is room for.
            let done = unsafe {
                libc::sysctl(path.as_ptr(), count, buf.as_mut_ptr().cast(), &mut len, std::ptr::null_mut(), 0)
            };
            if done == 0 { len } else { 0 }
        })
    };
    vec![hardware(HW_UUID), hardware(HW_SERIALNO)]
}

/// Returns it, gethostuuid(2).
#[cfg(target_os = "macos")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    let mut uuid = [0; 16];
    let patience = libc::timespec { tv_sec: 5, tv_nsec: 0 };
    // SAFETY: a number of 16 bytes is written.
    let done = unsafe { libc::gethostuuid(uuid.as_mut_ptr(), &patience) };
    vec![if done == 0 { uuid.to_vec() } else { Vec::new() }]
}

/// Returns it: the number of the machine or zone, sysinfo(2).
#[cfg(target_os = "illumos")]
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    let serial = filled(|buf| {
        let room = libc::c_long::try_from(buf.len()).unwrap_or(0);
        // SAFETY: no more is written than there is room for.
        let len = unsafe { libc::sysinfo(libc::SI_HW_SERIAL, buf.as_mut_ptr().cast(), room) };
        usize::try_from(len).unwrap_or(0)
    });
    vec![serial]
}

/// Returns what a variable of the kernel holds.
#[cfg(any(target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd"))]
fn sysctl(name: &std::ffi::CStr) -> Vec<u8> {
    filled(|buf| {
        let mut len = buf.len();
        // SAFETY: the name ends in a zero byte, and no more is written than there is room for.
        let done =
            unsafe { libc::sysctlbyname(name.as_ptr(), buf.as_mut_ptr().cast(), &mut len, std::ptr::null_mut(), 0) };
        if done == 0 { len } else { 0 }
    })
}

/// Returns what is written, as far as is said.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn filled(write: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut buf = vec![0; 256];
    let len = write(&mut buf);
    buf.truncate(len);
    buf
}
