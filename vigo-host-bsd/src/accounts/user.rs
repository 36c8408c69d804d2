//! Users: useradd(8), usermod(8), userdel(8); passwords by vipw(8), whose editor is ed(1) with its commands on standard
//! input: it holds the lock, writes master.passwd(5) by pwd_mkdb(8), and no argument shows a hash.

use super::doas;
use super::expiry;
use super::master::{Lock, UNSET};
use super::observe::{observe, probe};
use super::tools::{Leave, SudoPlace, Tools};
use crate::answer::change;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Content, Expect, Op, Outputs, Owner, Replace, Validate};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::user::{
    Action, Ageing, Found, Password, State, Users, Want, database_after, files_beside_tools, groups_after,
    home_to_remove, sudo_writes,
};
use vigo_core::value::Text;

const USERMOD: &str = "/usr/sbin/usermod";

impl Adapter<Users> for Tools {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let Ageing { max, min, warn, inactive, .. } = want.ageing;
        let attributes = [
            ("system", want.system),
            ("password_max_age", max.is_some()),
            ("password_min_age", min.is_some()),
            ("password_warn_days", warn.is_some()),
            ("password_inactive_days", inactive.is_some()),
        ];
        if let Some((attribute, _)) = attributes.iter().find(|(_, written)| *written) {
            return Err(self.unsupported(attribute, "user"));
        }
        let limit = self.scheme.password_bytes_max();
        if let Some(Password::Plain { password, .. }) = &want.password
            && password.as_str().len() > limit
        {
            let message = format!("expected a password of at most {limit} bytes, found {}", password.as_str().len());
            return Err(Problem::bad_value("password", message).help("bcrypt, which this system has, takes no more"));
        }
        self.runs("user", facts)
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        probe(self, want)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(self, want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = &*want.username;
        let leaves = actions.iter().any(|a| matches!(a, Action::Leave(_)));
        if leaves && self.leave == Leave::ByFile {
            ops.extend(memberships(want, state, actions));
        }
        if actions.contains(&Action::Create) {
            let args = useradd(want, state, actions.iter().any(|a| matches!(a, Action::SetPassword(_))));
            ops.push(change("/usr/sbin/useradd", &args.iter().map(|a| &**a).collect::<Vec<_>>()));
        }
        let modify = self.usermod(want, state, actions);
        if !modify.is_empty() {
            let args = modify.iter().map(|a| &**a).chain(["--", name]);
            ops.push(change(USERMOD, &args.collect::<Vec<_>>()));
        }
        for action in actions {
            match action {
                Action::SetPassword(stored) => ops.push(self.set_password(want, stored)),
                Action::Lock => ops.push(self.set_lock(want, state, true)?),
                Action::Unlock => ops.push(self.set_lock(want, state, false)?),
                Action::SetAgeing(Ageing { expires: Some(expires), .. }) => {
                    ops.push(change(USERMOD, &["-e", &expiry::argument(*expires), "--", name]));
                }
                Action::Remove => {
                    let home = home_to_remove(want, state).map(|_| "-r");
                    ops.push(change("/usr/sbin/userdel", &home.into_iter().chain(["--", name]).collect::<Vec<_>>()));
                }
                _ => {}
            }
        }
        ops.extend(self.files(want, state, actions)?);
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
        ops.extend(self.rules(want, state, &actions).unwrap_or_default());
        ops
    }
}

impl Tools {
    fn usermod(&self, want: &Want, state: &State, actions: &[Action]) -> Vec<String> {
        let mut args: Vec<String> = Vec::new();
        let mut option = |letter: &str, value: Option<String>| {
            if let Some(value) = value {
                args.extend([letter.into(), value]);
            }
        };
        // The shell of an account that stays locked stays so, too.
        let shadow = state.account.as_ref().and_then(|a| a.shadow.as_ref());
        let locked = shadow.is_some_and(|s| s.password.starts_with('!')) && !actions.contains(&Action::Unlock);
        let dash = if locked && self.lock == Lock::StarAndDash { "-" } else { "" };
        for action in actions {
            if let Action::Modify(m) = action {
                option("-u", m.uid.map(|n| n.to_string()));
                option("-g", m.gid.map(|n| n.to_string()));
                option("-s", m.shell.as_ref().map(|shell| format!("{shell}{dash}")));
                option("-d", m.home.as_ref().map(ToString::to_string));
                option("-c", m.comment.as_ref().map(ToString::to_string));
                option("-L", m.login_class.as_ref().map(ToString::to_string));
            }
        }
        let joined = actions.iter().find_map(|a| if let Action::Join(groups) = a { Some(groups) } else { None });
        let leaves = actions.iter().any(|a| matches!(a, Action::Leave(_)));
        match (self.leave, leaves) {
            (Leave::BySet, true) => {
                let all = groups_after(want, state, actions);
                option("-S", Some(all.iter().map(|g| &**g).collect::<Vec<_>>().join(",")));
            }
            // It went into the file already.
            (Leave::ByFile, true) => {}
            (_, false) => option("-G", joined.map(|g| g.iter().map(|g| &**g).collect::<Vec<_>>().join(","))),
        }
        let moves = actions.iter().any(|a| matches!(a, Action::Modify(m) if m.home.is_some())) && want.move_home;
        let free = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
        args.extend((moves && free).then(|| "-m".into()));
        args
    }

