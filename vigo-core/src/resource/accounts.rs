//! Owners by name: the reads that resolve them, and their answers.
//!
//! A name is looked for in the machine's files, then in what the system said of it: a directory service may have it, and on
//! a Mac that has all people. The files come first: a plan foresees what will be in them.

use crate::action::{AbsPath, AccountKind, Op, OpOutput, Outputs, Owner};
use crate::host::{Accounts, HostFacts};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Returns the reads that resolving `owner` and `group` needs: none for numbers and for root, which is 0 everywhere.
/// Identical reads are shared within a run.
pub(crate) fn probe_for(owner: Option<&str>, group: Option<&str>, facts: &HostFacts) -> Vec<Op> {
    let named = [(AccountKind::User, owner), (AccountKind::Group, group)];
    let named = named.into_iter().filter_map(|(kind, name)| Some((kind, name.filter(|name| needs_lookup(name))?)));
    named.flat_map(|(kind, name)| look_up(kind, name, facts)).collect()
}

/// Returns the reads that find one account. An image has its files and nobody to ask.
pub(crate) fn look_up(kind: AccountKind, name: &str, facts: &HostFacts) -> Vec<Op> {
    let mut ops = alloc::vec![Op::read_file(&file(kind))];
    ops.extend((facts.image.is_none() && needs_lookup(name)).then(|| ask(kind, name)));
    ops
}

/// Returns the numbers of `owner` and `group`, each a name or a number. The inner error says which account does not
/// exist, which is a finding and not a failed observation.
///
/// # Errors
/// A fragment, when the database could not be read, or the system could not be asked for what it lacks.
pub(crate) fn owner(
    outputs: &Outputs,
    owner: Option<&str>,
    group: Option<&str>,
) -> Result<Result<Owner, String>, String> {
    let number = |kind, name: Option<&str>| name.map(|name| number(outputs, kind, name)).transpose();
    let (uid, gid) = (number(AccountKind::User, owner)?, number(AccountKind::Group, group)?);
    Ok(uid.transpose().and_then(|uid| Ok(Owner { uid, gid: gid.transpose()? })))
}

/// Returns the primary group of a user; `None` when there is no such user.
///
/// # Errors
/// As [`owner`].
pub(crate) fn primary_gid(outputs: &Outputs, user: &str) -> Result<Option<u32>, String> {
    Ok(Accounts { passwd: text(outputs, AccountKind::User, user)?, group: &[] }.primary_gid(user))
}

/// Returns the user's name for people, where the account database was read; else the number.
pub(crate) fn user_shown(outputs: &Outputs, uid: u32) -> String {
    let passwd = content(outputs, AccountKind::User).unwrap_or_default();
    Accounts { passwd, group: &[] }.user_name(uid).map_or_else(|| root_or(uid), String::from)
}

/// Returns the group's name for people, where the account database was read; else the number.
pub(crate) fn group_shown(outputs: &Outputs, gid: u32) -> String {
    let group = content(outputs, AccountKind::Group).unwrap_or_default();
    Accounts { passwd: &[], group }.group_name(gid).map_or_else(|| root_or(gid), String::from)
}

fn root_or(id: u32) -> String {
    if id == 0 { "root".into() } else { format!("{id}") }
}

fn needs_lookup(name: &str) -> bool {
    name != "root" && name.parse::<u32>().is_err()
}

fn number(outputs: &Outputs, kind: AccountKind, name: &str) -> Result<Result<u32, String>, String> {
    if name == "root" {
        return Ok(Ok(0));
    }
    let text = if needs_lookup(name) { text(outputs, kind, name)? } else { &[] };
    let number = match kind {
        AccountKind::User => Accounts { passwd: text, group: &[] }.uid(name),
        AccountKind::Group => Accounts { passwd: &[], group: text }.gid(name),
    };
    Ok(number.ok_or_else(|| absent(outputs, kind, name)))
}

