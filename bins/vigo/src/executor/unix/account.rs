//! Accounts that programs run as: from the machine's own files, and where it is not there, from the system.
//!
//! An agent for Linux may have no name service of its own (one that is static has none): `getent` asks there.

use super::kernel;

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
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
        if let Some(account) = passwd.lines().find_map(|line| Self::parse(line).filter(|a| a.name == name)) {
            return Some(account.with_groups(&group));
        }
        kernel::elsewhere(name, &group)
    }

    /// Finds the account that we are.
    pub(crate) fn own() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
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
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Self { name: (*name).to_owned(), uid, gid, home: home.to_owned(), groups: vec![gid] })
    }

    /// Adds the groups of group(5) that list the account.
    pub(super) fn with_groups(mut self, group: &str) -> Self {
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [_, _, gid, members, ..] = fields.as_slice()
                && members.split(',').any(|m| m == self.name)
                && let Ok(gid) = gid.parse()
            {
                self.groups.push(gid);
            }
        }
        self.groups.sort_unstable();
        self.groups.dedup();
        self
    }
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
    }
}
