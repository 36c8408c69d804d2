//! Users.

use super::directory::{DSCL, EXISTS, NOT_FOUND, database, dscl, flush, ran, reads, settings};
use super::group::member;
use super::shadow_hash::{import, stored};
use crate::property_list::Plist;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem, Shadow};
use vigo_core::resource::user::{
    Action, Ageing, Found, Machine, Modification, Password, Scheme, Skeleton, State, Stored, Users, Want,
    files_beside_tools, first_reads, home_to_remove, observe, sudo_path,
};
use vigo_core::value::Text;

/// dscl(1), dsimport(1) and createhomedir(8). *Unverified*: written after their manual pages and what people reported.
pub(crate) struct DirectoryUsers;

/// What closes an account, among its authorities.
const DISABLED: &str = ";DisabledUser;";
/// The authority of an account whose password is in its own record.
const AUTHORITY: &str = ";ShadowHash;HASHLIST:<SALTED-SHA512-PBKDF2>";

impl Adapter<Users> for DirectoryUsers {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let Ageing { max, min, warn, inactive, expires } = want.ageing;
        let attributes = [
            ("login_class", want.login_class.is_some()),
            ("password_max_age", max.is_some()),
            ("password_min_age", min.is_some()),
            ("password_warn_days", warn.is_some()),
            ("password_inactive_days", inactive.is_some()),
            ("expires", expires.is_some()),
        ];
        if let Some((name, _)) = attributes.iter().find(|(_, written)| *written) {
            let message = format!("attribute `{name}` of type `user` is not supported on macos");
            return Err(Problem { attribute: Some((*name).into()), ..Problem::unsupported(message) });
        }
        if let Some(Password::Hash(hash)) = &want.password
            && Stored::parse(hash.as_str()).is_none()
        {
            let problem = Problem::bad_value("password_hash", "expected `$ml$ROUNDS$SALT$KEY` with a key of 128 bytes");
            return Err(problem.help("write `password`, of which macOS's own kind of hash is made"));
        }
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `user` is not supported on an image of macos")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        reads().into_iter().chain(first_reads(want, &sudo_file(want))).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match look(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.username;
        let record = format!("/Users/{name}");
        for action in actions {
            match action {
                Action::Create => create(want, state, &record, &mut ops)?,
                Action::Modify(m) => modify(want, state, m, &record, &mut ops),
                Action::Join(groups) => ops.extend(groups.iter().map(|group| Op::Run(member("-a", name, group)))),
                Action::Leave(groups) => ops.extend(groups.iter().map(|group| Op::Run(member("-d", name, group)))),
                Action::SetPassword(text) => set_password(want, state, text, &record, &mut ops)?,
                Action::Lock => ops.push(lock(&record)),
                Action::Unlock => ops.extend(unlock(name, &record)),
                Action::MakeHome => ops.push(make_home(name)),
                Action::Remove => {
                    let groups = state.account.iter().flat_map(|account| &account.groups);
                    ops.extend(groups.map(|group| Op::Run(member("-d", name, group))));
                    ops.push(Op::Run(dscl(&["-delete", &record]).accept(&[0, NOT_FOUND])));
                    ops.extend(home_to_remove(want, state).map(|path| Op::Remove { path, recursive: true }));
                }
                Action::WriteKeys | Action::WriteSudo | Action::RemoveSudo | Action::SetAgeing(_) => {}
            }
        }
        if !ops.is_empty() {
            ops.push(flush());
        }
        // The home has been made by a program of the system.
        let others: Vec<Action> = actions.iter().filter(|a| **a != Action::MakeHome).cloned().collect();
        ops.extend(files_beside_tools(want, state, &others));
        Ok(ops)
    }
}

fn sudo_file(want: &Want) -> AbsPath {
    sudo_path(&AbsPath::known("/etc/sudoers.d"), &want.username)
}

/// Returns whether the name service knows the name, which the local node does not.
fn id(name: &str) -> Op {
    Op::Run(Command::read("/usr/bin/id", ["-u", name]))
}

