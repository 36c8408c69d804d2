//! `users`, `accounts`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const USERS: Collector = Collector::slow("users", probe_users, users);
pub(super) const ACCOUNTS: Collector =
    Collector::quick("accounts", |_| alloc::vec![read(PASSWD), read(GROUP)], accounts).of_image();

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const WHO: &str = "/usr/bin/who";

fn probe_users(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), run(WHO, &[])]
}

/// Whose an account is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    /// The system's: the numbers that it gives out itself, and `nobody`.
    Os,
    /// Somebody who may log in.
    Human,
    /// A package's.
    ThirdParty,
}

fn users(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let passwd = see.need(PASSWD)?;
    let who = see.output(WHO, &[]).unwrap_or_default();
    let of = |class: Class| {
        let names = passwd.lines().filter_map(|line| classed(line).filter(|(_, c)| *c == class).map(|(name, _)| name));
        Some(sorted(names))
    };
    Ok(Found::Value(fields([
        ("logged_in", Some(sorted(who.lines().filter_map(|line| line.split_whitespace().next())))),
        ("os", of(Class::Os)),
        ("human", of(Class::Human)),
        ("thirdparty", of(Class::ThirdParty)),
    ])))
}

fn classed(line: &str) -> Option<(&str, Class)> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
    let uid: u32 = fields.nth(1)?.parse().ok()?;
    let shell = fields.nth(3)?.rsplit('/').next().unwrap_or_default();
    let class = match uid {
        // The base system's own end at 99; packages get those of the list of the ports.
        0..=99 | 65534 => Class::Os,
        1000.. if !matches!(shell, "nologin" | "false" | "true") => Class::Human,
        _ => Class::ThirdParty,
    };
    Some((name, class))
}

fn accounts(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let passwd = match see.need(PASSWD) {
        Err(_) if machine.is_image => return Ok(Found::Absent),
        other => other?,
    };
    let group = see.need(GROUP)?;
    Ok(Found::Value(fields([
        ("users", Some(Value::map(passwd.lines().filter_map(user)))),
        ("groups", Some(Value::map(group.lines().filter_map(of_group)))),
    ])))
}

fn user(line: &str) -> Option<(&str, Value)> {
    let all: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = all[..] else { return None };
    let id = |text: &str| Some(Value::Int(text.parse::<u32>().ok()?.into()));
    let value =
        fields([("uid", Some(id(uid)?)), ("gid", Some(id(gid)?)), ("home", some(home)), ("shell", some(shell))]);
    Some((name, value))
}

fn of_group(line: &str) -> Option<(&str, Value)> {
    let all: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = all[..] else { return None };
    let gid = gid.parse::<u32>().ok()?;
    let members = sorted(members.split(',').filter(|m| !m.is_empty()));
    Some((name, fields([("gid", Some(Value::Int(gid.into()))), ("members", Some(members))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    const TEXT: &str = "# $FreeBSD$\n#\nroot:*:0:0:Charlie &:/root:/bin/sh\nwww:*:80:80:x:/nonexistent:/usr/sbin/nologin\n\
        git_daemon:*:964:964:x:/nonexistent:/usr/sbin/nologin\nalice:*:1001:1001:x:/home/alice:/bin/sh\n+::::::\n";

    #[test]
    fn accounts_are_told_apart() {
        let outputs = answers(&[
            (PASSWD, TEXT),
            (GROUP, "wheel:*:0:root,alice\n# x\nempty:*:5:\n"),
            ("run /usr/bin/who", "alice    pts/0        Nov 22 16:00 (192.0.2.9)\nalice pts/1 x\n"),
        ]);
        let Ok(Found::Value(seen)) = users(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("human"), Some(&sorted(["alice"])));
        assert_eq!(seen.at("os"), Some(&sorted(["root", "www"])));
        assert_eq!(seen.at("thirdparty"), Some(&sorted(["git_daemon"])));
        assert_eq!(seen.at("logged_in"), Some(&sorted(["alice"])));
        let Ok(Found::Value(seen)) = accounts(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("users.alice.home"), Some(&"/home/alice".into()));
        assert_eq!(seen.at("groups.wheel.members"), Some(&sorted(["alice", "root"])));
        assert_eq!(seen.at("users").and_then(Value::as_map).map(|m| m.len()), Some(4));
    }
}
