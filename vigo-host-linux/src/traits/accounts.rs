//! `accounts`: users and groups of the local files.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("accounts", probe, interpret).of_image();

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), read(GROUP)]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
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
    let fields_of: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields_of.as_slice() else { return None };
    let id = |text: &str| Some(Value::Int(text.parse::<u32>().ok()?.into()));
    let value =
        fields([("uid", Some(id(uid)?)), ("gid", Some(id(gid)?)), ("home", some(home)), ("shell", some(shell))]);
    Some((name, value))
}

fn of_group(line: &str) -> Option<(&str, Value)> {
    let fields_of: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields_of.as_slice() else { return None };
    let gid = gid.parse::<u32>().ok()?;
    let members = sorted(members.split(',').filter(|m| !m.is_empty()));
    Some((name, fields([("gid", Some(Value::Int(gid.into()))), ("members", Some(members))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn lines_that_are_no_accounts_are_left_out() {
        let outputs = answers(&[
            (PASSWD, "root:x:0:0:root:/root:/bin/bash\n+::::::\nbroken\n"),
            (GROUP, "sudo:x:27:bob,alice\nempty:x:5:\n"),
        ]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("users").and_then(Value::as_map).map(|m| m.len()), Some(1));
        assert_eq!(seen.at("users.root.shell"), Some(&"/bin/bash".into()));
        assert_eq!(seen.at("groups.sudo.members"), Some(&sorted(["alice", "bob"])));
        assert_eq!(seen.at("groups.empty.members"), Some(&Value::list([])));
    }
}
