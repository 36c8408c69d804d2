//! Groups: pw(8).

use super::user::PW;
use crate::accounts::group::observe;
use crate::answer::change;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, Renumber, State, Want, database_after};

/// By pw(8).
pub(super) struct PwGroups;

impl Adapter<Groups> for PwGroups {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match &facts.image {
            Some(_) => Err(Problem::unsupported("type `group` is not supported on an image of freebsd")),
            None => Ok(()),
        }
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
        let name = &*want.group;
        let listed = |names: &BTreeSet<Arc<str>>| names.iter().map(|n| &**n).collect::<Vec<_>>().join(",");
        let ops = |action: &Action| match action {
            Action::Create => {
                // pw(8) has no numbers apart for the system's groups.
                let range = state.settings.groups(true);
                let systems = || state.database.next_gid(range, None).filter(|_| want.system);
                let gid: Option<String> = want.gid.or_else(systems).map(|gid| gid.to_string());
                let gid = gid.iter().flat_map(|gid| ["-g", gid]);
                alloc::vec![change(PW, &["groupadd", "-n", name].into_iter().chain(gid).collect::<Vec<_>>())]
            }
            Action::SetGid(gid) => {
                // pw(8) leaves the users whose primary group it is with the old number.
                let (steps, gid) = (state.renumber(*gid), gid.to_string());
                let call = |step| match step {
                    Renumber::Stand(name) => change(PW, &["groupadd", "-n", &name, "-g", &gid]),
                    Renumber::Move(user) => change(PW, &["usermod", "-n", user, "-g", &gid]),
                    Renumber::Leave(name) => change(PW, &["groupdel", "-n", &name]),
                    Renumber::Set => change(PW, &["groupmod", "-n", name, "-g", &gid]),
                };
                steps.into_iter().map(call).collect()
            }
            Action::Remove => alloc::vec![change(PW, &["groupdel", "-n", name])],
            Action::AddMembers(names) => alloc::vec![change(PW, &["groupmod", "-n", name, "-m", &listed(names)])],
            Action::DropMembers(names) => alloc::vec![change(PW, &["groupmod", "-n", name, "-d", &listed(names)])],
        };
        Ok(actions.iter().flat_map(ops).collect())
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        database_after(want, state, actions).map(|after| after.writes(&state.database)).unwrap_or_default()
    }
}