fn is_elsewhere(want: &Want, outputs: &Outputs) -> Result<bool, String> {
    let Some(ran) = ran(outputs, &id(&want.username))? else { return Ok(false) };
    match ran.code() {
        Some(0) => Ok(true),
        Some(1) if ran.err().contains("no such user") => Ok(false),
        _ => Err(format!("`id -u {}` ended with {}: {}", want.username, ran.exit, ran.err().trim())),
    }
}

/// The password and what may be done with it. Only root is told the first.
fn secrets(name: &str) -> Op {
    let args = ["-plist", ".", "-read", &format!("/Users/{name}"), "ShadowHashData", "AuthenticationAuthority"];
    let mut command = Command::read(DSCL, args);
    command.hide_output = true;
    Op::Run(command)
}

fn look(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let database = database(outputs)?;
    let exists = database.accounts().has_user(&want.username);
    let secret = want.present && exists && (want.password.is_some() || want.lock.is_some());
    let shadow = match secret {
        true => match ran(outputs, &secrets(&want.username))? {
            None => return Ok(Err(alloc::vec![secrets(&want.username)])),
            Some(ran) if ran.success() => Some(secrets_in(&ran.out())?),
            Some(ran) => return Err(format!("the password of `{}` could not be read: {}", want.username, ran.exit)),
        },
        false => None,
    };
    let machine = Machine {
        database,
        unread: None,
        sudo: sudo_file(want),
        elsewhere: Some(id(&want.username)),
        is_elsewhere,
        settings: &[],
        read_settings: |_| Some(settings()),
        skeleton: Skeleton::Program,
    };
    Ok(observe(want, outputs, machine)?.map(|state| {
        let (shadow, password_due) = shadow.unzip();
        let account = state.account.map(|account| vigo_core::resource::user::Account { shadow, ..account });
        State { account, scheme: Scheme::Pbkdf2, password_due: password_due.unwrap_or(false), ..state }
    }))
}

/// Returns the stored password as a shadow file would have it, `!` before what is locked, `*` where there is none that
/// counts; and whether there is none at all: what stopped between the creation and the first password, or before a new one
/// took the old one's place, is gone on with.
fn secrets_in(printed: &str) -> Result<(Shadow, bool), String> {
    let record = Plist::parse(printed).filter(|record| matches!(record, Plist::Map(_)));
    let record = record.ok_or("the answer of `dscl -read` is no property list of a record")?;
    let keys = record.texts("ShadowHashData");
    let key = match keys[..] {
        [digits] => stored(digits),
        _ => None,
    };
    let locked = record.texts("AuthenticationAuthority").iter().any(|a| a.starts_with(DISABLED));
    let hash = key.map_or_else(|| "*".into(), |key| key.to_string());
    let password = format!("{}{hash}", if locked { "!" } else { "" }).into();
    Ok((Shadow { password, min: -1, max: -1, warn: -1, inactive: -1, expires: -1 }, keys.is_empty()))
}

fn create(want: &Want, state: &State, record: &str, ops: &mut Vec<Op>) -> Result<(), Problem> {
    let none = || Problem::failed(format!("no number is left for user `{}`", want.username));
    let next = || state.database.next_uid(state.settings.users(want.system));
    let uid = want.uid.or_else(next).ok_or_else(none)?;
    let gid = match (&state.group, state.settings.own_group) {
        (Some(Ok(gid)), _) => *gid,
        (_, vigo_core::host::OwnGroup::Shared(gid)) => gid,
        (_, vigo_core::host::OwnGroup::Made) => uid,
    };
    let home = vigo_core::resource::user::home_of_new(want, state).map(|home| home.to_string()).unwrap_or_default();
    let shell = want.shell.as_ref().map_or_else(|| state.settings.shell.to_string(), ToString::to_string);
    let comment = want.comment.as_deref().unwrap_or(&want.username);
    ops.push(Op::Run(dscl(&["-create", record]).accept(&[0, EXISTS])));
    let mut set = |key: &str, value: &str| ops.push(Op::Run(dscl(&["-create", record, key, value])));
    set("PrimaryGroupID", &gid.to_string());
    set("NFSHomeDirectory", &home);
    set("UserShell", &shell);
    set("RealName", comment);
    if want.system {
        set("IsHidden", "1");
    }
    // Without it a record lets everybody in.
    set("Password", "*");
    // Last: a record without a number counts as none, so that what stopped half-way is begun again.
    set("UniqueID", &uid.to_string());
    let groups = want.groups.iter().flatten();
    ops.extend(groups.map(|group| Op::Run(member("-a", &want.username, group))));
    ops.extend(want.manage_home.then(|| make_home(&want.username)));
    Ok(())
}

