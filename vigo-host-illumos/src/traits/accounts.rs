//! `accounts` and `users`: the local files.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const ACCOUNTS: Collector = Collector::quick("accounts", probe, accounts);
pub(super) const USERS: Collector = Collector::slow("users", users_probe, users);

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const WHO: &str = "/usr/bin/who";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), read(GROUP)]
}

fn users_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), run(WHO, &[])]
}

fn id(text: &str) -> Option<Value> {
    text.parse::<u32>().ok().map(|n| Value::Int(n.into()))
}

fn accounts(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (passwd, group) = (see.need(PASSWD)?, see.need(GROUP)?);
    let user = |line: &str| {
        let all: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell] = all[..] else { return None };
        let value = fields([("uid", Some(id(uid)?)), ("gid", id(gid)), ("home", some(home)), ("shell", some(shell))]);
        Some((String::from(name), value))
    };
    let one = |line: &str| {
        let all: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = all[..] else { return None };
        let members = sorted(members.split(',').filter(|m| !m.is_empty()));
        Some((String::from(name), fields([("gid", Some(id(gid)?)), ("members", Some(members))])))
    };
    Ok(Found::Value(fields([
        ("users", Some(Value::map(passwd.lines().filter_map(user)))),
        ("groups", Some(Value::map(group.lines().filter_map(one)))),
    ])))
}

/// People's accounts begin at 100; those from 60001 on are the system's `nobody` and its like.
fn users(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (text, who) = (see.need(PASSWD)?, see.output(WHO, &[])?);
    let (mut os, mut human, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        let all: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, _, _, shell] = all[..] else { continue };
        let logs_in = !matches!(shell.rsplit('/').next(), Some("false" | "nologin" | "true"));
        match uid.parse::<u32>() {
            Ok(0..=99 | 60001..=65534) | Err(_) => os.push(name),
            Ok(_) if logs_in => human.push(name),
            Ok(_) => others.push(name),
        }
    }
    Ok(Found::Value(fields([
        ("logged_in", Some(sorted(who.lines().filter_map(|l| l.split_whitespace().next())))),
        ("os", Some(sorted(os))),
        ("human", Some(sorted(human))),
        ("thirdparty", Some(sorted(others))),
    ])))
}
