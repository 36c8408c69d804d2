//! A program and all that it starts.

use super::text::checked;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Child;
use std::ptr::null;
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::JobObjects::{AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject};
use windows_sys::Win32::System::Threading::WaitForSingleObject;

/// A job object: what a process in it starts is in it, too.
#[derive(Debug)]
pub(crate) struct Job(OwnedHandle);

impl Job {
    /// Puts a program into a job of its own. What it had started before this is outside.
    pub(crate) fn of(child: &Child) -> io::Result<Self> {
        // SAFETY: neither attributes nor a name are needed.
        let handle = unsafe { CreateJobObjectW(null(), null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was made just now, and nobody else has it.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        // SAFETY: both handles are open.
        checked(unsafe { AssignProcessToJobObject(job.0.as_raw_handle() as HANDLE, child.as_raw_handle() as HANDLE) })?;
        Ok(job)
    }

    /// Ends all processes in it.
    pub(crate) fn end(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        checked(unsafe { TerminateJobObject(self.0.as_raw_handle() as HANDLE, 1) })
    }
}

/// Waits until a program has ended, and no longer than `left`. Returns whether it has.
pub(crate) fn has_ended(child: &Child, left: Duration) -> bool {
    let ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the handle is open as long as the child is not dropped.
    let waited = unsafe { WaitForSingleObject(child.as_raw_handle() as HANDLE, ms) };
    waited == WAIT_OBJECT_0
}