    fn set_lock(&self, want: &Want, state: &State, locked: bool) -> Result<Op, Problem> {
        let name = &*want.username;
        let args: [&str; 4] = match (self.lock, locked) {
            (Lock::StarAndDash, _) => {
                // usermod(8) refuses it.
                let uid = state.account.as_ref().map_or(u32::MAX, |account| account.user.uid);
                if uid < 1000 {
                    let message =
                        format!("locking and unlocking of `{name}` with uid {uid} is not supported on openbsd");
                    return Err(Problem::unsupported(message).help("set `password_hash: '*'` instead"));
                }
                return Ok(change(USERMOD, &[if locked { "-Z" } else { "-U" }, "--", name]));
            }
            (Lock::Word, true) => ["-C", "yes", "--", name],
            (Lock::Word, false) => ["-C", "no", "--", name],
        };
        Ok(change(USERMOD, &args))
    }

    /// Sets the second field of the user's line.
    fn set_password(&self, want: &Want, stored: &Text) -> Op {
        let field = self.lock.stored(stored.as_str());
        let name = want.username.replace('.', "\\.");
        let mut script = format!("/^{name}:/s/:[^:]*/:");
        for c in field.chars() {
            if matches!(c, '/' | '&' | '\\') {
                script.push('\\');
            }
            script.push(c);
        }
        script.push_str("/\nw\nq\n");
        let script = Text::plain(script).tainted_by(stored.secret_path());
        let command = Command::change("/usr/sbin/vipw", [""; 0]).env("EDITOR", "/bin/ed").stdin(script);
        Op::Run(command.timeout(Users::TIMEOUT))
    }

    /// Returns the file operations: home and keys, and last the rule that asks for no password. Keys of an account that is
    /// new, or about to move, are written in the next round, and the rule comes after them.
    fn files(&self, want: &Want, state: &State, actions: &[Action]) -> Result<Vec<Op>, Problem> {
        let about_rule = |action: &Action| matches!(action, Action::WriteSudo | Action::RemoveSudo);
        let others: Vec<Action> = actions.iter().filter(|a| !about_rule(a)).cloned().collect();
        let mut ops = files_beside_tools(want, state, &others);
        let settled = state.account.as_ref().is_some_and(|account| !account.home_changes(want));
        if settled || !actions.contains(&Action::WriteKeys) {
            ops.extend(self.rules(want, state, actions)?);
        }
        Ok(ops)
    }

    /// Returns the operations of those `actions` that are about the rule that asks for no password.
    fn rules(&self, want: &Want, state: &State, actions: &[Action]) -> Result<Vec<Op>, Problem> {
        if let SudoPlace::Folder(_, visudo) = self.sudo {
            let mut ops = sudo_writes(want, state, actions, false);
            for op in &mut ops {
                if let Op::ReplaceFile(replace) = op {
                    replace.validate = Some(Validate { command: Command::read(visudo, ["-cf", "%"]) });
                }
            }
            return Ok(ops);
        }
        let wanted = match actions.iter().find(|a| matches!(a, Action::WriteSudo | Action::RemoveSudo)) {
            Some(action) => *action == Action::WriteSudo,
            None => return Ok(Vec::new()),
        };
        let Some(file) = &state.rules else { return Ok(Vec::new()) };
        let old = file.content().map(|content| String::from_utf8_lossy(content)).unwrap_or_default();
        let text = doas::with_rule(&old, &want.username, wanted).map_err(Problem::failed)?;
        Ok(alloc::vec![Op::ReplaceFile(Replace {
            path: file.path.clone(),
            content: Content::Bytes(text.as_bytes().into()),
            mode: file.meta().is_none().then_some(0o600),
            owner: Owner::default(),
            context: None,
            expect: file.content().map_or(Expect::Missing, |content| Expect::content(content)),
            validate: Some(Validate { command: Command::read("/usr/bin/doas", ["-C", "%"]) }),
            backup: None,
            follow: false,
            parents: false,
        })])
    }
}

/// A `password` that follows is known to be missing if something comes between.
fn useradd(want: &Want, state: &State, password: bool) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    let mut option = |letter: &str, value: Option<String>| {
        if let Some(value) = value {
            args.extend([letter.into(), value]);
        }
    };
    // A group of the user's own name that is there already: useradd(8) would take a number that has no group.
    let own = || matches!(state.database.group(&want.username), Ok(Some(_))).then(|| want.username.to_string());
    let groups = want.groups.as_ref().filter(|g| !g.is_empty());
    option("-u", want.uid.map(|uid| uid.to_string()));
    option("-g", want.group.as_ref().map(ToString::to_string).or_else(own));
    option("-G", groups.map(|g| g.iter().map(|g| &**g).collect::<Vec<_>>().join(",")));
    option("-s", want.shell.as_ref().map(ToString::to_string));
    option("-d", want.home.as_ref().map(ToString::to_string));
    option("-c", want.comment.as_ref().map(ToString::to_string));
    option("-L", want.login_class.as_ref().map(ToString::to_string));
    option("-p", password.then(|| UNSET.into()));
    // It stops where the home is there already.
    let free = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
    args.extend((want.manage_home && free).then(|| "-m".into()));
    args.extend(["--".into(), want.username.to_string()]);
    args
}

/// Returns the write of `/etc/group` after the user has joined and left groups.
fn memberships(want: &Want, state: &State, actions: &[Action]) -> Vec<Op> {
    let only: Vec<Action> =
        actions.iter().filter(|a| matches!(a, Action::Join(_) | Action::Leave(_))).cloned().collect();
    database_after(want, state, &only).map(|(after, _)| after.writes(&state.database)).unwrap_or_default()
}
