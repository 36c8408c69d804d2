//! [`vigo_core::action::Op::Signal`]: a signal to the very process that was observed.

use super::fault::kind_of;
use super::kernel;
use crate::executor::failure::{Answer, failure, text};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use vigo_core::action::{FailureKind, OpOutput};

/// Sends a signal. A process that is gone, or whose number is another's by now, has nothing to be told.
pub(crate) fn signal(pid: u32, start_time: u64, name: &str) -> Answer<OpOutput> {
    let fail = |kind, why: &str| failure(kind, format!("signal process {pid}: {why}"));
    let Some(signal) = by_name(name) else {
        return Err(fail(FailureKind::Other, &format!("`{name}` is no signal")));
    };
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|pid| pid.as_raw_nonzero().get() > 0)
    else {
        return Err(fail(FailureKind::Other, "expected the number of a process"));
    };
    if target == rustix::process::getpid() {
        return Err(fail(FailureKind::Denied, "it is Vigo itself"));
    }
    let gone = |errno: Errno| match errno {
        Errno::SRCH => Ok(OpOutput::Done),
        errno => Err(fail(kind_of(&errno), &text(errno))),
    };
    kernel::signal(target, start_time, signal).map_or_else(gone, |()| Ok(OpOutput::Done))
}

fn by_name(name: &str) -> Option<Signal> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "ALRM" => Signal::ALARM,
        "CONT" => Signal::CONT,
        "STOP" => Signal::STOP,
        "TSTP" => Signal::TSTP,
        "ABRT" => Signal::ABORT,
        "WINCH" => Signal::WINCH,
        "TTIN" => Signal::TTIN,
        "TTOU" => Signal::TTOU,
        "PIPE" => Signal::PIPE,
        "CHLD" => Signal::CHILD,
        "IO" => Signal::IO,
        "URG" => Signal::URG,
        #[cfg(target_os = "linux")]
        "PWR" => Signal::POWER,
        _ => return None,
    })
}
