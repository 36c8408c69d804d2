//! Users.

use super::settings::{settings, settings_reads};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem};
use vigo_core::resource::user::{
    Action, Ageing, Found, Machine, Skeleton, State, Users, Want, database_after, files_beside_tools, first_reads,
    groups_after, home_to_remove, observe, sudo_path, sudo_writes,
};
use vigo_core::value::Text;

/// `useradd`, `usermod`, `userdel`, `chage` and `chpasswd` of the shadow suite.
pub(crate) struct ShadowUsers;

/// `adduser`, `deluser` and `chpasswd` of BusyBox.
pub(crate) struct BusyBoxUsers;

/// The files of an image.
pub(crate) struct FileUsers;

impl Adapter<Users> for ShadowUsers {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        no_login_class(want)
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        probe(want)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs, facts)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        if actions.contains(&Action::Create) {
            ops.push(Op::Run(Command::change("useradd", useradd(want, state))));
        }
        let modify = usermod(want, state, actions);
        if !modify.is_empty() {
            let end = ["--".into(), want.username.to_string()];
            ops.push(Op::Run(Command::change("usermod", modify.into_iter().chain(end))));
        }
        for action in actions {
            match action {
                Action::SetPassword(stored) => ops.push(set_password(want, stored)),
                Action::SetAgeing(ageing) => ops.push(Op::Run(Command::change("chage", chage(want, ageing)))),
                Action::Remove => {
                    let mut args: Vec<String> = home_to_remove(want, state).map(|_| "-r".into()).into_iter().collect();
                    args.extend(["--".into(), want.username.to_string()]);
                    ops.push(Op::Run(Command::change("userdel", args)));
                }
                _ => {}
            }
        }
        ops.extend(files_beside_tools(want, state, actions));
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        shadow(want, state, actions)
    }
}

impl Adapter<Users> for BusyBoxUsers {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        no_login_class(want)?;
        let Ageing { max, min, warn, inactive, expires } = want.ageing;
        let attributes = [
            ("password_max_age", max.is_some()),
            ("password_min_age", min.is_some()),
            ("password_warn_days", warn.is_some()),
            ("password_inactive_days", inactive.is_some()),
            ("expires", expires.is_some()),
        ];
        match attributes.iter().find(|(_, written)| *written) {
            Some((name, _)) => Err(Problem::unsupported(format!(
                "attribute `{name}` of type `user` is not supported on {} without the shadow suite",
                facts.system()
            ))),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        probe(want)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs, facts)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.username;
        for action in actions {
            let mut run = |program: &str, args: &[&str]| {
                ops.push(Op::Run(Command::change(program, args.iter().copied())));
            };
            match action {
                Action::Create => {
                    let args = adduser(want, state);
                    run("adduser", &args.iter().map(|a| &**a).collect::<Vec<_>>());
                    want.groups.iter().flatten().for_each(|group| run("addgroup", &[name, group]));
                }
                Action::Join(groups) => groups.iter().for_each(|group| run("addgroup", &[name, group])),
                Action::Leave(groups) => groups.iter().for_each(|group| run("delgroup", &[name, group])),
                Action::Lock => run("passwd", &["-l", name]),
                Action::Unlock => run("passwd", &["-u", name]),
                Action::SetPassword(stored) => ops.push(set_password(want, stored)),
                Action::Remove if home_to_remove(want, state).is_some() => run("deluser", &["--remove-home", name]),
                Action::Remove => run("deluser", &[name]),
                // BusyBox has no usermod.
                Action::Modify(_) => {
                    let (after, more) =
                        database_after(want, state, core::slice::from_ref(action)).ok_or_else(|| no_number(want))?;
                    ops.extend(after.writes(&state.database));
                    ops.extend(more);
                }
                _ => {}
            }
        }
        ops.extend(files_beside_tools(want, state, actions));
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        shadow(want, state, actions)
    }
}

