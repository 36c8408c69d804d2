//! The local node of Directory Service as lines of passwd(5) and group(5), which everything else is made for.

use crate::property_list::Plist;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{AccountSettings, Database, IdRange, OwnGroup, account_id};

pub(super) const DSCL: &str = "/usr/bin/dscl";

/// `-14135`, eDSRecordAlreadyExists: the low byte is what dscl(1) exits with.
pub(super) const EXISTS: i32 = 55;
/// `-14136`, eDSRecordNotFound, likewise.
pub(super) const NOT_FOUND: i32 = 56;

const USER_KEYS: [&str; 6] = ["RecordName", "UniqueID", "PrimaryGroupID", "NFSHomeDirectory", "UserShell", "RealName"];
const GROUP_KEYS: [&str; 3] = ["RecordName", "PrimaryGroupID", "GroupMembership"];

/// Returns the reads of all local users and groups.
pub(crate) fn reads() -> [Op; 2] {
    [all("/Users", &USER_KEYS), all("/Groups", &GROUP_KEYS)]
}

fn all(node: &str, keys: &[&str]) -> Op {
    let args = ["-plist", ".", "-readall", node].into_iter().chain(keys.iter().copied());
    Op::Run(Command::read(DSCL, args).output_bytes_max(16 << 20))
}

/// Returns the account database of the answers.
///
/// # Errors
/// A fragment, when one of them is missing or makes no sense.
pub(crate) fn database(outputs: &Outputs) -> Result<Database, String> {
    let [users, groups] = reads();
    let (users, groups) = (records(outputs, &users)?, records(outputs, &groups)?);
    let mut passwd = String::new();
    let mut group = String::new();
    for user in &users {
        let first = |key: &str| user.texts(key).first().map(ToString::to_string).unwrap_or_default();
        let (name, uid, gid) = (first("RecordName"), number(&first("UniqueID")), number(&first("PrimaryGroupID")));
        // A record without a number is one that is being made.
        let (Some(uid), true) = (uid, is_name(&name)) else { continue };
        let gid = gid.map_or_else(String::new, |gid| gid.to_string());
        let [comment, home, shell] = ["RealName", "NFSHomeDirectory", "UserShell"].map(|key| plain(&first(key)));
        passwd.push_str(&format!("{name}:*:{uid}:{gid}:{comment}:{home}:{shell}\n"));
    }
    for one in &groups {
        let first = |key: &str| one.texts(key).first().map(ToString::to_string).unwrap_or_default();
        let (name, gid) = (first("RecordName"), number(&first("PrimaryGroupID")));
        let (Some(gid), true) = (gid, is_name(&name)) else { continue };
        let members: Vec<&str> = one.texts("GroupMembership").into_iter().filter(|m| is_name(m)).collect();
        group.push_str(&format!("{name}:*:{gid}:{}\n", members.join(",")));
    }
    if passwd.is_empty() || group.is_empty() {
        return Err("expected local accounts of Directory Service, found none".into());
    }
    Ok(Database { passwd: passwd.as_bytes().into(), group: group.as_bytes().into(), shadow: None, gshadow: None })
}

/// Takes the records out of an answer.
fn records(outputs: &Outputs, op: &Op) -> Result<Vec<Plist>, String> {
    let ran = ran(outputs, op)?.ok_or_else(|| format!("`{op}` was not asked"))?;
    if !ran.success() {
        return Err(format!("`{op}` ended with {}: {}", ran.exit, ran.err().trim()));
    }
    match Plist::parse(&ran.out()) {
        Some(Plist::List(list)) => Ok(list),
        _ => Err(format!("the answer of `{op}` is no property list of records")),
    }
}

/// Returns an answer, if there is one.
///
/// # Errors
/// A fragment, when it is not whole, or the program was not run.
pub(super) fn ran<'a>(outputs: &'a Outputs, op: &Op) -> Result<Option<&'a Ran>, String> {
    match outputs.get(op) {
        None => Ok(None),
        Some(OpOutput::Ran(ran)) if ran.truncated => Err(format!("`{op}` printed more than was expected")),
        Some(OpOutput::Ran(ran)) => Ok(Some(ran)),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        Some(other) => Err(format!("expected an answer of `{op}`, found {other:?}")),
    }
}

/// Numbers are signed there: nobody is -2.
fn number(text: &str) -> Option<u32> {
    account_id(text.trim())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_control() || c == ':' || c == ',')
}

/// Returns a text as a field of a passwd line can hold it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == ':' { '?' } else { c }).collect()
}

/// What follows for new accounts: nothing of the system gives out numbers, so they are given here.
pub(super) fn settings() -> AccountSettings {
    let people = IdRange { min: 501, max: 60_000, downwards: false };
    let system = IdRange { min: 200, max: 400, downwards: false };
    AccountSettings {
        uids: people,
        system_uids: system,
        gids: people,
        system_gids: system,
        own_group: OwnGroup::Shared(20),
        home_base: "/Users".into(),
        shell: "/bin/zsh".into(),
        ..AccountSettings::default()
    }
}

/// Returns a change of the local node.
pub(super) fn dscl(args: &[&str]) -> Command {
    Command::change(DSCL, ["."].into_iter().chain(args.iter().copied()))
}

/// Returns that what the name services remember is forgotten.
pub(super) fn flush() -> Op {
    Op::Run(Command::change("/usr/bin/dscacheutil", ["-flushcache"]))
}
