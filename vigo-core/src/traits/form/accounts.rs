//! `accounts`, `users`.

use super::super::Found;
use super::super::see::{fields, some, sorted};
use crate::value::Value;
use alloc::vec::Vec;

/// Returns area `accounts` of the texts of passwd(5) and group(5).
pub fn accounts(passwd: &str, group: &str) -> Found {
    Found::Value(fields([
        ("users", Some(Value::map(passwd.lines().filter_map(user)))),
        ("groups", Some(Value::map(group.lines().filter_map(of_group)))),
    ]))
}

fn id(text: &str) -> Option<Value> {
    Some(Value::Int(text.parse::<u32>().ok()?.into()))
}

fn user(line: &str) -> Option<(&str, Value)> {
    let all: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = all[..] else { return None };
    let value = [("uid", Some(id(uid)?)), ("gid", id(gid)), ("home", some(home)), ("shell", some(shell))];
    Some((name, fields(value)))
}

fn of_group(line: &str) -> Option<(&str, Value)> {
    let all: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = all[..] else { return None };
    let members = sorted(members.split(',').filter(|m| !m.is_empty()));
    Some((name, fields([("gid", Some(id(gid)?)), ("members", Some(members))])))
}

/// Whose an account is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    /// The system's: of the numbers that it gives out itself, and `nobody`.
    Os,
    /// Somebody's, who may log in.
    Human,
    /// A package's.
    ThirdParty,
}

/// Returns area `users` of the text of passwd(5) and the names that are logged in. `is_os` and `is_human` say it of a
/// number; nobody is human whose shell lets nobody in.
pub fn users<'a>(
    passwd: &str,
    logged_in: impl IntoIterator<Item = &'a str>,
    is_os: impl Fn(u32) -> bool,
    is_human: impl Fn(u32) -> bool,
) -> Found {
    let owned = |line: &'_ str| -> Option<Owner> {
        let mut fields = line.split(':');
        fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        let uid: i64 = fields.nth(1)?.parse().ok()?;
        let shell = fields.nth(3)?.rsplit('/').next().unwrap_or_default();
        // That of `nobody` is negative on some.
        let Ok(uid) = u32::try_from(uid) else { return Some(Owner::Os) };
        Some(match uid {
            uid if is_os(uid) => Owner::Os,
            uid if is_human(uid) && !matches!(shell, "nologin" | "false" | "true" | "sync") => Owner::Human,
            _ => Owner::ThirdParty,
        })
    };
    let of = |owner: Owner| {
        let lines = passwd.lines().filter(|line| owned(line) == Some(owner));
        Some(sorted(lines.filter_map(|line| line.split(':').next())))
    };
    Found::Value(fields([
        ("logged_in", Some(sorted(logged_in))),
        ("os", of(Owner::Os)),
        ("human", of(Owner::Human)),
        ("thirdparty", of(Owner::ThirdParty)),
    ]))
}

/// Returns the first word of each line: the names in what who(1) says.
pub fn first_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_whitespace().next())
}