impl Adapter<Users> for FileUsers {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        no_login_class(want)
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = probe(want);
        ops.extend(Database::reads(true).pop());
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs, facts)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let (after, more) = database_after(want, state, actions).ok_or_else(|| no_number(want))?;
        let mut ops = after.writes(&state.database);
        ops.extend(more);
        // The rule is ours and the name is checked; the image's visudo cannot be run.
        ops.extend(sudo_writes(want, state, actions, false));
        Ok(ops)
    }
}

fn no_login_class(want: &Want) -> Result<(), Problem> {
    match &want.login_class {
        Some(_) => Err(Problem::unsupported("attribute `login_class` of type `user` is not supported on linux")),
        None => Ok(()),
    }
}

fn no_number(want: &Want) -> Problem {
    Problem::failed(format!("no number is left for user `{}`", want.username))
}

fn probe(want: &Want) -> Vec<Op> {
    let mut ops = Database::reads(true);
    ops.pop();
    ops.extend(first_reads(want, &sudo_file(want)));
    ops
}

fn sudo_file(want: &Want) -> AbsPath {
    sudo_path(&AbsPath::known("/etc/sudoers.d"), &want.username)
}

fn interpret(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
    let database = match Database::from_outputs(outputs) {
        Ok(database) => database,
        Err(why) => return Interpreted::Unknown(why),
    };
    let getent = || Op::Run(Command::read("getent", ["passwd", &want.username]));
    let machine = Machine {
        database,
        unread: match outputs.path(&AbsPath::known("/etc/shadow")) {
            Some(OpOutput::Failed(failure)) => Some(failure.message.clone()),
            _ => None,
        },
        sudo: sudo_file(want),
        elsewhere: facts.image.is_none().then(getent),
        is_elsewhere: elsewhere,
        settings: &settings_reads(),
        read_settings: settings,
        skeleton: Skeleton::Etc,
    };
    match observe(want, outputs, machine) {
        Ok(Ok(state)) => Interpreted::Known(state),
        Ok(Err(ask)) => Interpreted::Ask(ask),
        Err(why) => Interpreted::Unknown(why),
    }
}

/// Returns whether the name service knows the name, which the local files do not. getent(1) exits 2 for an unknown key.
fn elsewhere(want: &Want, outputs: &Outputs) -> Result<bool, String> {
    use vigo_core::action::FailureKind;
    match outputs.ran("getent", &["passwd", &want.username]) {
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out().split(':').next() == Some(&*want.username)),
        Some(OpOutput::Ran(ran)) if ran.code() == Some(2) => Ok(false),
        Some(OpOutput::Ran(ran)) => Err(format!("`getent passwd {}` ended with {}", want.username, ran.exit)),
        Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => Ok(false),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Ok(false),
    }
}

fn useradd(want: &Want, state: &State) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    let mut option = |letter: &str, value: Option<String>| {
        if let Some(value) = value {
            args.extend([letter.into(), value]);
        }
    };
    let groups = want.groups.as_ref().filter(|g| !g.is_empty());
    option("-u", want.uid.map(|uid| uid.to_string()));
    option("-g", primary_group(want, state));
    option("-G", groups.map(|g| g.iter().map(|g| &**g).collect::<Vec<_>>().join(",")));
    option("-s", want.shell.as_ref().map(ToString::to_string));
    option("-d", want.home.as_ref().map(ToString::to_string));
    option("-c", want.comment.as_ref().map(ToString::to_string));
    args.push(if want.manage_home { "-m" } else { "-M" }.into());
    args.extend(want.system.then(|| "-r".into()));
    args.extend(["--".into(), want.username.to_string()]);
    args
}

/// Returns the primary group to name: the wanted one, or a group of the user's own name that is there already, where
/// useradd(8) would stop ("group exists").
fn primary_group(want: &Want, state: &State) -> Option<String> {
    let own = || matches!(state.database.group(&want.username), Ok(Some(_))).then(|| want.username.to_string());
    want.group.as_ref().map(ToString::to_string).or_else(own)
}

