//! Accounts: from the machine's own files, and where they lack one, from the system.
//!
//! An agent for Linux may have no name service of its own (one that is static has none): `getent` asks there.

use super::kernel;
use super::run::Programs;
use crate::executor::failure::{Answer, failure};
use std::time::Duration;
use vigo_core::action::{AccountKind, FailureKind};
use vigo_core::host::{Accounts, account_id};

/// How long the system may take to say what it knows of a name: who knows it may be far away.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// An account with all that a process of it is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    /// All its groups, `gid` among them.
    pub groups: Vec<u32>,
}

impl Account {
    /// Finds an account by name.
    pub(crate) fn by_name(name: &str, programs: &Programs) -> Answer<Self> {
        let [passwd, group] = [AccountKind::User, AccountKind::Group].map(|kind| text(&listed(kind)));
        if let Some(account) = passwd.lines().find_map(|line| Self::parse(line).filter(|a| a.name == name)) {
            return Ok(account.with_groups(&group));
        }
        let no_user = |why: &str| failure(FailureKind::NoUser, format!("account `{name}` does not exist: {why}"));
        let neither = || no_user("neither `/etc/passwd` nor the system has it");
        let lines = text(&programs.ask(AccountKind::User, name)?.ok_or_else(neither)?);
        let account = lines.lines().find_map(Self::parse).ok_or_else(neither)?;
        if account.name != name {
            return Err(no_user(&format!("the system calls it `{}`", account.name.escape_default())));
        }
        let more = kernel::more_groups(&|command| programs.run(command), &account);
        let mut account = account.with_groups(&group);
        account.groups.extend(more);
        account.groups.sort_unstable();
        account.groups.dedup();
        Ok(account)
    }

    /// Finds the account that we are.
    pub(crate) fn own() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = text(&listed(AccountKind::User));
        passwd.lines().find_map(|line| Self::parse(line).filter(|a| a.uid == uid)).unwrap_or_else(|| {
            let (name, home) = if uid == 0 { ("root".to_owned(), "/root") } else { (uid.to_string(), "/") };
            Self { name, uid, gid: rustix::process::getegid().as_raw(), home: home.into(), groups: Vec::new() }
        })
    }

    /// Reads a line of passwd(5).
    pub(super) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields.as_slice() else { return None };
        let home = if home.starts_with('/') { *home } else { "/" };
        let (uid, gid) = (account_id(uid)?, account_id(gid)?);
        Some(Self { name: (*name).to_owned(), uid, gid, home: home.to_owned(), groups: vec![gid] })
    }

    /// Adds the groups of group(5) that list the account.
    pub(super) fn with_groups(mut self, group: &str) -> Self {
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [_, _, gid, members, ..] = fields.as_slice()
                && members.split(',').any(|m| m == self.name)
                && let Some(gid) = account_id(gid)
            {
                self.groups.push(gid);
            }
        }
        self.groups.sort_unstable();
        self.groups.dedup();
        self
    }
}

/// Returns whether the machine's own files have a name.
pub(super) fn is_listed(kind: AccountKind, name: &str) -> bool {
    let content = listed(kind);
    match kind {
        AccountKind::User => Accounts { passwd: &content, group: &[] }.has_user(name),
        AccountKind::Group => Accounts { passwd: &[], group: &content }.has_group(name),
    }
}

/// Returns whether somebody can be called so: it is no option for a program, and fits into a line.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains(|c: char| c == ':' || c.is_control())
}

fn listed(kind: AccountKind) -> Vec<u8> {
    let file = match kind {
        AccountKind::User => "/etc/passwd",
        AccountKind::Group => "/etc/group",
    };
    std::fs::read(file).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_own_and_its_listed_groups() {
        let line = "alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh";
        let groups = "root:x:0:\nsudo:x:27:bob,alice\nalice:x:1000:\nadm:x:4:alice\nbroken\nnobody:x:x:alice\n";
        let account = Account::parse(line).unwrap().with_groups(groups);
        assert_eq!((account.uid, account.gid, &*account.home), (1000, 1000, "/home/alice"));
        assert_eq!(account.groups, [4, 27, 1000]);
        assert_eq!(Account::parse("+::::::"), None, "a line of NIS");
        assert_eq!(Account::parse("x:y"), None, "cut short");
        assert_eq!(Account::parse("x:*:4294967295:1::/:"), None, "a number that would leave us what we are");
        let nobody = Account::parse("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false").unwrap();
        assert_eq!((nobody.uid, nobody.gid), (4294967294, 4294967294), "as a Mac writes it");
    }
}
