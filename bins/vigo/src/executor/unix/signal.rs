//! [`vigo_core::action::Op::Signal`]: a signal to the very process that was observed.

use super::fault::kind_of;
use crate::executor::failure::{Answer, failure, text};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};
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
    // The descriptor holds on to the process: its number cannot become another's between look and signal.
    match rustix::process::pidfd_open(target, PidfdFlags::empty()) {
        Ok(fd) => {
            if !is_same(pid, start_time) {
                return Ok(OpOutput::Done);
            }
            rustix::process::pidfd_send_signal(&fd, signal).map_or_else(gone, |()| Ok(OpOutput::Done))
        }
        Err(Errno::NOSYS | Errno::PERM) => {
            if !is_same(pid, start_time) {
                return Ok(OpOutput::Done);
            }
            rustix::process::kill_process(target, signal).map_or_else(gone, |()| Ok(OpOutput::Done))
        }
        Err(errno) => gone(errno),
    }
}

fn is_same(pid: u32, start_time: u64) -> bool {
    start_time == 0 || std::fs::read(format!("/proc/{pid}/stat")).is_ok_and(|s| started(&s) == Some(start_time))
}

/// Returns field 22 of `/proc/PID/stat`, proc(5). Field 2 is the name in parentheses, which may hold anything.
fn started(stat: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(stat);
    text.rsplit_once(") ")?.1.split(' ').nth(19)?.trim().parse().ok()
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
        "PWR" => Signal::POWER,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_any_name() {
        let rest = (3..=52).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let cases = [("plain", "1 (sh) "), ("blanks and parentheses", "1 (a) b) (c) ")];
        for (name, head) in cases {
            assert_eq!(started(format!("{head}{rest}\n").as_bytes()), Some(22), "{name}");
        }
        assert_eq!(started(b"1 (sh) R"), None, "cut short");
    }
}