fn adduser(want: &Want, state: &State) -> Vec<String> {
    let mut args: Vec<String> = alloc::vec!["-D".into()];
    let mut option = |letter: &str, value: Option<String>| {
        if let Some(value) = value {
            args.extend([letter.into(), value]);
        }
    };
    let by_name = |group: String| match group.parse::<u32>() {
        Ok(gid) => state.database.accounts().group_name(gid).map_or(group, ToString::to_string),
        Err(_) => group,
    };
    option("-u", want.uid.map(|uid| uid.to_string()));
    option("-G", primary_group(want, state).map(by_name));
    option("-s", want.shell.as_ref().map(ToString::to_string));
    option("-h", want.home.as_ref().map(ToString::to_string));
    option("-g", Some(want.comment.as_deref().unwrap_or("").into()));
    args.extend((!want.manage_home).then(|| "-H".into()));
    args.extend(want.system.then(|| "-S".into()));
    args.push(want.username.to_string());
    args
}

fn usermod(want: &Want, state: &State, actions: &[Action]) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    for action in actions {
        match action {
            Action::Modify(m) => {
                let mut option = |letter: &str, value: Option<String>| {
                    if let Some(value) = value {
                        args.extend([letter.into(), value]);
                    }
                };
                option("-u", m.uid.map(|n| n.to_string()));
                option("-g", m.gid.map(|n| n.to_string()));
                option("-s", m.shell.as_ref().map(ToString::to_string));
                option("-d", m.home.as_ref().map(ToString::to_string));
                option("-c", m.comment.as_ref().map(ToString::to_string));
                // usermod(8) -m does nothing good when the new home is there already.
                let free = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
                args.extend((m.home.is_some() && want.move_home && free).then(|| "-m".into()));
            }
            Action::Lock => args.push("-L".into()),
            Action::Unlock => args.push("-U".into()),
            _ => {}
        }
    }
    let join = actions.iter().any(|a| matches!(a, Action::Join(_)));
    let leave = actions.iter().any(|a| matches!(a, Action::Leave(_)));
    if join || leave {
        // The whole list, not -a: groups that were joined meanwhile are left where others are not wanted only.
        let all = groups_after(want, state, actions);
        let joined = actions.iter().find_map(|a| if let Action::Join(groups) = a { Some(groups) } else { None });
        let list = if leave { &all } else { joined.unwrap_or(&all) };
        args.extend((!leave).then(|| "-a".into()));
        args.extend(["-G".into(), list.iter().map(|g| &**g).collect::<Vec<_>>().join(",")]);
    }
    args
}

fn chage(want: &Want, ageing: &Ageing) -> Vec<String> {
    let pairs = [("-M", ageing.max), ("-m", ageing.min), ("-W", ageing.warn), ("-I", ageing.inactive)];
    let mut args: Vec<String> = Vec::new();
    for (option, days) in pairs {
        args.extend(days.into_iter().flat_map(|days| [option.into(), days.to_string()]));
    }
    if let Some(expires) = ageing.expires {
        let day = if expires.day() < 0 { "-1".into() } else { expires.to_string() };
        args.extend(["-E".into(), day]);
    }
    args.extend(["--".into(), want.username.to_string()]);
    args
}

fn set_password(want: &Want, stored: &Text) -> Op {
    let line = Text::plain(format!("{}:{}\n", want.username, stored.as_str())).tainted_by(stored.secret_path());
    Op::Run(Command::change("chpasswd", ["-e"]).stdin(line))
}

fn shadow(want: &Want, state: &State, actions: &[Action]) -> Vec<Op> {
    let Some((after, more)) = database_after(want, state, actions) else { return Vec::new() };
    let mut ops = after.writes(&state.database);
    ops.extend(more);
    ops.extend(sudo_writes(want, state, actions, true));
    ops
}