fn make_home(name: &str) -> Op {
    Op::Run(Command::change("/usr/sbin/createhomedir", ["-c", "-u", name]))
}

fn modify(want: &Want, state: &State, m: &Modification, record: &str, ops: &mut Vec<Op>) {
    let mut set = |key: &str, value: Option<String>| {
        ops.extend(value.map(|value| Op::Run(dscl(&["-create", record, key, &value]))));
    };
    set("UniqueID", m.uid.map(|n| n.to_string()));
    set("PrimaryGroupID", m.gid.map(|n| n.to_string()));
    set("UserShell", m.shell.as_ref().map(ToString::to_string));
    set("RealName", m.comment.as_ref().map(ToString::to_string));
    set("NFSHomeDirectory", m.home.as_ref().map(ToString::to_string));
    let old = state.account.as_ref().and_then(|a| AbsPath::parse(&a.user.home).ok());
    let free = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
    if let (true, true, Some(from), Some(to)) = (want.move_home, free, old, &m.home) {
        ops.push(Op::Rename { from, to: to.clone() });
    }
}

/// Puts the key of the password into the record. The password itself goes nowhere: the key is derived here, and dsimport
/// reads it from a file that is root's alone. It adds a second one and replaces none, and a key cannot be taken out
/// without being named in an argument: so all go before, but only once an import has shown that the new one is taken. What
/// stops in between is seen by the next run, for no key or several are no password.
fn set_password(want: &Want, state: &State, text: &Text, record: &str, ops: &mut Vec<Op>) -> Result<(), Problem> {
    let hash = text.as_str().trim_start_matches('!');
    let key = Stored::parse(hash).ok_or_else(|| Problem::failed("the password has no key that macOS takes"))?;
    let before = state.account.as_ref().and_then(|a| a.shadow.as_ref()).map_or("*", |s| &*s.password);
    if before.trim_start_matches('!') == "*" {
        ops.push(Op::Run(dscl(&["-merge", record, "AuthenticationAuthority", AUTHORITY])));
    }
    let mut command = Command::change("/usr/bin/dsimport", ["{{secret_file}}", "/Local/Default", "M"]);
    command.secret_file = Some(import(&want.username, &key, text));
    let import = Op::Run(command);
    if state.account.is_some() && !state.password_due {
        ops.push(import.clone());
        ops.push(Op::Run(dscl(&["-delete", record, "ShadowHashData"])));
    }
    ops.push(import);
    match (before.starts_with('!'), text.as_str().starts_with('!')) {
        (false, true) => ops.push(lock(record)),
        (true, false) => ops.extend(unlock(&want.username, record)),
        _ => {}
    }
    Ok(())
}

fn lock(record: &str) -> Op {
    Op::Run(dscl(&["-append", record, "AuthenticationAuthority", DISABLED]))
}

/// Takes the lock away in both forms that it has: an authority of its own, and one before another, which pwpolicy(8) makes.
/// Whichever there is not is no failure: the record is read again.
fn unlock(name: &str, record: &str) -> [Op; 2] {
    let policy = Command::change("/usr/bin/pwpolicy", ["-u", name, "-enableuser"]);
    let own = dscl(&["-delete", record, "AuthenticationAuthority", DISABLED]);
    [policy, own].map(|command| Op::Run(command.accept(&any_exit())))
}

fn any_exit() -> Vec<i32> {
    (0..=255).collect()
}
