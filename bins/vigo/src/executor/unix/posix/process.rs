//! Processes by their numbers.

use crate::executor::unix::account::Account;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Gid, Pid, Signal, Uid};

/// Returns nothing: it is looked now and then whether a process has ended.
pub(crate) fn watch(_: Pid) -> Option<OwnedFd> {
    None
}

/// Returns whether a child has ended, waitid(2). Its number stays its own until it is waited for.
pub(crate) fn has_ended(pid: Pid) -> bool {
    // SAFETY: all fields are numbers and pointers, for which zero is a value.
    let mut told: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: what is written to is ours, and as large as its type says.
    let waited = unsafe { libc::waitid(libc::P_PID, pid.as_raw_nonzero().get() as libc::id_t, &mut told, options) };
    // Without an end there is nothing to tell, and no signal that tells it.
    match waited {
        0 => told.si_signo != 0,
        _ => std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted,
    }
}

/// Sends a signal. Nothing here says when a process was started: a number that is another's by now cannot be told from the
/// one that was meant, so that whoever asks for it is refused.
pub(crate) fn signal(pid: Pid, start_time: u64, signal: Signal) -> Result<(), Errno> {
    match start_time {
        0 => rustix::process::kill_process(pid, signal),
        _ => Err(Errno::NOTSUP),
    }
}

/// Returns an account's groups as [`become_account`] takes them: its own first, which BSD takes for the effective one, and no
/// more than the system has room for.
pub(crate) fn groups(account: &Account) -> Vec<Gid> {
    // SAFETY: a number is asked for.
    let room = unsafe { libc::sysconf(libc::_SC_NGROUPS_MAX) };
    let others = account.groups.iter().filter(|gid| **gid != account.gid);
    let all = std::iter::once(&account.gid).chain(others).copied().map(Gid::from_raw);
    all.take(usize::try_from(room).unwrap_or(16).max(1)).collect()
}

/// Has this process be another account's for good: root that gives itself another number gives up all three of them,
/// setuid(2). It makes plain system calls.
pub(crate) fn become_account(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<(), Errno> {
    let ids = groups.as_ptr().cast::<libc::gid_t>();
    let done = |returned: libc::c_int| match returned {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::PERM)),
    };
    // SAFETY: a group is a transparent number, and there are as many as is said.
    done(unsafe { libc::setgroups(groups.len() as _, ids) })?;
    // SAFETY: numbers alone.
    done(unsafe { libc::setgid(gid.as_raw()) })?;
    // SAFETY: numbers alone.
    done(unsafe { libc::setuid(uid.as_raw()) })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::unix::linux;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};

    fn pid(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    #[test]
    fn an_end_is_seen_and_the_number_stays_until_it_is_waited_for() {
        for has_ended in [has_ended, linux::has_ended] {
            let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            assert!(!has_ended(pid(&child)), "it waits for its input");
            assert_eq!(signal(pid(&child), 0, Signal::TERM), Ok(()));
            while !has_ended(pid(&child)) {
                std::thread::yield_now();
            }
            assert!(has_ended(pid(&child)), "it can be asked again");
            assert_eq!(signal(pid(&child), 0, Signal::TERM), Ok(()), "its number is still its own");
            let number = pid(&child);
            assert_eq!(child.wait().unwrap().signal(), Some(15));
            assert!(has_ended(number), "what is no child of ours is not waited for");
        }
    }

    #[test]
    fn a_start_that_cannot_be_compared_is_no_leave_to_signal() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(signal(pid(&child), 7, Signal::KILL), Err(Errno::NOTSUP));
        assert!(child.try_wait().unwrap().is_none());
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn an_accounts_own_group_comes_first() {
        let account = |groups: &[u32]| Account {
            name: "alice".into(),
            uid: 1000,
            gid: 1000,
            home: "/".into(),
            groups: groups.to_vec(),
        };
        let raw = |groups: &[u32]| super::groups(&account(groups)).iter().map(|g| g.as_raw()).collect::<Vec<_>>();
        assert_eq!(raw(&[4, 27, 1000]), [1000, 4, 27]);
        assert_eq!(raw(&[]), [1000]);
        let many: Vec<u32> = (0..100_000).collect();
        assert!(raw(&many).len() <= 65_536, "Linux takes no more");
    }

    #[test]
    fn a_process_is_another_accounts_with_all_its_groups() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for become_account in [become_account, linux::become_account] {
            let groups = [1000, 4, 27].map(Gid::from_raw);
            let mut id = Command::new("id");
            let become_it = move || Ok(become_account(Uid::from_raw(1001), Gid::from_raw(1000), &groups)?);
            // SAFETY: plain system calls, on memory that there is.
            unsafe { id.arg("-G").pre_exec(become_it) };
            let said = String::from_utf8(id.output().unwrap().stdout).unwrap();
            let mut seen: Vec<u32> = said.split_whitespace().map(|gid| gid.parse().unwrap()).collect();
            seen.sort_unstable();
            assert_eq!(seen, [4, 27, 1000]);
        }
    }
}
