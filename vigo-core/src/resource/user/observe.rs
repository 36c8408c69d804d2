//! Observing a user: what is the same wherever the account database comes from.

use super::{Account, Action, Ageing, FileAt, Found, SKELETON, State, Want};
use super::{home_of_new, home_writes, keys_writes, sudo_writes};
use crate::action::{AbsPath, FileKind, Metadata, Op, OpOutput, Outputs, Owner};
use crate::host::{AccountSettings, Database};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What of an observation is a system's own.
pub struct Machine<'a> {
    /// The account database.
    pub database: Database,
    /// Why passwords and ages could not be read, where they could not.
    pub unread: Option<String>,
    /// The file of the sudo rule.
    pub sudo: AbsPath,
    /// Asks whether a directory service knows the name.
    pub elsewhere: Option<Op>,
    /// Reads the answer.
    pub is_elsewhere: fn(&Want, &Outputs) -> Result<bool, String>,
    /// Reads of what new accounts follow from.
    pub settings: &'a [Op],
    /// Makes settings of them; `None` when they have not been read.
    pub read_settings: fn(&Outputs) -> Option<AccountSettings>,
    /// Whether a new home gets what is in the skeleton by our hand.
    pub skeleton: Skeleton,
}

/// What fills a new home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skeleton {
    /// The files of `/etc/skel`.
    Etc,
    /// A program of the system.
    Program,
}

/// Returns the reads that the observation begins with, beside those of the account database.
pub fn first_reads(want: &Want, sudo: &AbsPath) -> Vec<Op> {
    let mut ops: Vec<Op> = want.shell.iter().map(|path| Op::Stat { path: path.clone(), follow: true }).collect();
    if want.sudo.is_some() || !want.present {
        ops.push(read_unfollowed(sudo.clone()));
    }
    ops
}

fn read_unfollowed(path: AbsPath) -> Op {
    Op::ReadFile { path, follow: false, bytes_max: 16 << 20 }
}

/// Returns the state, or what must be read first.
///
/// # Errors
/// A fragment, when something could not be read.
pub fn observe(want: &Want, outputs: &Outputs, machine: Machine<'_>) -> Result<Result<State, Vec<Op>>, String> {
    let Machine { database, unread, sudo, elsewhere, is_elsewhere, settings: reads, read_settings, skeleton: fills } =
        machine;
    let name = &*want.username;
    let accounts = database.accounts();
    let secret = want.password.is_some() || want.lock.is_some() || want.ageing != Ageing::default();
    if let Some(why) = unread.filter(|_| secret) {
        return Err(why);
    }
    let account = database.user(name)?.map(|user| Account {
        shadow: database.shadow(name),
        groups: database.groups_of(name),
        group: accounts.group_name(user.gid).map(Arc::from),
        login_class: None,
        user,
    });
    let file = |path: &AbsPath| FileAt::from_outputs(outputs, path).transpose();
    let mut asks = Asks { outputs, ops: Vec::new() };
    let mut state = State {
        uid_holder: want.uid.and_then(|uid| accounts.user_name(uid)).filter(|n| *n != name).map(Arc::from),
        group: want.group.as_ref().map(|group| {
            let gid = accounts.gid(group).filter(|gid| accounts.group_name(*gid).is_some());
            gid.ok_or_else(|| format!("group `{group}` does not exist"))
        }),
        missing_groups: want
            .groups
            .iter()
            .flatten()
            .filter(|g| !matches!(database.group(g), Ok(Some(_))))
            .cloned()
            .collect(),
        sudo: file(&sudo)?,
        ..State::default()
    };
    if let Some(shell) = &want.shell {
        state.shell_problem = shell_problem(shell, outputs)?;
    }
    let home = match (&account, want.present) {
        (None, false) => None,
        (None, true) => {
            if let Some(op) = elsewhere {
                asks.need(op);
                state.elsewhere = is_elsewhere(want, outputs)?;
            }
            reads.iter().for_each(|op| asks.need(op.clone()));
            state.settings = Arc::new(read_settings(outputs).unwrap_or_default());
            if want.manage_home && fills == Skeleton::Etc {
                state.skeleton = skeleton(&mut asks);
            }
            let known = read_settings(outputs).is_some();
            home_of_new(want, &state).filter(|_| known)
        }
        (Some(account), true) if want.home.is_some() || want.authorized_keys.is_some() => {
            let own = AbsPath::parse(&account.user.home);
            if want.authorized_keys.is_some() {
                let own = own
                    .clone()
                    .map_err(|e| format!("home directory of `{name}`: {e}, found `{}`", account.user.home))?;
                let (dir, keys) = (own.join(".ssh"), own.join(".ssh/authorized_keys"));
                asks.need(Op::stat(&dir));
                asks.need(read_unfollowed(keys.clone()));
                (state.ssh_dir, state.keys) = (file(&dir)?, file(&keys)?);
            }
            want.home.clone().or(own.ok())
        }
        (Some(account), false) if want.manage_home => AbsPath::parse(&account.user.home).ok(),
        (Some(_), _) => None,
    };
    if let Some(home) = home {
        asks.need(Op::stat(&home));
        state.home = file(&home)?;
        let missing = state.home.as_ref().is_none_or(|h| h.found == Found::Nothing);
        if want.present && want.manage_home && missing && state.home.is_some() {
            reads.iter().for_each(|op| asks.need(op.clone()));
            state.settings = Arc::new(read_settings(outputs).unwrap_or_default());
            if fills == Skeleton::Etc {
                state.skeleton = skeleton(&mut asks);
            }
        }
    }
    (state.account, state.database) = (account, database);
    Ok(if asks.ops.is_empty() { Ok(state) } else { Err(asks.ops) })
}

