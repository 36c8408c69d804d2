//! Local groups.

use super::listing::{Listing, is_built_in, is_sid, number, read};
use crate::powershell::{change, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::{Adapter, Group, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, State, Want};

/// Local groups by PowerShell; members compare as SIDs. *Unverified*: written after the documentation of its commands.
pub(crate) struct LocalGroups;

impl Adapter<Groups> for LocalGroups {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("groups of an image cannot be managed on windows"));
        }
        let attribute = match want {
            Want { gid: Some(_), .. } => "gid",
            Want { system: true, .. } => "system",
            _ => return Ok(()),
        };
        Err(Problem::unsupported(format!("attribute `{attribute}` of type `group` is not supported on windows")))
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![read()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match Listing::from_outputs(outputs) {
            Ok(listing) => Interpreted::Known(state(want, &listing)),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let group = named("Name", &want.group);
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Create => ops.push(run(&format!("New-LocalGroup -Name {} | Out-Null", quoted(&want.group)))),
                Action::AddMembers(names) => ops.extend(names.iter().map(|m| member("Add", &group, m))),
                Action::DropMembers(names) => ops.extend(names.iter().map(|m| member("Remove", &group, m))),
                Action::Remove if state.group.as_ref().is_some_and(|g| g.gid < 1000) => {
                    let message = format!("group `{}` is built into the system", want.group);
                    return Err(Problem::guarded("group", message));
                }
                Action::Remove => ops.push(run(&format!("Remove-LocalGroup {group}"))),
                Action::SetGid(_) => {
                    return Err(Problem::unsupported("attribute `gid` of type `group` is not supported on windows"));
                }
            }
        }
        Ok(ops)
    }
}

fn run(script: &str) -> Op {
    Op::Run(change(script))
}

/// Returns the argument that names an account: by its SID, where it is written as one.
pub(super) fn named(by_name: &str, account: &str) -> String {
    let by = if is_sid(account) { "SID" } else { by_name };
    format!("-{by} {}", quoted(account))
}

fn member(verb: &str, group: &str, member: &str) -> Op {
    run(&format!("{verb}-LocalGroupMember {group} -Member {}", quoted(member)))
}

fn state(want: &Want, listing: &Listing) -> State {
    let wanted = want.members.iter().flatten();
    let sid = |name: &str| match listing.user(name) {
        Some(user) => Some(user.sid.clone()),
        None => is_sid(name).then(|| name.to_ascii_uppercase()),
    };
    let known: Vec<(String, &Arc<str>)> = wanted.clone().filter_map(|name| Some((sid(name)?, name))).collect();
    let group = listing.group(&want.group).map(|group| {
        let shown = |member: &String| match known.iter().find(|(sid, _)| sid == member) {
            // As it is written, so that it compares as the same.
            Some((_, name)) => (*name).clone(),
            None => listing.user(member).map_or(member.as_str(), |user| user.name.as_str()).into(),
        };
        let members: BTreeSet<Arc<str>> = group.members.iter().map(shown).collect();
        let gid = if is_built_in(&group.sid) { number(&group.sid).min(999) } else { number(&group.sid) };
        Group { gid: gid.max(1), members }
    });
    State { group, missing_members: wanted.filter(|name| sid(name).is_none()).cloned().collect(), ..State::default() }
}
