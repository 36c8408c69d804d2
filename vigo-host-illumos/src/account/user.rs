//! Users.

use super::role;
use super::settings::{read, settings};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, FailureKind, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, Database, HostFacts, Interpreted, Problem, Shadow};
use vigo_core::resource::user::{
    Account, Action, Expiry, Found, Machine, Skeleton, State, Users, Want, database_after, files_beside_tools,
    first_reads, groups_after, home_to_remove, observe, sudo_path, sudo_writes,
};

/// `useradd`, `usermod`, `userdel`, for a role `rolemod` and `roledel`, which take the same; and `/etc/shadow` for passwords
/// and ages. *Unverified*: written after the manual pages.
///
/// No program takes a hash, and a date for one is that of the machine's time zone, of which another day comes than was
/// asked for: both are written into the file, in days since 1970 as shadow(5) has it, and only if it is what was read.
pub(crate) struct LocalUsers;

/// Before the hash of a locked password, passwd(1).
const LOCKED: &str = "*LK*";

impl Adapter<Users> for LocalUsers {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let attributes =
            [("login_class", want.login_class.is_some()), ("password_inactive_days", want.ageing.inactive.is_some())];
        if let Some((name, _)) = attributes.iter().find(|(_, written)| *written) {
            let message = format!("attribute `{name}` of type `user` is not supported on illumos");
            return Err(Problem { attribute: Some((*name).into()), ..Problem::unsupported(message) });
        }
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `user` is not supported on an image of illumos")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = Database::reads(true);
        // There is no gshadow.
        ops.pop();
        ops.push(role::read());
        ops.extend(first_reads(want, &sudo_file(want)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match look(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        // First: what the programs do goes into the same file, which must be what was read. The line of a new account is
        // not there yet; its password and ages are set in the next round.
        if state.account.is_some() {
            ops.extend(shadow_file(want, state, actions, facts).writes(&state.database));
        }
        if actions.contains(&Action::Create) {
            ops.push(Op::Run(Command::change("/usr/sbin/useradd", useradd(want, state)?)));
        }
        let mut modify = usermod(want, state, actions);
        if !modify.is_empty() {
            modify.push(want.username.to_string());
            ops.push(Op::Run(Command::change(role::modify(state.is_role), modify)));
        }
        if actions.contains(&Action::Remove) {
            // It fails for an account whose home is not there.
            let home = home_to_remove(want, state).map(|_| "-r".to_string());
            let args = home.into_iter().chain([want.username.to_string()]);
            let program = if state.is_role { "/usr/sbin/roledel" } else { "/usr/sbin/userdel" };
            ops.push(Op::Run(Command::change(program, args)));
        }
        ops.extend(files_beside_tools(want, state, actions));
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        let Some((after, more)) = database_after(want, state, actions) else { return Vec::new() };
        let mut ops = after.writes(&state.database);
        ops.extend(more);
        ops.extend(sudo_writes(want, state, actions, true));
        ops
    }
}

fn sudo_file(want: &Want) -> AbsPath {
    sudo_path(&AbsPath::known("/etc/sudoers.d"), &want.username)
}

fn look(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let machine = Machine {
        database: Database::from_outputs(outputs)?,
        unread: match outputs.path(&AbsPath::known("/etc/shadow")) {
            Some(OpOutput::Failed(failure)) => Some(failure.message.clone()),
            _ => None,
        },
        sudo: sudo_file(want),
        elsewhere: Some(Op::Run(Command::read("/usr/bin/getent", ["passwd", &want.username]))),
        is_elsewhere,
        settings: &[read()],
        read_settings: settings,
        skeleton: Skeleton::Etc,
    };
    let database = &machine.database;
    let is_there = want.present && machine.unread.is_none() && database.accounts().has_user(&want.username);
    if is_there && database.shadow(&want.username).is_none() {
        // A hash would go where everybody reads it.
        return Err(format!("`/etc/shadow` has no line of user `{}`, whom `/etc/passwd` has", want.username));
    }
    let is_role = role::all(outputs)?.contains(&*want.username);
    Ok(observe(want, outputs, machine)?.map(|state| {
        let raw = state.account.as_ref().and_then(|a| a.shadow.as_ref()).map(|s| s.password.clone());
        let password_due = raw.as_deref().is_some_and(|raw| matches!(without_lock(raw), "" | "UP"));
        let plain = |shadow: Shadow| Shadow { password: as_elsewhere(&shadow.password), ..shadow };
        let account = state.account.map(|a| Account { shadow: a.shadow.map(plain), ..a });
        State { account, password_due, is_role, ..state }
    }))
}

/// Returns whether the name service knows the name, which the local files do not. getent(8) exits 2 for an unknown key.
fn is_elsewhere(want: &Want, outputs: &Outputs) -> Result<bool, String> {
    match outputs.ran("/usr/bin/getent", &["passwd", &want.username]) {
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out().split(':').next() == Some(&*want.username)),
        Some(OpOutput::Ran(ran)) if ran.code() == Some(2) => Ok(false),
        Some(OpOutput::Ran(ran)) => Err(format!("`getent passwd {}` ended with {}", want.username, ran.exit)),
        Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => Ok(false),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Ok(false),
    }
}

fn without_lock(raw: &str) -> &str {
    raw.strip_prefix(LOCKED).unwrap_or(raw)
}

/// Returns the field as it would be elsewhere: `!` before what is locked, `*` where no password fits.
fn as_elsewhere(raw: &str) -> Arc<str> {
    let lock = if raw.starts_with(LOCKED) { "!" } else { "" };
    match without_lock(raw) {
        "NP" | "UP" | "NL" => format!("{lock}*").into(),
        hash => format!("{lock}{hash}").into(),
    }
}

/// Returns the files with new passwords and ages.
fn shadow_file(want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Database {
    let mut after = state.database.clone();
    let name = &*want.username;
    let raw = after.shadow(name).map(|s| s.password).unwrap_or_default();
    for action in actions {
        match action {
            Action::SetPassword(stored) => {
                let stored = stored.as_str();
                let field = match stored.strip_prefix('!') {
                    Some(hash) => format!("{LOCKED}{hash}"),
                    None => stored.into(),
                };
                let today = (facts.now.epoch_ms() / 86_400_000).to_string();
                after.set_shadow(name, &[(1, &field), (2, &today)]);
            }
            Action::Lock => after.set_shadow(name, &[(1, &format!("{LOCKED}{}", without_lock(&raw)))]),
            Action::Unlock => after.set_shadow(name, &[(1, without_lock(&raw))]),
            Action::SetAgeing(set) => {
                let days = [(3, set.min), (4, set.max), (5, set.warn), (7, set.expires.map(Expiry::day))];
                let text = |days: i64| if days < 0 { String::new() } else { days.to_string() };
                let days: Vec<(usize, String)> = days.iter().filter_map(|(i, n)| Some((*i, text((*n)?)))).collect();
                let fields: Vec<(usize, &str)> = days.iter().map(|(i, t)| (*i, &**t)).collect();
                after.set_shadow(name, &fields);
            }
            _ => {}
        }
    }
    after
}

fn useradd(want: &Want, state: &State) -> Result<Vec<String>, Problem> {
    let mut args: Vec<String> = Vec::new();
    let mut option = |letter: &str, value: Option<String>| {
        if let Some(value) = value {
            args.extend([letter.into(), value]);
        }
    };
    let groups = want.groups.as_ref().filter(|g| !g.is_empty());
    // There is no option for a number of the system's range: it is given here.
    let own = || want.system.then(|| state.database.next_uid(state.settings.users(true)));
    let none = || Problem::failed(format!("no number is left for user `{}`", want.username));
    let uid = match (want.uid, own()) {
        (Some(uid), _) => Some(uid),
        (None, Some(next)) => Some(next.ok_or_else(none)?),
        (None, None) => None,
    };
    option("-u", uid.map(|uid| uid.to_string()));
    option("-g", want.group.as_ref().map(ToString::to_string));
    option("-G", groups.map(|g| g.iter().map(|g| &**g).collect::<Vec<_>>().join(",")));
    option("-s", want.shell.as_ref().map(ToString::to_string));
    option("-d", want.home.as_ref().map(ToString::to_string));
    option("-c", want.comment.as_ref().map(ToString::to_string));
    args.extend(want.manage_home.then(|| "-m".into()));
    args.push(want.username.to_string());
    Ok(args)
}

fn usermod(want: &Want, state: &State, actions: &[Action]) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    for action in actions {
        let Action::Modify(m) = action else { continue };
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
        let free = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
        args.extend((m.home.is_some() && want.move_home && free).then(|| "-m".into()));
    }
    // The whole list: there is nothing that adds one.
    if actions.iter().any(|a| matches!(a, Action::Join(_) | Action::Leave(_))) {
        let all = groups_after(want, state, actions);
        args.extend(["-G".into(), all.iter().map(|g| &**g).collect::<Vec<_>>().join(",")]);
    }
    args
}
