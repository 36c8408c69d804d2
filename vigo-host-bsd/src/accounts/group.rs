//! Groups: groupadd(8), groupmod(8), groupdel(8); members by usermod(8), which no tool of the group's own sets.

use super::tools::{Leave, Tools};
use crate::answer::change;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, Renumber, State, Want, database_after};

impl Adapter<Groups> for Tools {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if want.system {
            return Err(self.unsupported("system", "group"));
        }
        self.runs("group", facts)
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(false)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(state) => Interpreted::Known(state),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.group;
        // A member that is no user is nobody whom usermod(8) knows.
        let accounts = state.database.accounts();
        let by_file = actions.iter().any(|action| match action {
            Action::DropMembers(users) => self.leave == Leave::ByFile || users.iter().any(|u| !accounts.has_user(u)),
            _ => false,
        });
        let is_member = |action: &&Action| matches!(action, Action::AddMembers(_) | Action::DropMembers(_));
        for action in actions {
            match action {
                Action::Create => {
                    let gid = want.gid.map(|gid| gid.to_string());
                    let gid = gid.iter().flat_map(|gid| ["-g", gid]);
                    ops.push(change("/usr/sbin/groupadd", &gid.chain(["--", name]).collect::<Vec<_>>()));
                }
                Action::SetGid(gid) => {
                    // groupmod(8) leaves the users whose primary group it is with the old number.
                    let (steps, gid) = (state.renumber(*gid), gid.to_string());
                    ops.extend(steps.into_iter().map(|step| match step {
                        Renumber::Stand(name) => change("/usr/sbin/groupadd", &["-g", &gid, "--", &name]),
                        Renumber::Move(user) => change("/usr/sbin/usermod", &["-g", &gid, "--", user]),
                        Renumber::Leave(name) => change("/usr/sbin/groupdel", &["--", &name]),
                        Renumber::Set => change("/usr/sbin/groupmod", &["-g", &gid, "--", name]),
                    }));
                }
                Action::Remove => ops.push(change("/usr/sbin/groupdel", &["--", name])),
                Action::AddMembers(_) | Action::DropMembers(_) if by_file => {}
                Action::AddMembers(users) => {
                    ops.extend(users.iter().map(|user| change("/usr/sbin/usermod", &["-G", name, "--", user])));
                }
                Action::DropMembers(users) => {
                    for user in users {
                        let all = state.database.groups_of(user);
                        let rest: Vec<&str> = all.iter().map(|g| &**g).filter(|g| *g != name).collect();
                        ops.push(change("/usr/sbin/usermod", &["-S", &rest.join(","), "--", user]));
                    }
                }
            }
        }
        if by_file {
            let members: Vec<Action> = actions.iter().filter(is_member).cloned().collect();
            let after = database_after(want, state, &members);
            let writes = after.map(|after| after.writes(&state.database)).unwrap_or_default();
            // The file that was seen is the one that is replaced: before another call writes it.
            ops.splice(0..0, writes);
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        database_after(want, state, actions).map(|after| after.writes(&state.database)).unwrap_or_default()
    }
}

impl Tools {
    /// Returns that an attribute has no meaning here.
    pub(super) fn unsupported(&self, attribute: &str, of: &str) -> Problem {
        let message = format!("attribute `{attribute}` of type `{of}` is not supported on {}", self.os);
        Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) }
    }

    /// Says whether the tools can be run.
    pub(super) fn runs(&self, of: &str, facts: &HostFacts) -> Result<(), Problem> {
        match &facts.image {
            Some(_) => Err(Problem::unsupported(format!("type `{of}` is not supported on an image of {}", self.os))),
            None => Ok(()),
        }
    }
}

/// Returns what there is of a group.
///
/// # Errors
/// A fragment, when its files could not be read.
pub(crate) fn observe(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let database = Database::from_outputs(outputs)?;
    let group = database.group(&want.group)?;
    let accounts = database.accounts();
    let state = State {
        gid_holder: want.gid.and_then(|gid| accounts.group_name(gid)).filter(|n| **n != *want.group).map(Arc::from),
        missing_members: want.members.iter().flatten().filter(|user| !accounts.has_user(user)).cloned().collect(),
        primary_user: group.as_ref().and_then(|g| database.primary_user_of(g.gid)).map(Arc::from),
        group,
        database: database.clone(),
        ..State::default()
    };
    Ok(state.resuming(want))
}
