//! Users: pw(8). A hash goes to its standard input, a day of expiry as seconds since 1970.

use crate::accounts::master::{self, Lock};
use crate::answer::change;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, FailureKind, Op, OpOutput, Outputs, Validate};
use vigo_core::host::{AccountSettings, Adapter, Database, HostFacts, IdRange, Interpreted, Problem};
use vigo_core::resource::service::Service;
use vigo_core::resource::user::{
    self, Action, Ageing, Found, Machine, Modification, Skeleton, State, Users, Want, database_after,
    files_beside_tools, first_reads, home_to_remove,
};
use vigo_core::value::Text;

/// By pw(8).
pub(super) struct PwUsers;

pub(super) const PW: &str = "/usr/sbin/pw";

const VISUDO: &str = "/usr/local/sbin/visudo";

impl Adapter<Users> for PwUsers {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let Ageing { max, min, warn, inactive, .. } = want.ageing;
        let attributes = [
            ("password_max_age", max.is_some()),
            ("password_min_age", min.is_some()),
            ("password_warn_days", warn.is_some()),
            ("password_inactive_days", inactive.is_some()),
        ];
        if let Some((attribute, _)) = attributes.iter().find(|(_, written)| *written) {
            let message = format!("attribute `{attribute}` of type `user` is not supported on freebsd");
            return Err(Problem { attribute: Some((*attribute).into()), ..Problem::unsupported(message) });
        }
        match &facts.image {
            Some(_) => Err(Problem::unsupported("type `user` is not supported on an image of freebsd")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = Database::reads(false);
        ops.push(Op::read_file(&master::path()));
        ops.extend(first_reads(want, &sudo_file(want)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.username;
        // A new account is never without its password: what stopped between the two would not be told from one whose
        // password somebody took away.
        let first = actions.iter().find_map(|action| match action {
            Action::SetPassword(stored) if actions.contains(&Action::Create) => Some(stored),
            _ => None,
        });
        for action in actions {
            match action {
                Action::SetPassword(_) if first.is_some() => {}
                Action::Create => ops.push(useradd(want, state, first)),
                Action::Modify(m) => ops.extend(usermod(want, state, m)),
                Action::Join(groups) => {
                    ops.extend(groups.iter().map(|group| change(PW, &["groupmod", "-n", group, "-m", name])));
                }
                Action::Leave(groups) => {
                    ops.extend(groups.iter().map(|group| change(PW, &["groupmod", "-n", group, "-d", name])));
                }
                Action::SetPassword(stored) => ops.push(set_password(name, stored)),
                Action::Lock => ops.push(change(PW, &["lock", name])),
                Action::Unlock => ops.push(change(PW, &["unlock", name])),
                Action::SetAgeing(Ageing { expires: Some(expires), .. }) => {
                    let seconds = expires.day().max(0).saturating_mul(86_400).to_string();
                    ops.push(change(PW, &["usermod", "-n", name, "-e", &seconds]));
                }
                Action::MakeHome => ops.push(change(PW, &["usermod", "-n", name, "-m"])),
                Action::Remove => {
                    let home = home_to_remove(want, state).map(|_| "-r");
                    ops.push(change(PW, &["userdel", "-n", name].into_iter().chain(home).collect::<Vec<_>>()));
                }
                Action::SetAgeing(_) | Action::WriteKeys | Action::WriteSudo | Action::RemoveSudo => {}
            }
        }
        // pw(8) makes homes, with what is in its skeleton.
        let others: Vec<Action> = actions.iter().filter(|action| **action != Action::MakeHome).cloned().collect();
        ops.extend(files_beside_tools(want, state, &others).into_iter().map(checked));
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        let public = |action: &&Action| {
            !matches!(action, Action::SetPassword(_) | Action::Lock | Action::Unlock | Action::SetAgeing(_))
        };
        let actions: Vec<Action> = actions.iter().filter(public).cloned().collect();
        let Some((mut after, mut ops)) = database_after(want, state, &actions) else { return Vec::new() };
        // Passwords are elsewhere, and no later resource reads them.
        after.shadow = None;
        ops.splice(0..0, after.writes(&state.database));
        ops
    }
}

fn sudo_file(want: &Want) -> AbsPath {
    user::sudo_path(&AbsPath::known("/usr/local/etc/sudoers.d"), &want.username)
}

/// Has the visudo(8) of the package look at a rule.
fn checked(op: Op) -> Op {
    match op {
        Op::ReplaceFile(mut replace) if replace.validate.is_some() => {
            replace.validate = Some(Validate { command: Command::read(VISUDO, ["-cf", "%"]) });
            Op::ReplaceFile(replace)
        }
        other => other,
    }
}

fn useradd(want: &Want, state: &State, password: Option<&Text>) -> Op {
    // pw(8) has no numbers apart for the system's accounts.
    let systems = || state.database.next_uid(state.settings.users(true)).filter(|_| want.system);
    let groups = want.groups.as_ref().filter(|g| !g.is_empty());
    // A group of the user's own name that is there already: pw(8) would take the one of the default.
    let own = || matches!(state.database.group(&want.username), Ok(Some(_))).then(|| want.username.to_string());
    let free = state.home.as_ref().is_some_and(|home| home.found == Found::Nothing);
    let mut args: Vec<String> = ["useradd", "-n", &want.username].map(String::from).into();
    options(
        &mut args,
        &[
            ("-u", want.uid.or_else(systems).map(|uid| uid.to_string())),
            ("-g", want.group.as_ref().map(ToString::to_string).or_else(own)),
            ("-G", groups.map(|g| g.iter().map(|g| &**g).collect::<Vec<_>>().join(","))),
            ("-s", want.shell.as_ref().map(ToString::to_string)),
            ("-d", want.home.as_ref().map(ToString::to_string)),
            ("-c", want.comment.as_ref().map(ToString::to_string)),
            ("-L", want.login_class.as_ref().map(ToString::to_string)),
            ("-H", password.map(|_| "0".into())),
        ],
    );
    args.extend((want.manage_home && free).then(|| "-m".into()));
    Op::Run(Command { stdin: password.map(password_line), ..pw(&args) })
}

/// Returns the calls that change fields, and move the home first.
fn usermod(want: &Want, state: &State, m: &Modification) -> Vec<Op> {
    let mut ops = Vec::new();
    let free = state.home.as_ref().is_some_and(|home| home.found == Found::Nothing);
    if let (Some(to), Some(account)) = (m.home.as_ref().filter(|_| want.move_home && free), &state.account) {
        ops.push(change("/bin/mv", &["--", &account.user.home, to.as_str()]));
    }
    let mut args: Vec<String> = ["usermod", "-n", &want.username].map(String::from).into();
    options(
        &mut args,
        &[
            ("-u", m.uid.map(|uid| uid.to_string())),
            ("-g", m.gid.map(|gid| gid.to_string())),
            ("-s", m.shell.as_ref().map(ToString::to_string)),
            ("-d", m.home.as_ref().map(ToString::to_string)),
            ("-c", m.comment.as_ref().map(ToString::to_string)),
            ("-L", m.login_class.as_ref().map(ToString::to_string)),
        ],
    );
    ops.push(Op::Run(pw(&args)));
    ops
}

fn options(args: &mut Vec<String>, all: &[(&str, Option<String>)]) {
    for (letter, value) in all {
        args.extend(value.iter().flat_map(|value| [String::from(*letter), value.clone()]));
    }
}

fn pw(args: &[String]) -> Command {
    Command::change(PW, args.iter().map(|a| &**a)).timeout(Service::COMMAND_TIMEOUT)
}

fn set_password(name: &str, stored: &Text) -> Op {
    Op::Run(Command::change(PW, ["usermod", "-n", name, "-H", "0"]).stdin(password_line(stored)))
}

/// Returns what `-H` reads.
fn password_line(stored: &Text) -> Text {
    Text::plain(format!("{}\n", Lock::Word.stored(stored.as_str()))).tainted_by(stored.secret_path())
}

/// Returns the state, or what must be read first.
fn observe(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let machine = Machine {
        database: Database::from_outputs(outputs)?,
        unread: None,
        sudo: sudo_file(want),
        elsewhere: Some(getent(&want.username)),
        is_elsewhere: elsewhere,
        settings: &[Op::read_file(&pw_conf())],
        read_settings: settings,
        skeleton: Skeleton::Program,
    };
    let mut seen = user::observe(want, outputs, machine)?;
    let Ok(State { account: Some(account), .. }) = &mut seen else { return Ok(seen) };
    let matters = want.password.is_some()
        || want.lock.is_some()
        || want.ageing != Ageing::default()
        || want.login_class.is_some();
    match master::entry(outputs, &want.username) {
        Ok(Some(entry)) => {
            account.shadow = Some(entry.shadow(Lock::Word, &mut account.user.shell));
            account.login_class = entry.class;
        }
        Ok(None) if matters => {
            return Err(format!("expected a line of `{}` in `{}`, found none", want.username, master::path()));
        }
        Err(why) if matters => return Err(why),
        Ok(None) | Err(_) => account.shadow = None,
    }
    Ok(seen)
}

fn getent(name: &str) -> Op {
    Op::Run(Command::read("/usr/bin/getent", ["passwd", name]))
}

/// Returns whether the name service knows the name, which the local files do not. getent(1) exits 2 for an unknown key.
fn elsewhere(want: &Want, outputs: &Outputs) -> Result<bool, String> {
    match outputs.get(&getent(&want.username)) {
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out().split(':').next() == Some(&*want.username)),
        Some(OpOutput::Ran(ran)) if ran.code() == Some(2) => Ok(false),
        Some(OpOutput::Ran(ran)) => Err(format!("`getent passwd {}` ended with {}", want.username, ran.exit)),
        Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => Ok(false),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        None => Ok(false),
        Some(other) => Err(format!("expected an answer of `getent`, found {other:?}")),
    }
}

fn pw_conf() -> AbsPath {
    AbsPath::known("/etc/pw.conf")
}

/// Returns what new accounts follow from, pw.conf(5), when that has been read. Most machines have no such file.
fn settings(outputs: &Outputs) -> Option<AccountSettings> {
    let text = match outputs.path(&pw_conf())? {
        OpOutput::File { content, .. } => String::from_utf8_lossy(content).into_owned(),
        _ => String::new(),
    };
    Some(parse(&text))
}

fn parse(text: &str) -> AccountSettings {
    let value = |key: &str| {
        let of = |line: &'_ str| -> Option<String> {
            let (name, value) = line.split_once('#').map_or(line, |(line, _)| line).split_once('=')?;
            (name.trim() == key).then(|| value.trim().trim_matches('"').to_string())
        };
        text.lines().filter_map(of).rfind(|v| !v.is_empty())
    };
    let number = |key: &str, built_in: u32| value(key).and_then(|v| v.parse().ok()).unwrap_or(built_in);
    let built_in = AccountSettings::default();
    AccountSettings {
        uids: IdRange { min: number("minuid", 1000), max: number("maxuid", 32_000), downwards: false },
        gids: IdRange { min: number("mingid", 1000), max: number("maxgid", 32_000), downwards: false },
        home_base: value("home").map_or(built_in.home_base, Into::into),
        ..built_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_the_rest_is_built_in() {
        let s = parse("# home = /x\nhome = \"/usr/home\" # here\nminuid=2000\nmaxuid = many\n\u{fffd}\n");
        assert_eq!((&*s.home_base, s.uids.min, s.uids.max, s.gids.min), ("/usr/home", 2000, 32_000, 1000));
        assert_eq!(&*parse("").home_base, "/home");
    }
}
