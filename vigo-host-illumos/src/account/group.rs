//! Groups.

use super::role;
use super::settings::{read, settings};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, Renumber, State, Want, database_after};

/// `groupadd`, `groupmod`, `groupdel`, and for members `usermod`, or `rolemod`. *Unverified*: written after their manual pages.
pub(crate) struct LocalGroups;

impl Adapter<Groups> for LocalGroups {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `group` is not supported on an image of illumos")),
            None => Ok(()),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(false).into_iter().chain([role::read()]).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let seen = Database::from_outputs(outputs).and_then(|database| Ok((database.group(&want.group)?, database)));
        let (group, database) = match seen {
            Ok(seen) => seen,
            Err(why) => return Interpreted::Unknown(why),
        };
        let settings = match settings(outputs) {
            Some(settings) => settings,
            None if want.present && group.is_none() => return Interpreted::Ask(alloc::vec![read()]),
            None => Default::default(),
        };
        let roles = match role::all(outputs) {
            Ok(roles) => roles,
            Err(why) => return Interpreted::Unknown(why),
        };
        let accounts = database.accounts();
        let exists = |user: &Arc<str>| accounts.home(user).is_some();
        let state = State {
            gid_holder: want.gid.and_then(|gid| accounts.group_name(gid)).filter(|n| **n != *want.group).map(Arc::from),
            missing_members: want.members.iter().flatten().filter(|user| !exists(user)).cloned().collect(),
            primary_user: group.as_ref().and_then(|g| database.primary_user_of(g.gid)).map(Arc::from),
            group,
            settings: Arc::new(settings),
            database: database.clone(),
            roles,
            ..State::default()
        };
        Interpreted::Known(state.resuming(want))
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.group;
        let mut run = |program: &str, args: Vec<String>| ops.push(Op::Run(Command::change(program, args)));
        let is_role = |user: &str| state.roles.contains(user);
        for action in actions {
            match action {
                Action::Create => {
                    // There is no option for a number of the system's range: it is given here.
                    let own = || want.system.then(|| state.database.next_gid(state.settings.groups(true), None));
                    let none = || Problem::failed(format!("no number is left for group `{name}`"));
                    let gid = match (want.gid, own()) {
                        (Some(gid), _) => Some(gid),
                        (None, Some(next)) => Some(next.ok_or_else(none)?),
                        (None, None) => None,
                    };
                    let gid = gid.into_iter().flat_map(|gid| ["-g".into(), gid.to_string()]);
                    run("/usr/sbin/groupadd", gid.chain([name.into()]).collect());
                }
                Action::SetGid(gid) => {
                    // groupmod(8) leaves the users whose primary group it is with the old number.
                    let (steps, gid) = (state.renumber(*gid), gid.to_string());
                    for step in steps {
                        let (program, args): (_, &[&str]) = match &step {
                            Renumber::Stand(name) => ("/usr/sbin/groupadd", &["-g", &gid, name]),
                            Renumber::Move(user) => (role::modify(is_role(user)), &["-g", &gid, user]),
                            Renumber::Leave(name) => ("/usr/sbin/groupdel", &[name]),
                            Renumber::Set => ("/usr/sbin/groupmod", &["-g", &gid, name]),
                        };
                        run(program, args.iter().map(ToString::to_string).collect());
                    }
                }
                Action::Remove => run("/usr/sbin/groupdel", alloc::vec![name.into()]),
                // The groups of a user are set together: there is nothing that adds one.
                Action::AddMembers(users) => users.iter().for_each(|user| {
                    let mut groups = state.database.groups_of(user);
                    groups.insert(want.group.clone());
                    run(role::modify(is_role(user)), usermod_groups(&groups, user));
                }),
                Action::DropMembers(users) => users.iter().for_each(|user| {
                    let mut groups = state.database.groups_of(user);
                    groups.remove(&want.group);
                    run(role::modify(is_role(user)), usermod_groups(&groups, user));
                }),
            }
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        database_after(want, state, actions).map(|after| after.writes(&state.database)).unwrap_or_default()
    }
}

fn usermod_groups(groups: &BTreeSet<Arc<str>>, user: &str) -> Vec<String> {
    let list = groups.iter().map(|g| &**g).collect::<Vec<_>>().join(",");
    alloc::vec!["-G".into(), list, user.into()]
}
