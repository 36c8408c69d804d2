//! Groups.

use super::settings::{settings, settings_reads};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem};
use vigo_core::resource::group::{Action, Groups, State, Want, database_after, members_after};

/// `groupadd`, `groupmod`, `groupdel` and `gpasswd` of the shadow suite.
pub(crate) struct ShadowGroups;

/// `addgroup` and `delgroup` of BusyBox.
pub(crate) struct BusyBoxGroups;

/// The files of an image.
pub(crate) struct FileGroups;

impl Adapter<Groups> for ShadowGroups {
    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(false)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = want.group.to_string();
        let mut run = |program: &str, args: Vec<String>| ops.push(Op::Run(Command::change(program, args)));
        let mut members = false;
        for action in actions {
            match action {
                Action::Create => {
                    let mut args = Vec::new();
                    args.extend(want.system.then(|| "-r".into()));
                    args.extend(want.gid.into_iter().flat_map(|gid| ["-g".into(), gid.to_string()]));
                    args.extend(["--".into(), name.clone()]);
                    run("groupadd", args);
                }
                Action::SetGid(gid) => run("groupmod", ["-g", &gid.to_string(), "--", &name].map(String::from).into()),
                Action::Remove => run("groupdel", ["--", &name].map(String::from).into()),
                Action::AddMembers(_) | Action::DropMembers(_) => members = true,
            }
        }
        if members {
            let all = members_after(state, actions);
            let list = all.iter().map(|m| &**m).collect::<Vec<_>>().join(",");
            run("gpasswd", ["-M", &list, "--", &name].map(String::from).into());
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        database_after(want, state, actions).map(|after| after.writes(&state.database)).unwrap_or_default()
    }
}

impl Adapter<Groups> for BusyBoxGroups {
    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(false)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.group;
        for action in actions {
            let mut run = |program: &str, args: &[&str]| {
                ops.push(Op::Run(Command::change(program, args.iter().copied())));
            };
            match action {
                Action::Create => {
                    let gid = want.gid.map(|gid| gid.to_string());
                    let mut args = Vec::new();
                    args.extend(want.system.then_some("-S"));
                    args.extend(gid.iter().flat_map(|gid| ["-g", gid]));
                    args.push(name);
                    run("addgroup", &args);
                }
                Action::AddMembers(users) => users.iter().for_each(|user| run("addgroup", &[user, name])),
                Action::DropMembers(users) => users.iter().for_each(|user| run("delgroup", &[user, name])),
                Action::Remove => run("delgroup", &[name]),
                // BusyBox has no groupmod.
                Action::SetGid(_) => match database_after(want, state, core::slice::from_ref(action)) {
                    Some(after) => ops.extend(after.writes(&state.database)),
                    None => return Err(no_number(want)),
                },
            }
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], outputs: &Outputs) -> Vec<Op> {
        ShadowGroups.shadow(want, state, actions, outputs)
    }
}

impl Adapter<Groups> for FileGroups {
    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(true)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let after = database_after(want, state, actions).ok_or_else(|| no_number(want))?;
        Ok(after.writes(&state.database))
    }
}

fn no_number(want: &Want) -> Problem {
    Problem::failed(format!("no number is left for group `{}`", want.group))
}

fn interpret(want: &Want, outputs: &Outputs) -> Interpreted<State> {
    let database = match Database::from_outputs(outputs) {
        Ok(database) => database,
        Err(why) => return Interpreted::Unknown(why),
    };
    let group = match database.group(&want.group) {
        Ok(group) => group,
        Err(why) => return Interpreted::Unknown(why),
    };
    let settings = match settings(outputs) {
        Some(settings) => settings,
        None if want.present && group.is_none() => return Interpreted::Ask(settings_reads()),
        None => Default::default(),
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
        ..State::default()
    };
    Interpreted::Known(state)
}
