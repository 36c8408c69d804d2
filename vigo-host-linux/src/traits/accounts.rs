//! `accounts`: users and groups of the local files.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

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
    Ok(form::accounts(&passwd, &see.need(GROUP)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::see::sorted;
    use vigo_core::value::Value;

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