/// Returns the lines that have the account, if any do: those of the file, or what the system said.
fn text<'a>(outputs: &'a Outputs, kind: AccountKind, name: &str) -> Result<&'a [u8], String> {
    let content = content(outputs, kind)?;
    let is_listed = match kind {
        AccountKind::User => Accounts { passwd: content, group: &[] }.has_user(name),
        AccountKind::Group => Accounts { passwd: &[], group: content }.has_group(name),
    };
    match outputs.get(&ask(kind, name)) {
        _ if is_listed => Ok(content),
        Some(OpOutput::Bytes(lines)) => Ok(lines),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Ok(&[]),
    }
}

/// Returns a file's content; a missing file is empty.
fn content(outputs: &Outputs, kind: AccountKind) -> Result<&[u8], String> {
    let path = file(kind);
    match outputs.path(&path) {
        Some(OpOutput::File { content, .. }) => Ok(content),
        Some(OpOutput::Missing) => Ok(&[]),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("`{path}` was not read")),
    }
}

/// Says that there is no such account, and where it was looked for.
fn absent(outputs: &Outputs, kind: AccountKind, name: &str) -> String {
    let file = file(kind);
    let said = match outputs.get(&ask(kind, name)) {
        Some(OpOutput::Bytes(lines)) => lines,
        Some(_) => return format!("{kind} `{name}` does not exist: neither `{file}` nor the system has it"),
        None if needs_lookup(name) => return format!("{kind} `{name}` does not exist: `{file}` does not have it"),
        None => return format!("{kind} `{name}` does not exist"),
    };
    let other = said.split(|b| *b == b':').next().and_then(|name| core::str::from_utf8(name).ok());
    match other.filter(|other| *other != name && !other.is_empty() && !other.contains(char::is_control)) {
        Some(other) => format!("{kind} `{name}` does not exist: the system calls it `{other}`"),
        None => format!("{kind} `{name}` does not exist: what the system says of it has no number"),
    }
}

fn ask(kind: AccountKind, name: &str) -> Op {
    Op::Account { kind, name: name.into() }
}

