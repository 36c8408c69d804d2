//! Owners by name: the reads that resolve them, and their answers.

use crate::action::{AbsPath, Op, OpOutput, Outputs, Owner};
use crate::host::Accounts;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Returns the reads that resolving `owner` and `group` needs: none for numbers and for root, which is 0 everywhere.
/// Identical reads are shared within a run.
pub(crate) fn probe_for(owner: Option<&str>, group: Option<&str>) -> Vec<Op> {
    let [passwd, group_file] = paths();
    let reads =
        [owner.filter(|o| needs_lookup(o)).map(|_| passwd), group.filter(|g| needs_lookup(g)).map(|_| group_file)];
    reads.iter().flatten().map(Op::read_file).collect()
}

/// Returns the numbers of `owner` and `group`, each a name or a number. The inner error says which account does not
/// exist, which is a finding and not a failed observation.
///
/// # Errors
/// A fragment, when the database could not be read.
pub(crate) fn owner(
    outputs: &Outputs,
    owner: Option<&str>,
    group: Option<&str>,
) -> Result<Result<Owner, String>, String> {
    if owner.is_none() && group.is_none() {
        return Ok(Ok(Owner::default()));
    }
    let [passwd, group_file] = paths();
    let accounts = Accounts {
        passwd: if owner.is_some_and(needs_lookup) { content(outputs, &passwd)? } else { &[] },
        group: if group.is_some_and(needs_lookup) { content(outputs, &group_file)? } else { &[] },
    };
    Ok(resolve(accounts, owner, group))
}

/// Returns a file's content; a missing file is empty.
pub(crate) fn content<'a>(outputs: &'a Outputs, path: &AbsPath) -> Result<&'a [u8], String> {
    match outputs.path(path) {
        Some(OpOutput::File { content, .. }) => Ok(content),
        Some(OpOutput::Missing) => Ok(&[]),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("`{path}` was not read")),
    }
}

/// Returns the user's name for people, where the account database was read; else the number.
pub(crate) fn user_shown(outputs: &Outputs, uid: u32) -> String {
    let passwd = content(outputs, &paths()[0]).unwrap_or_default();
    Accounts { passwd, group: &[] }.user_name(uid).map_or_else(|| root_or(uid), String::from)
}

/// Returns the group's name for people, where the account database was read; else the number.
pub(crate) fn group_shown(outputs: &Outputs, gid: u32) -> String {
    let group = content(outputs, &paths()[1]).unwrap_or_default();
    Accounts { passwd: &[], group }.group_name(gid).map_or_else(|| root_or(gid), String::from)
}

fn root_or(id: u32) -> String {
    if id == 0 { "root".into() } else { format!("{id}") }
}

fn needs_lookup(name: &str) -> bool {
    name != "root" && name.parse::<u32>().is_err()
}

fn resolve(accounts: Accounts<'_>, owner: Option<&str>, group: Option<&str>) -> Result<Owner, String> {
    let uid = match owner {
        Some("root") => Some(0),
        Some(name) => Some(accounts.uid(name).ok_or_else(|| format!("user `{name}` does not exist"))?),
        None => None,
    };
    let gid = match group {
        Some("root") => Some(0),
        Some(name) => Some(accounts.gid(name).ok_or_else(|| format!("group `{name}` does not exist"))?),
        None => None,
    };
    Ok(Owner { uid, gid })
}

fn paths() -> [AbsPath; 2] {
    [AbsPath::known("/etc/passwd"), AbsPath::known("/etc/group")]
}
