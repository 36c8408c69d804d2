//! `accounts` and `users`: Directory Service's local node.

use crate::account::{database, reads};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const ACCOUNTS: Collector = Collector::slow("accounts", probe, accounts);
pub(super) const USERS: Collector = Collector::slow("users", users_probe, users);

const WHO: &str = "/usr/bin/who";

fn probe(_: &Machine) -> Vec<Op> {
    reads().into()
}

fn users_probe(_: &Machine) -> Vec<Op> {
    reads().into_iter().chain([run(WHO, &[])]).collect()
}

/// Numbers are signed there.
fn id(text: &str) -> Option<Value> {
    text.parse::<u32>().ok().map(|n| Value::Int(n.into()))
}

fn accounts(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let database = database(outputs)?;
    let (passwd, group) = (String::from_utf8_lossy(&database.passwd), String::from_utf8_lossy(&database.group));
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

/// People's accounts begin at 501; those of the system have an underscore before their names.
fn users(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let database = database(outputs)?;
    let text = String::from_utf8_lossy(&database.passwd);
    let who = See(outputs).output(WHO, &[])?;
    let (mut os, mut human, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        let all: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, _, _, shell] = all[..] else { continue };
        let logs_in = !shell.is_empty() && !matches!(shell.rsplit('/').next(), Some("false" | "nologin" | "true"));
        match uid.parse::<u32>() {
            Ok(501..=4_000_000_000) if logs_in => human.push(name),
            Ok(501..=4_000_000_000) => others.push(name),
            _ => os.push(name),
        }
    }
    Ok(Found::Value(fields([
        ("logged_in", Some(sorted(who.lines().filter_map(|l| l.split_whitespace().next())))),
        ("os", Some(sorted(os))),
        ("human", Some(sorted(human))),
        ("thirdparty", Some(sorted(others))),
    ])))
}