fn file(kind: AccountKind) -> AbsPath {
    AbsPath::known(match kind {
        AccountKind::User => "/etc/passwd",
        AccountKind::Group => "/etc/group",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{FailureKind, OpFailure};
    use alloc::string::ToString;
    use alloc::sync::Arc;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nstaff:x:20:\n";

    fn outputs(asked: &[(AccountKind, &str, OpOutput)]) -> Outputs {
        let mut outputs = Outputs::default();
        for (kind, text) in [(AccountKind::User, PASSWD), (AccountKind::Group, GROUP)] {
            outputs.push(Op::read_file(&file(kind)), Arc::new(OpOutput::file(text)));
        }
        for (kind, name, output) in asked {
            outputs.push(ask(*kind, name), Arc::new(output.clone()));
        }
        outputs
    }

    fn said(bytes: &[u8]) -> OpOutput {
        OpOutput::Bytes(bytes.into())
    }

    fn down() -> OpOutput {
        OpOutput::Failed(OpFailure { kind: FailureKind::TimedOut, message: "nobody answers".into() })
    }

    #[test]
    fn what_the_system_says_of_a_name_counts_where_the_files_lack_it() {
        use AccountKind::{Group, User};
        let neither = "user `bob` does not exist: neither `/etc/passwd` nor the system has it";
        let no_number = "user `bob` does not exist: what the system says of it has no number";
        let other = "user `bob` does not exist: the system calls it";
        type Case<'a> = (&'a str, &'a str, OpOutput, Result<Result<u32, &'a str>, &'a str>);
        let cases: &[Case<'_>] = &[
            ("getent on Linux", "bob", said(b"bob:*:70001:70001:Bob B.:/home/bob:/bin/bash\n"), Ok(Ok(70001))),
            ("a Mac", "bob", said(b"bob:*:501:20::/Users/bob:\n"), Ok(Ok(501))),
            ("no end of line", "bob", said(b"bob:*:7:7"), Ok(Ok(7))),
            ("not UTF-8 elsewhere", "bob", said(b"bob:\xff:7:7:\xff::\n"), Ok(Ok(7))),
            ("a line before it", "bob", said(b"x:*:1:1:::\nbob:*:7:7:::\n"), Ok(Ok(7))),
            ("nobody", "bob", OpOutput::Missing, Ok(Err(neither))),
            ("no answer", "bob", down(), Err("nobody answers")),
            ("empty", "bob", said(b""), Ok(Err(no_number))),
            ("cut short", "bob", said(b"bob:*:"), Ok(Err(no_number))),
            ("no number", "bob", said(b"bob:*:x:7:::\n"), Ok(Err(no_number))),
            ("no number that is one", "bob", said(b"bob:*:4294967295:7:::\n"), Ok(Err(no_number))),
            ("too large a number", "bob", said(b"bob:*:4294967296:7:::\n"), Ok(Err(no_number))),
            ("not UTF-8", "bob", said(b"\xff\xfe:*:7:7:::\n"), Ok(Err(no_number))),
            ("escapes", "bob", said(b"\x1b[2J:*:7:7:::\n"), Ok(Err(no_number))),
            ("a longer name", "bob", said(b"bobby:*:7:7:::\n"), Ok(Err("…calls it `bobby`"))),
            ("another case", "bob", said(b"Bob:*:7:7:::\n"), Ok(Err("…calls it `Bob`"))),
            ("of the files all the same", "alice", down(), Ok(Ok(1000))),
            ("another number than the files have", "alice", said(b"alice:*:7:7:::\n"), Ok(Ok(1000))),
        ];
        for (name, user, output, expected) in cases {
            let seen = owner(&outputs(&[(User, user, output.clone())]), Some(user), None);
            let expected = match expected {
                Ok(Ok(uid)) => Ok(Ok(Owner { uid: Some(*uid), gid: None })),
                Ok(Err(why)) => Ok(Err(why.replace("…calls it", other))),
                Err(why) => Err(why.to_string()),
            };
            assert_eq!(seen, expected, "{name}");
        }
        let asked = outputs(&[(Group, "people", said(b"people:*:7000:bob,carol\n"))]);
        assert_eq!(owner(&asked, Some("alice"), Some("people")), Ok(Ok(Owner { uid: Some(1000), gid: Some(7000) })));
        let missing = outputs(&[(Group, "people", OpOutput::Missing)]);
        let why = "group `people` does not exist: neither `/etc/group` nor the system has it";
        assert_eq!(owner(&missing, None, Some("people")), Ok(Err(why.into())));
        assert_eq!(primary_gid(&outputs(&[(User, "bob", said(b"bob:*:501:20:::\n"))]), "bob"), Ok(Some(20)));
    }

    #[test]
    fn numbers_and_root_are_not_looked_up_and_an_image_is_not_asked() {
        let machine = HostFacts::default();
        let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
        type Case<'a> = (Option<&'a str>, Option<&'a str>, &'a HostFacts, &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (Some("root"), Some("0"), &machine, &[]),
            (
                Some("bob"),
                Some("people"),
                &machine,
                &["read /etc/passwd", "ask for user bob", "read /etc/group", "ask for group people"],
            ),
            (Some("bob"), None, &image, &["read /etc/passwd"]),
        ];
        for (user, group, facts, expected) in cases {
            let ops: Vec<String> = probe_for(*user, *group, facts).iter().map(ToString::to_string).collect();
            assert_eq!(ops, *expected, "{user:?} {group:?}");
        }
        let why = "user `bob` does not exist: `/etc/passwd` does not have it";
        assert_eq!(owner(&outputs(&[]), Some("bob"), None), Ok(Err(why.into())));
        let none = Outputs::default();
        assert_eq!(owner(&none, Some("root"), Some("12")), Ok(Ok(Owner { uid: Some(0), gid: Some(12) })));
        let number = "user `4294967295` does not exist";
        assert_eq!(owner(&none, Some("4294967295"), None), Ok(Err(number.into())), "chown(2) takes it for none");
    }
}
