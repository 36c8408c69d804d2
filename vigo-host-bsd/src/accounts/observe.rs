//! What there is of an account.

use super::doas;
use super::master;
use super::settings;
use super::tools::{SudoPlace, Tools};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, FailureKind, Metadata, Op, OpOutput, Outputs};
use vigo_core::host::Database;
use vigo_core::resource::user::{self, FileAt, Found, Machine, Skeleton, State, Want, first_reads};

/// Returns what is read first.
pub(super) fn probe(tools: &Tools, want: &Want) -> Vec<Op> {
    let mut ops = Database::reads(false);
    ops.push(Op::read_file(&master::path()));
    ops.extend(first_reads(want, &rules_file(tools, want)));
    ops
}

/// Returns the file with the rule that asks for no password.
fn rules_file(tools: &Tools, want: &Want) -> AbsPath {
    match tools.sudo {
        SudoPlace::Folder(folder, _) => user::sudo_path(&AbsPath::known(folder), &want.username),
        SudoPlace::Doas => AbsPath::known("/etc/doas.conf"),
    }
}

/// Returns the state, or what must be read first.
///
/// # Errors
/// A fragment, when something that matters could not be read.
pub(super) fn observe(tools: &Tools, want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let name = &*want.username;
    let mut database = Database::from_outputs(outputs)?;
    let user = database.user(name)?;
    let entry = match master::entry(outputs, name) {
        Ok(None) if user.is_some() => Err(format!("expected a line of `{name}` in `{}`, found none", master::path())),
        other => other,
    };
    let mut shell: Arc<str> = user.map(|user| user.shell).unwrap_or_default();
    let mut login_class = None;
    let mut unread = None;
    let mut password_due = false;
    match entry {
        Ok(Some(entry)) => {
            password_due = entry.is_new(tools.lock);
            let shadow = entry.shadow(tools.lock, &mut shell);
            let expires = if shadow.expires < 0 { String::new() } else { format!("{}", shadow.expires) };
            // As shadow(5) has it, which the comparison knows.
            let line = format!("{name}:{}::::::{expires}:\n", shadow.password);
            database.shadow = Some(line.as_bytes().into());
            login_class = entry.class;
        }
        Ok(None) => {}
        Err(why) if want.login_class.is_some() || want.shell.is_some() => return Err(why),
        Err(why) => unread = Some(why),
    }
    let machine = Machine {
        database,
        unread,
        sudo: rules_file(tools, want),
        elsewhere: Some(getent(name)),
        is_elsewhere: elsewhere,
        settings: &[settings::read()],
        read_settings: settings::settings,
        skeleton: Skeleton::Etc,
    };
    let mut state = match user::observe(want, outputs, machine)? {
        Ok(state) => state,
        Err(ask) => return Ok(Err(ask)),
    };
    (state.scheme, state.password_due) = (tools.scheme, password_due);
    if let Some(account) = &mut state.account {
        (account.user.shell, account.login_class) = (shell, login_class);
    }
    // Nobody writes that file here.
    state.database.shadow = None;
    if tools.sudo == SudoPlace::Doas
        && let Some(file) = state.sudo.take()
    {
        state.sudo = Some(rule(want, &file)?);
        state.rules = Some(file);
    }
    Ok(Ok(state))
}

/// Returns the rule in doas.conf(5) as if it were a file of its own.
fn rule(want: &Want, file: &FileAt) -> Result<FileAt, String> {
    let path = &file.path;
    let text = match &file.found {
        Found::Nothing => "",
        Found::File(_, content) => {
            core::str::from_utf8(content).map_err(|_| format!("expected text in `{path}`, found other bytes"))?
        }
        Found::Else(_) => return Err(format!("expected a file at `{path}`, found something else")),
    };
    let found = match (doas::block(text, &want.username)?, file.meta()) {
        (Some(block), Some(meta)) => {
            // The comparison wants the rule as sudo has it, in a file that nobody may write: this says whether ours is so.
            let (mode, uid, gid) = (0o440, 0, 0);
            let right = block == doas::rule(&want.username);
            let rule = if right { user::sudo_rule(&want.username) } else { block.into() };
            Found::File(Metadata { mode, uid, gid, ..meta.clone() }, rule.as_bytes().into())
        }
        _ => Found::Nothing,
    };
    Ok(FileAt { path: path.clone(), found })
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