/// What an observation still lacks.
struct Asks<'a> {
    outputs: &'a Outputs,
    ops: Vec<Op>,
}

impl Asks<'_> {
    fn need(&mut self, op: Op) {
        if self.outputs.get(&op).is_none() {
            self.ops.push(op);
        }
    }
}

fn shell_problem(shell: &AbsPath, outputs: &Outputs) -> Result<Option<String>, String> {
    match outputs.path(shell) {
        Some(OpOutput::Missing) => Ok(Some(format!("shell `{shell}` does not exist"))),
        Some(OpOutput::Stat(m)) if m.kind == FileKind::File && m.mode & 0o111 != 0 => Ok(None),
        Some(OpOutput::Stat(_)) => Ok(Some(format!("shell `{shell}` is not executable"))),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("`{shell}` was not looked at")),
    }
}

/// Returns what a new home gets. A skeleton that cannot be read is left out, as useradd does.
fn skeleton(asks: &mut Asks<'_>) -> Vec<(Arc<str>, Metadata, Option<[u8; 32]>)> {
    let path = AbsPath::known(SKELETON);
    asks.need(Op::ListDir { path: path.clone(), deep: true, entries_max: 256 });
    let Some(OpOutput::Dir(entries)) = asks.outputs.path(&path) else { return Vec::new() };
    let mut skeleton = Vec::new();
    for entry in entries {
        let path = path.join(&entry.path);
        let mut sha256 = None;
        if entry.meta.kind == FileKind::File {
            asks.need(Op::HashFile { path: path.clone(), follow: false });
            if let Some(OpOutput::Hash { sha256: digest, .. }) = asks.outputs.path(&path) {
                sha256 = Some(*digest);
            }
        }
        skeleton.push((entry.path.clone(), entry.meta.clone(), sha256));
    }
    skeleton
}

/// Returns the file operations: home, keys, and last the sudo rule. Keys of an account that is new, or about to move,
/// are written in the next round, when its number and home are known; the rule then comes after them.
pub fn files_beside_tools(want: &Want, state: &State, actions: &[Action]) -> Vec<Op> {
    let keys = actions.contains(&Action::WriteKeys);
    let settled = state.account.as_ref().filter(|account| !account.home_changes(want));
    let mut ops = Vec::new();
    if let Some(account) = &state.account {
        let mut user = account.user.clone();
        for action in actions {
            if let Action::Modify(m) = action {
                (user.uid, user.gid) = (m.uid.unwrap_or(user.uid), m.gid.unwrap_or(user.gid));
                user.home = m.home.as_ref().map_or(user.home, AbsPath::shared);
            }
        }
        if actions.contains(&Action::MakeHome)
            && let Ok(home) = AbsPath::parse(&user.home)
        {
            ops.extend(home_writes(state, &home, Owner { uid: Some(user.uid), gid: Some(user.gid) }));
        }
        if keys && settled.is_some() {
            ops.extend(keys_writes(want, state, &user));
        }
    }
    if keys && settled.is_none() {
        return ops;
    }
    ops.extend(sudo_writes(want, state, actions, true));
    ops
}
