//! Life as a service: the service control manager starts the program, and tells it when to end.

use super::text::wide;
use std::ffi::c_void;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_FAILED_SERVICE_CONTROLLER_CONNECT, ERROR_SERVICE_SPECIFIC_ERROR, NO_ERROR,
};
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_SHUTDOWN, SERVICE_ACCEPT_STOP, SERVICE_CONTROL_INTERROGATE,
    SERVICE_CONTROL_SHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING, SERVICE_STATUS, SERVICE_STATUS_CURRENT_STATE,
    SERVICE_STATUS_HANDLE, SERVICE_STOP_PENDING, SERVICE_STOPPED, SERVICE_TABLE_ENTRYW, SERVICE_WIN32_OWN_PROCESS,
    SetServiceStatus, StartServiceCtrlDispatcherW,
};

/// What the manager says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Control {
    /// It is to end.
    Stop,
    /// It is to ask its server at once.
    CheckIn,
}

/// The first number that a program may give a meaning of its own: `sc.exe control vigo-envoy 128`.
const CHECK_IN: u32 = 128;

/// How long an end may take: the operation in hand is waited for.
const END_MS_MAX: u32 = 16 * 60 * 1000;

/// What the service does, until it is told to end; its answer is 0, or an error of its own.
type Work = Box<dyn FnOnce(UnboundedReceiver<Control>) -> u32 + Send>;

/// A process is one service at most: what its functions, which get no such thing from the system, have to know.
struct Service {
    name: Vec<u16>,
    work: Option<Work>,
    sender: Option<UnboundedSender<Control>>,
    status: Handle,
}

/// By which the manager knows the service.
#[derive(Clone, Copy)]
struct Handle(SERVICE_STATUS_HANDLE);

// SAFETY: the manager takes it from every thread, and it is never closed, SetServiceStatus.
unsafe impl Send for Handle {}

static SERVICE: Mutex<Option<Service>> = Mutex::new(None);

/// Does the work as the service of this name, until it has ended. Returns whether the manager had started the program: if
/// not, nothing was done.
///
/// # Errors
/// What the system says.
pub(crate) fn serve(
    name: &str,
    work: impl FnOnce(UnboundedReceiver<Control>) -> u32 + Send + 'static,
) -> io::Result<bool> {
    let mut name = wide(name)?;
    let service = Service { name: name.clone(), work: Some(Box::new(work)), sender: None, status: Handle(null_mut()) };
    *SERVICE.lock().unwrap_or_else(PoisonError::into_inner) = Some(service);
    let table = [
        SERVICE_TABLE_ENTRYW { lpServiceName: name.as_mut_ptr(), lpServiceProc: Some(main) },
        SERVICE_TABLE_ENTRYW { lpServiceName: null_mut(), lpServiceProc: None },
    ];
    // SAFETY: the table ends with an empty entry, and it and the name live until the service has ended.
    if unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) } != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(number) if number == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT as i32 => Ok(false),
        _ => Err(error),
    }
}

/// Called by the system on a thread of its own.
unsafe extern "system" fn main(_: u32, _: *mut *mut u16) {
    let (sender, receiver) = unbounded_channel();
    let work = {
        let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(service) = service.as_mut() else { return };
        service.sender = Some(sender);
        // SAFETY: the name ends with a zero, and the function lives as long as the program.
        let handle = unsafe { RegisterServiceCtrlHandlerExW(service.name.as_ptr(), Some(told), null_mut()) };
        service.status = Handle(handle);
        service.work.take()
    };
    report(SERVICE_RUNNING, 0);
    let work = AssertUnwindSafe(|| work.map_or(0, |work| work(receiver)));
    let error = catch_unwind(work).unwrap_or(1);
    report(SERVICE_STOPPED, error);
}

/// Called by the system when the manager says something.
unsafe extern "system" fn told(control: u32, _: u32, _: *mut c_void, _: *mut c_void) -> u32 {
    let said = match control {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_SHUTDOWN => Control::Stop,
        CHECK_IN => Control::CheckIn,
        SERVICE_CONTROL_INTERROGATE => return NO_ERROR,
        _ => return ERROR_CALL_NOT_IMPLEMENTED,
    };
    if said == Control::Stop {
        report(SERVICE_STOP_PENDING, 0);
    }
    let service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = service.as_ref().and_then(|s| s.sender.as_ref()) {
        // A service that has ended does not listen any more.
        let _ = sender.send(said);
    }
    NO_ERROR
}

/// Tells the manager how things are.
fn report(state: SERVICE_STATUS_CURRENT_STATE, error: u32) {
    let handle = match &*SERVICE.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(service) => service.status,
        None => return,
    };
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: if state == SERVICE_RUNNING { SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN } else { 0 },
        dwWin32ExitCode: if error == 0 { NO_ERROR } else { ERROR_SERVICE_SPECIFIC_ERROR },
        dwServiceSpecificExitCode: error,
        dwCheckPoint: 0,
        dwWaitHint: if state == SERVICE_STOP_PENDING { END_MS_MAX } else { 0 },
    };
    // SAFETY: the manager gave the handle; one that it did not give is refused.
    unsafe { SetServiceStatus(handle.0, &status) };
}
