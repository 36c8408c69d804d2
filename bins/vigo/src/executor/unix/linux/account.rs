//! Accounts of a directory service, from `getent`.

use crate::executor::program;
use crate::executor::unix::account::Account;
use std::process::{Command, Stdio};

/// Finds an account that the machine's own files do not have. `group` is what group(5) says.
pub(crate) fn elsewhere(name: &str, group: &str) -> Option<Account> {
    // The name is no option, and getent takes none behind it.
    let listed = !name.starts_with('-') && !name.is_empty();
    let line = listed.then(|| getent("passwd", name)).flatten()?;
    let account = line.lines().find_map(Account::parse).filter(|a| a.name == name)?;
    let more = getent("initgroups", name).unwrap_or_default();
    let mut account = account.with_groups(group);
    account.groups.extend(more.split_whitespace().skip(1).filter_map(|gid| gid.parse::<u32>().ok()));
    account.groups.sort_unstable();
    account.groups.dedup();
    Some(account)
}

fn getent(database: &str, name: &str) -> Option<String> {
    let getent = program::find("getent")?;
    let mut command = Command::new(getent);
    command.args([database, name]).env_clear().env("PATH", program::PATH).env("LC_ALL", "C");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
