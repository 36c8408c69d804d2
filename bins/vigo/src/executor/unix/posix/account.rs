//! Accounts that the system knows: those of a directory service, and on a Mac all that people have.

use crate::executor::failure::{Answer, failure, text};
use crate::executor::unix::account::{ANSWER, Account};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use uzers::os::unix::UserExt;
use vigo_core::action::{AccountKind, Command, FailureKind, OpOutput};

/// Asks for a name, getpwnam_r(3) and getgrnam_r(3); the answer is a line of passwd(5) or group(5). No program is run.
pub(crate) fn ask(_: &dyn Fn(&Command) -> OpOutput, kind: AccountKind, name: &str) -> Answer<Option<Arc<[u8]>>> {
    let name = name.to_owned();
    within(ANSWER, move || {
        let line = match kind {
            AccountKind::User => user(&uzers::get_user_by_name(&name)?),
            AccountKind::Group => group(&uzers::get_group_by_name(&name)?),
        };
        Some(line.into())
    })
}

/// Returns the groups of an account that the system knows, getgrouplist(3).
pub(crate) fn more_groups(_: &dyn Fn(&Command) -> OpOutput, account: &Account) -> Vec<u32> {
    let (name, gid) = (account.name.clone(), account.gid);
    let groups = within(ANSWER, move || uzers::get_user_groups(&name, gid));
    groups.ok().flatten().unwrap_or_default().iter().map(uzers::Group::gid).collect()
}

fn user(user: &uzers::User) -> Vec<u8> {
    let home = user.home_dir().to_str().filter(|home| !home.contains(|c: char| c == ':' || c.is_control()));
    let rest = format!(":*:{}:{}::{}:\n", user.uid(), user.primary_group_id(), home.unwrap_or("/"));
    [user.name().as_bytes(), rest.as_bytes()].concat()
}

fn group(group: &uzers::Group) -> Vec<u8> {
    [group.name().as_bytes(), format!(":*:{}:\n", group.gid()).as_bytes()].concat()
}

/// Does what may hang in the system's own calls, which nobody can break off: when its time is over, a thread is left to it.
fn within<T: Send + 'static>(time: Duration, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let (tell, told) = mpsc::channel();
    let work = move || _ = tell.send(work());
    let thread = std::thread::Builder::new().name("accounts".into()).spawn(work);
    thread.map_err(|error| failure(FailureKind::Other, text(error)))?;
    told.recv_timeout(time)
        .map_err(|_| failure(FailureKind::TimedOut, format!("there was no answer within {} s", time.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &Command) -> OpOutput {
        OpOutput::Missing
    }

    #[test]
    fn the_system_knows_what_its_files_say() {
        let said = |kind, name| {
            let line = ask(&none, kind, name).unwrap();
            line.map(|line| String::from_utf8(line.to_vec()).unwrap())
        };
        assert_eq!(said(AccountKind::User, "root").as_deref(), Some("root:*:0:0::/root:\n"));
        assert_eq!(said(AccountKind::Group, "root").as_deref(), Some("root:*:0:\n"));
        for name in ["", "-x", "no such account", "a\0b"] {
            assert_eq!(said(AccountKind::User, name), None, "{name:?}");
            assert_eq!(said(AccountKind::Group, name), None, "{name:?}");
        }
        let root = Account::parse("root:*:0:0::/root:").unwrap();
        assert!(more_groups(&none, &root).contains(&0));
    }

    #[test]
    fn nobody_is_waited_for_without_end() {
        let (end, ended) = mpsc::channel::<()>();
        let stuck = within(Duration::from_millis(20), move || ended.recv().is_err());
        assert_eq!(stuck.map_err(|f| f.message), Err("there was no answer within 0.02 s".to_owned()));
        drop(end);
        assert_eq!(within(ANSWER, || 7), Ok(7));
    }
}
