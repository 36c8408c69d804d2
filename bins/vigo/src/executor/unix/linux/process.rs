//! Processes by descriptors that hold on to them.

use crate::executor::unix::account::Account;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Gid, Pid, PidfdFlags, Signal, Uid, WaitId, WaitIdOptions};

/// Returns a descriptor that can be read once the process has ended; `None` before Linux 5.3, and in some sandboxes.
pub(crate) fn watch(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Returns whether a child has ended. Its number stays its own until it is waited for.
pub(crate) fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::process::waitid(WaitId::Pid(pid), options) {
        Ok(status) => status.is_some(),
        Err(errno) => errno != Errno::INTR,
    }
}

/// Sends a signal to a process that was started then; another one of its number is not told.
pub(crate) fn signal(pid: Pid, start_time: u64, signal: Signal) -> Result<(), Errno> {
    // The descriptor holds on to the process: its number cannot become another's between look and signal.
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(_) | Err(Errno::NOSYS | Errno::PERM) if !is_same(pid, start_time) => Ok(()),
        Ok(fd) => rustix::process::pidfd_send_signal(&fd, signal),
        Err(Errno::NOSYS | Errno::PERM) => rustix::process::kill_process(pid, signal),
        Err(errno) => Err(errno),
    }
}

fn is_same(pid: Pid, start_time: u64) -> bool {
    let stat = || std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    start_time == 0 || stat().is_ok_and(|s| started(&s) == Some(start_time))
}

/// Returns field 22 of `/proc/PID/stat`, proc(5). Field 2 is the name in parentheses, which may hold anything.
fn started(stat: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(stat);
    text.rsplit_once(") ")?.1.split(' ').nth(19)?.trim().parse().ok()
}

/// Returns an account's groups as [`become_account`] takes them.
pub(crate) fn groups(account: &Account) -> Vec<Gid> {
    account.groups.iter().copied().map(Gid::from_raw).collect()
}

/// Has this process, which has one thread, be another account's for good. It makes plain system calls.
pub(crate) fn become_account(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<(), Errno> {
    rustix::thread::set_thread_groups(groups)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
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
