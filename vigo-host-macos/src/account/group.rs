//! Groups.

use super::directory::{EXISTS, database, dscl, flush, reads, settings};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, State, Want};

/// dseditgroup(8), and dscl(1) for numbers. *Unverified*: written after their manual pages and what people reported.
pub(crate) struct DirectoryGroups;

impl Adapter<Groups> for DirectoryGroups {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `group` is not supported on an image of macos")),
            None => Ok(()),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        reads().into()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let database = match database(outputs) {
            Ok(database) => database,
            Err(why) => return Interpreted::Unknown(why),
        };
        let group = match database.group(&want.group) {
            Ok(group) => group,
            Err(why) => return Interpreted::Unknown(why),
        };
        let accounts = database.accounts();
        let exists = |user: &Arc<str>| accounts.home(user).is_some();
        Interpreted::Known(State {
            gid_holder: want.gid.and_then(|gid| accounts.group_name(gid)).filter(|n| **n != *want.group).map(Arc::from),
            missing_members: want.members.iter().flatten().filter(|user| !exists(user)).cloned().collect(),
            primary_user: group.as_ref().and_then(|g| database.primary_user_of(g.gid)).map(Arc::from),
            group,
            settings: Arc::new(settings()),
            database: database.clone(),
            ..State::default()
        })
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.group;
        let record = format!("/Groups/{name}");
        for action in actions {
            match action {
                Action::Create => {
                    // Given here: what dseditgroup would give may be anything.
                    let next = || state.database.next_gid(state.settings.groups(want.system), None);
                    let none = || Problem::failed(format!("no number is left for group `{name}`"));
                    let gid = want.gid.or_else(next).ok_or_else(none)?.to_string();
                    ops.push(edit(&["-o", "create", "-n", ".", "-i", &gid, name]).accept(&[0, EXISTS]));
                }
                Action::SetGid(gid) => {
                    let gid = gid.to_string();
                    let set = |record: &str| dscl(&["-create", record, "PrimaryGroupID", &gid]);
                    // The users whose primary group it is would keep the old number. They go first: what stopped half-way
                    // is begun again.
                    ops.extend(state.primary_users().map(|user| set(&format!("/Users/{user}"))));
                    ops.push(set(&record));
                }
                Action::AddMembers(users) => ops.extend(users.iter().map(|user| member("-a", user, name))),
                Action::DropMembers(users) => ops.extend(users.iter().map(|user| member("-d", user, name))),
                Action::Remove => ops.push(edit(&["-o", "delete", "-n", ".", name])),
            }
        }
        let forgets = (!ops.is_empty()).then(flush);
        Ok(ops.into_iter().map(Op::Run).chain(forgets).collect())
    }
}

fn edit(args: &[&str]) -> Command {
    Command::change("/usr/sbin/dseditgroup", args.iter().copied())
}

/// Returns the call that adds a member (`-a`) or drops one (`-d`).
pub(super) fn member(way: &str, user: &str, group: &str) -> Command {
    edit(&["-o", "edit", "-n", ".", way, user, "-t", "user", group])
}
