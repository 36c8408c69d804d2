//! `accounts`, `users`: local ones, by their SIDs. Who is logged in is not told: the tool that says it is localised.

use crate::account::{Listing, is_built_in, list, number};
use alloc::string::String;
use vigo_core::action::Outputs;
use vigo_core::time::Duration;
use vigo_core::traits::see::{fields, int, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const ACCOUNTS: Collector =
    Collector::slow("accounts", |_| alloc::vec![list()], accounts).within(Duration::from_secs(30));
pub(super) const USERS: Collector =
    Collector::slow("users", |_| alloc::vec![list()], users).within(Duration::from_secs(30));

/// The number of an account is the last of its SID.
fn accounts(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let all = Listing::from_outputs(outputs)?;
    let user = |user: &crate::account::LocalUser| {
        let value = fields([("uid", Some(int(number(&user.sid).into()))), ("home", some(&user.home))]);
        (user.name.clone(), value)
    };
    let group = |group: &crate::account::LocalGroup| {
        let members = sorted(group.members.iter().map(|sid| name_of(&all, sid)));
        (group.name.clone(), fields([("gid", Some(int(number(&group.sid).into()))), ("members", Some(members))]))
    };
    Ok(Found::Value(fields([
        ("users", Some(Value::map(all.users.iter().map(user)))),
        ("groups", Some(Value::map(all.groups.iter().map(group)))),
    ])))
}

/// A member from elsewhere has no name here.
fn name_of<'a>(all: &'a Listing, sid: &'a str) -> &'a str {
    all.users.iter().find(|user| user.sid == sid).map_or(sid, |user| &user.name)
}

/// An account that cannot be used is nobody's.
fn users(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let all = Listing::from_outputs(outputs)?;
    let of = |is_os: bool, enabled: bool| {
        let those =
            all.users.iter().filter(move |user| is_built_in(&user.sid) == is_os && (is_os || user.enabled == enabled));
        Some(sorted(those.map(|user| user.name.as_str())))
    };
    Ok(Found::Value(fields([("os", of(true, true)), ("human", of(false, true)), ("thirdparty", of(false, false))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;

    #[test]
    fn accounts_are_told_apart_by_their_sids() {
        let text = "user S-1-5-21-1-2-3-500 =QWRtaW5pc3RyYXRvcg== False never = =\r\nuser S-1-5-21-1-2-3-1001 =Ym9i True never = =QzpcQm9i\r\n\
            group S-1-5-32-544 =QWRtaW5pc3RyYXRvcnM=\r\nmember S-1-5-21-1-2-3-1001\r\nmember S-1-5-21-9-9-9-512\r\nend\r\n";
        let mut outputs = Outputs::default();
        outputs.push(list(), Arc::new(OpOutput::exited(0, text, "")));
        let Ok(Found::Value(seen)) = accounts(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(
            (seen.at("users.bob.uid"), seen.at("users.bob.home")),
            (Some(&Value::Int(1001)), Some(&"C:\\Bob".into()))
        );
        assert_eq!(seen.at("groups.Administrators.members"), Some(&sorted(["S-1-5-21-9-9-9-512", "bob"])));
        let Ok(Found::Value(seen)) = users(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("os"), seen.at("human")), (Some(&sorted(["Administrator"])), Some(&sorted(["bob"]))));
        assert!(users(&Machine::default(), &Outputs::default()).is_err());
    }
}
