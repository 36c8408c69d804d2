//! The registry, as far as the agent itself needs it.

use super::text::{narrow, wide};
use std::ptr::null_mut;
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};

/// Returns the number that the installation of Windows gave itself, another one after `sysprep`.
pub(crate) fn machine_guid() -> Option<String> {
    let (key, name) = (wide("SOFTWARE\\Microsoft\\Cryptography").ok()?, wide("MachineGuid").ok()?);
    let mut value = [0u16; 128];
    let mut bytes = size_of_val(&value) as u32;
    // SAFETY: the names end with a zero, and the buffer has as many bytes as are told.
    let error = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            value.as_mut_ptr().cast(),
            &mut bytes,
        )
    };
    (error == 0).then(|| narrow(&value))
}
