//! What differs between an account and what is wanted of it, and what follows.

use super::{Ageing, Expiry, Lock, Password, Sudo, Update, Want, bcrypt, crypt, pbkdf2};
use crate::action::{AbsPath, FileKind, Metadata, OpOutput, Outputs};
use crate::host::{AccountSettings, Comparison, Database, Family, Phase, Problem, Shadow};
use crate::resource::group::listed;
use crate::resource::{Change, Diff, digest};
use crate::value::Text;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The family.
pub struct Users;

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The local account; `None` when there is none.
    pub account: Option<Account>,
    /// Whether a directory service (LDAP, AD) has an account of the name, and the local files have not.
    pub elsewhere: bool,
    /// Another user that has the wanted number.
    pub uid_holder: Option<Arc<str>>,
    /// The wanted primary group's number; the error says that it does not exist.
    pub group: Option<Result<u32, String>>,
    /// Wanted groups that do not exist.
    pub missing_groups: Vec<Arc<str>>,
    /// What is wrong with the wanted shell.
    pub shell_problem: Option<String>,
    /// The home directory: the account's, or for one that is to be made or moved, the wanted one.
    pub home: Option<FileAt>,
    /// `.ssh` in the account's home.
    pub ssh_dir: Option<FileAt>,
    /// The file of keys.
    pub keys: Option<FileAt>,
    /// The file with the sudo rule; where the rule is a block of a file that is others' too, that block as if it were a
    /// file of its own.
    pub sudo: Option<FileAt>,
    /// The file of which the rule is a block.
    pub rules: Option<FileAt>,
    /// The files that it was read from.
    pub database: Database,
    /// The settings from which a new account follows.
    pub settings: Arc<AccountSettings>,
    /// What a new home gets, with digests of the files.
    pub skeleton: Vec<(Arc<str>, Metadata, Option<[u8; 32]>)>,
    /// How passwords are hashed here.
    pub scheme: Scheme,
    /// Whether the account has been made and its first password is still to be set, where the two cannot be one round.
    pub password_due: bool,
    /// Whether it is an account that nobody logs in to and others take on (a role of illumos), for which there are tools
    /// of its own.
    pub is_role: bool,
    /// What can be known of the password.
    pub tells: Tells,
}

/// What a system tells of a password.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Tells {
    /// Its hash.
    #[default]
    Hash,
    /// Nothing, but that it is right when it is tried.
    Trial,
    /// As before, and it was not tried: nothing is to be done now, and a failed trial counts against the account.
    Untried,
}

/// How a system hashes passwords.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Scheme {
    /// SHA-512-crypt, `$6$`.
    #[default]
    Sha512Crypt,
    /// The salted PBKDF2 of macOS, here written `$ml$`.
    Pbkdf2,
    /// `$2b$`, which crypt(3) of OpenBSD has.
    Bcrypt,
    /// `$2a$`: crypt(3) of NetBSD knows no later letter. The same for passwords of at most 72 bytes.
    BcryptA,
}

impl Scheme {
    /// Returns the longest password, in bytes, all of which counts.
    pub fn password_bytes_max(self) -> usize {
        match self {
            Self::Sha512Crypt | Self::Pbkdf2 => crypt::PASSWORD_BYTES_MAX,
            Self::Bcrypt | Self::BcryptA => bcrypt::PASSWORD_BYTES_MAX,
        }
    }
}

/// A local account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its line in the passwd file.
    pub user: crate::host::User,
    /// Its password and ages; `None` when they could not be read.
    pub shadow: Option<Shadow>,
    /// The groups that list it.
    pub groups: BTreeSet<Arc<str>>,
    /// The name of its primary group.
    pub group: Option<Arc<str>>,
    /// Its login class; `None` where there is no such thing, or none is set.
    pub login_class: Option<Arc<str>>,
}

impl Account {
    /// Returns whether the home is to be another one than it is.
    pub fn home_changes(&self, want: &Want) -> bool {
        want.home.as_ref().is_some_and(|h| AbsPath::parse(&self.user.home).as_ref() != Ok(h))
    }
}

/// A path and what is there.
#[derive(Clone, PartialEq, Debug)]
pub struct FileAt {
    /// The path.
    pub path: AbsPath,
    /// What is there.
    pub found: Found,
}

/// What is at a path.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file with its content.
    File(Metadata, Arc<[u8]>),
    /// A directory, link or special file; or a file that was not read.
    Else(Metadata),
}

impl FileAt {
    /// Takes what is at `path` out of the answers; `None` when it was not asked for.
    ///
    /// # Errors
    /// A fragment, when it could not be read.
    pub fn from_outputs(outputs: &Outputs, path: &AbsPath) -> Option<Result<Self, String>> {
        let found = match outputs.path(path)? {
            OpOutput::Missing => Found::Nothing,
            OpOutput::File { meta, content } => Found::File(meta.clone(), content.clone()),
            OpOutput::Stat(meta) => Found::Else(meta.clone()),
            OpOutput::Failed(failure) => return Some(Err(failure.message.clone())),
            _ => return Some(Err(format!("expected metadata of `{path}`, found something else"))),
        };
        Some(Ok(Self { path: path.clone(), found }))
    }

    /// Returns what is there, as [`Family::evidence`].
    pub fn evidence(&self) -> String {
        let content = match &self.found {
            Found::File(_, content) => Some(digest::sha256(content)),
            Found::Nothing | Found::Else(_) => None,
        };
        format!("{:?}", (&self.path, self.meta().map(Metadata::lasting), content))
    }

    /// Returns the metadata of what is there.
    pub fn meta(&self) -> Option<&Metadata> {
        match &self.found {
            Found::Nothing => None,
            Found::File(meta, _) | Found::Else(meta) => Some(meta),
        }
    }

    /// Returns the content of a file.
    pub fn content(&self) -> Option<&Arc<[u8]>> {
        match &self.found {
            Found::File(_, content) => Some(content),
            _ => None,
        }
    }
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes the account.
    Create,
    /// Changes fields of its passwd line.
    Modify(Modification),
    /// Joins groups.
    Join(BTreeSet<Arc<str>>),
    /// Leaves groups.
    Leave(BTreeSet<Arc<str>>),
    /// Sets the password field of the shadow file, hashed, locked or not.
    SetPassword(Text),
    /// Locks the password.
    Lock,
    /// Unlocks it.
    Unlock,
    /// Sets those ages and the expiry that are given.
    SetAgeing(Ageing),
    /// Makes the home directory.
    MakeHome,
    /// Writes the file of keys, and makes `.ssh` its owner's alone.
    WriteKeys,
    /// Writes the sudo rule.
    WriteSudo,
    /// Removes the sudo rule.
    RemoveSudo,
    /// Removes the account, with its home if that is managed.
    Remove,
}

/// New values of a passwd line.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Modification {
    /// User id.
    pub uid: Option<u32>,
    /// Primary group.
    pub gid: Option<u32>,
    /// Login shell.
    pub shell: Option<Arc<str>>,
    /// Home directory.
    pub home: Option<AbsPath>,
    /// Comment.
    pub comment: Option<Arc<str>>,
    /// Login class.
    pub login_class: Option<Arc<str>>,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create user",
            Self::Modify(_) => "modify user",
            Self::Join(groups) => return write!(f, "join group {}", listed(groups)),
            Self::Leave(groups) => return write!(f, "leave group {}", listed(groups)),
            Self::SetPassword(_) => "set password",
            Self::Lock => "lock password",
            Self::Unlock => "unlock password",
            Self::SetAgeing(_) => "set ageing",
            Self::MakeHome => "make home",
            Self::WriteKeys => "write authorized_keys",
            Self::WriteSudo => "write sudo rule",
            Self::RemoveSudo => "remove sudo rule",
            Self::Remove => "remove user",
        })
    }
}

impl Family for Users {
    const TYPE: &'static str = "user";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        if !want.present {
            absent(want, state, &mut c);
            return c;
        }
        if let Err(problem) = possible(want, state) {
            return Comparison::fail(problem);
        }
        match &state.account {
            None => create(want, state, &mut c),
            Some(account) => modify(want, state, account, &mut c),
        }
        c.notes.extend(want.key_remarks.iter().cloned());
        if let Err(problem) = keys(want, state, &mut c) {
            return Comparison { notes: c.notes, ..Comparison::fail(problem) };
        }
        sudo(want, state, &mut c);
        c
    }

    fn evidence(state: &State) -> Option<String> {
        let State { account, elsewhere, uid_holder, group, missing_groups, shell_problem, .. } = state;
        let files = [&state.home, &state.ssh_dir, &state.keys, &state.sudo];
        let files = files.map(|file| file.as_ref().map(FileAt::evidence));
        Some(format!("{:?}", (account, elsewhere, uid_holder, group, missing_groups, shell_problem, files)))
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        // The shadow of the actions is in the files that it is read from.
        None
    }
}

fn absent(want: &Want, state: &State, c: &mut Comparison<Action>) {
    if state.sudo.as_ref().is_some_and(|f| f.found != Found::Nothing) {
        c.change(Change::new("sudo_nopasswd", "true", "absent"));
        c.act(Action::RemoveSudo);
    }
    match &state.account {
        Some(account) if account.user.uid == 0 => {
            let message = format!("`{}` is the account with uid 0", want.username);
            *c = Comparison::fail(Problem::guarded("username", message));
        }
        Some(account) => {
            c.change(Change::new("state", "present", "absent"));
            let there = state.home.as_ref().is_some_and(|h| h.found != Found::Nothing);
            if want.manage_home && there && super::home_to_remove(want, state).is_none() {
                c.notes.push(format!(
                    "the home directory `{}` is kept: it is not this account's alone",
                    account.user.home
                ));
            }
            c.act(Action::Remove);
        }
        None => {}
    }
}

/// Says what stands in the way.
fn possible(want: &Want, state: &State) -> Result<(), Problem> {
    let name = &want.username;
    if state.account.is_none() && state.elsewhere {
        return Err(Problem::failed(format!(
            "expected `{name}` to be a local account, found it in a directory service"
        )));
    }
    if let (Some(uid), Some(holder)) = (want.uid, &state.uid_holder) {
        return Err(Problem::failed(format!("uid `{uid}` is taken by user `{holder}`")));
    }
    if let Some(Err(why)) = &state.group {
        return Err(Problem::failed(why.clone()));
    }
    if let Some(group) = state.missing_groups.first() {
        return Err(Problem::failed(format!("group `{group}` does not exist")));
    }
    match &state.shell_problem {
        Some(why) => Err(Problem::failed(why.clone())),
        None => Ok(()),
    }
}

fn create(want: &Want, state: &State, c: &mut Comparison<Action>) {
    c.change(Change::new("state", "absent", "present"));
    c.act(Action::Create);
    if let Some(groups) = want.groups.as_ref().filter(|g| !g.is_empty()) {
        c.change(Change::new("groups", "", listed(groups)));
    }
    match &want.password {
        Some(password) => {
            let lock = want.lock == Some(Lock::Locked);
            c.change(Change::masked("password", &Text::default(), password.text()));
            c.act(Action::SetPassword(password.stored(lock, state.scheme)));
        }
        None if want.lock == Some(Lock::Open) => c.notes.push("there is no password to unlock".into()),
        None => {}
    }
    if want.ageing != Ageing::default() {
        ageing(want, None, c);
    }
}

fn modify(want: &Want, state: &State, account: &Account, c: &mut Comparison<Action>) {
    let user = &account.user;
    let mut m = Modification::default();
    if let Some(uid) = want.uid.filter(|uid| *uid != user.uid) {
        c.change(Change::new("uid", user.uid.to_string(), uid.to_string()));
        c.notes.push(format!("files of uid {} outside of the home directory keep that number", user.uid));
        m.uid = Some(uid);
    }
    if let (Some(Ok(gid)), Some(name)) = (&state.group, &want.group)
        && *gid != user.gid
    {
        let before = account.group.as_ref().map_or_else(|| user.gid.to_string(), |g| g.to_string());
        c.change(Change::new("group", before, &**name));
        m.gid = Some(*gid);
    }
    if let Some(shell) = want.shell.as_ref().filter(|s| s.as_str() != &*user.shell) {
        c.change(Change::new("shell", &*user.shell, shell.as_str()));
        m.shell = Some(shell.shared());
    }
    if let Some(home) = want.home.as_ref().filter(|_| account.home_changes(want)) {
        c.change(Change::new("home", &*user.home, home.as_str()));
        m.home = Some(home.clone());
    }
    if let Some(comment) = want.comment.as_ref().filter(|t| **t != user.comment) {
        c.change(Change::new("comment", &*user.comment, &**comment));
        m.comment = Some(comment.clone());
    }
    if let Some(class) = want.login_class.as_ref().filter(|class| Some(*class) != account.login_class.as_ref()) {
        c.change(Change::new("login_class", account.login_class.as_deref().unwrap_or(""), &**class));
        m.login_class = Some(class.clone());
    }
    let moved = m.home.is_some() && want.move_home;
    if m != Modification::default() {
        c.act(Action::Modify(m));
    }
    groups(want, account, c);
    if let Some(shadow) = &account.shadow {
        password(want, state, shadow, c);
        ageing(want, Some(shadow), c);
    }
    let missing = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
    if missing && want.manage_home && !moved && (want.home.is_some() || want.authorized_keys.is_some()) {
        c.change(Change::new("home directory", "absent", "present"));
        c.act(Action::MakeHome);
    }
}

fn groups(want: &Want, account: &Account, c: &mut Comparison<Action>) {
    let Some(wanted) = &want.groups else { return };
    let primary = |g: &Arc<str>| account.group.as_ref() == Some(g);
    let join: BTreeSet<Arc<str>> = wanted.difference(&account.groups).filter(|g| !primary(g)).cloned().collect();
    let leave: BTreeSet<Arc<str>> = match want.groups_exact {
        true => account.groups.difference(wanted).cloned().collect(),
        false => BTreeSet::new(),
    };
    if !(join.is_empty() && leave.is_empty()) {
        let after = account.groups.union(&join).filter(|g| !leave.contains(*g)).cloned().collect();
        c.change(Change::new("groups", listed(&account.groups), listed(&after)));
    }
    if !join.is_empty() {
        c.act(Action::Join(join));
    }
    if !leave.is_empty() {
        c.act(Action::Leave(leave));
    }
}

fn password(want: &Want, state: &State, shadow: &Shadow, c: &mut Comparison<Action>) {
    let hash = shadow.password.trim_start_matches('!');
    let marked = hash.len() < shadow.password.len();
    let any = !hash.is_empty() && !hash.starts_with('*');
    let always = match want.update_password {
        Update::Always => state.tells != Tells::Untried,
        Update::IfTold => state.tells == Tells::Hash,
        Update::OnCreate => false,
    };
    if want.password.is_some() && want.update_password == Update::Always && state.tells == Tells::Untried {
        c.notes.push("whether the password is the wanted one is only tried when it can be set".into());
    }
    let due = always || state.password_due;
    if let Some(password) = want.password.as_ref().filter(|_| due)
        && !password.is(state.scheme, &shadow.password, hash)
    {
        // A lock that somebody set stays, unless the policy says otherwise; `!` alone is no lock but no password.
        let locked = want.lock.map_or(marked && any, |lock| lock == Lock::Locked);
        c.change(Change::masked("password", &Text::plain("another"), password.text()));
        c.act(Action::SetPassword(password.stored(locked, state.scheme)));
        return;
    }
    match want.lock {
        Some(Lock::Locked) if !marked => {
            c.change(Change::new("locked", "false", "true"));
            c.act(Action::Lock);
        }
        Some(Lock::Open) if marked && !any => c.notes.push("there is no password to unlock".into()),
        Some(Lock::Open) if marked => {
            c.change(Change::new("locked", "true", "false"));
            c.act(Action::Unlock);
        }
        _ => {}
    }
}

impl Password {
    /// Returns the text that marks changes as secret.
    fn text(&self) -> &Text {
        match self {
            Self::Plain { password, .. } | Self::Hash(password) => password,
        }
    }

    /// Returns whether a stored field, and the hash in it without its lock, are of this password.
    fn is(&self, scheme: Scheme, stored: &str, hash: &str) -> bool {
        match self {
            Self::Plain { password, .. } => match scheme {
                Scheme::Sha512Crypt => crypt::verify(password.as_str(), hash),
                Scheme::Pbkdf2 => pbkdf2::verify(password.as_str(), hash),
                Scheme::Bcrypt | Scheme::BcryptA => bcrypt::verify(password.as_str(), hash),
            },
            Self::Hash(wanted) => wanted.as_str() == stored || wanted.as_str() == hash,
        }
    }

    /// Returns what is to be stored.
    pub fn stored(&self, locked: bool, scheme: Scheme) -> Text {
        let hash = match self {
            Self::Plain { password, salt } => match scheme {
                Scheme::Sha512Crypt => crypt::hash(password.as_str(), salt),
                Scheme::Pbkdf2 => pbkdf2::hash(password.as_str(), salt),
                Scheme::Bcrypt => bcrypt::hash(password.as_str(), 'b', salt),
                Scheme::BcryptA => bcrypt::hash(password.as_str(), 'a', salt),
            },
            Self::Hash(hash) => hash.as_str().into(),
        };
        let lock = if locked && !hash.starts_with('!') { "!" } else { "" };
        Text::plain(format!("{lock}{hash}")).tainted_by(self.text().secret_path())
    }
}

fn ageing(want: &Want, shadow: Option<&Shadow>, c: &mut Comparison<Action>) {
    let days = |n: i64| if n < 0 { "none".into() } else { n.to_string() };
    let Ageing { max, min, warn, inactive, expires } = want.ageing;
    let mut set = Ageing::default();
    for (field, wanted, stored, place) in [
        ("password_max_age", max, shadow.map(|s| s.max), &mut set.max),
        ("password_min_age", min, shadow.map(|s| s.min), &mut set.min),
        ("password_warn_days", warn, shadow.map(|s| s.warn), &mut set.warn),
        ("password_inactive_days", inactive, shadow.map(|s| s.inactive), &mut set.inactive),
    ] {
        // Below zero is none, whatever the number.
        if let Some(wanted) = wanted.filter(|w| stored.map(|s| s.max(-1)) != Some(*w)) {
            c.change(Change::new(field, stored.map_or_else(String::new, days), days(wanted)));
            *place = Some(wanted);
        }
    }
    if let Some(wanted) = expires.filter(|e| shadow.map(|s| s.expires.max(-1)) != Some(e.day())) {
        let day = |day: i64| if day < 0 { Expiry::Never } else { Expiry::Day(day) };
        let before = shadow.map_or_else(String::new, |s| day(s.expires).to_string());
        c.change(Change::new("expires", before, wanted.to_string()));
        set.expires = Some(wanted);
    }
    if set != Ageing::default() {
        c.act(Action::SetAgeing(set));
    }
}

fn keys(want: &Want, state: &State, c: &mut Comparison<Action>) -> Result<(), Problem> {
    let Some(text) = &want.authorized_keys else { return Ok(()) };
    let Some(account) = &state.account else {
        c.change(Change::new("authorized_keys", "absent", lines(text.as_str().as_bytes())));
        c.act(Action::WriteKeys);
        return Ok(());
    };
    let (Some(home), Some(dir), Some(file)) = (&state.home, &state.ssh_dir, &state.keys) else {
        return Err(Problem::failed("the home directory was not observed"));
    };
    if home.found == Found::Nothing && !want.manage_home {
        let problem = Problem::failed(format!("the home directory `{}` does not exist", home.path));
        return Err(problem.help("write `manage_home: true` to have it made"));
    }
    for (at, kind, word) in [(dir, FileKind::Dir, "a directory"), (file, FileKind::File, "a file")] {
        if at.meta().is_some_and(|m| m.kind != kind) {
            return Err(Problem::failed(format!("expected {word} at `{}`, found something else", at.path)));
        }
    }
    if account.home_changes(want) {
        // The file is looked at where the account will live, once it lives there.
        if !want.move_home || file.content().map(|c| &**c) != Some(text.as_str().as_bytes()) {
            c.change(Change::new("authorized_keys", "absent", lines(text.as_str().as_bytes())));
            c.act(Action::WriteKeys);
        }
        return Ok(());
    }
    let uid = want.uid.unwrap_or(account.user.uid);
    let changes = c.changes.len();
    for (at, field, mode) in [(dir, ".ssh", 0o700), (file, "authorized_keys", 0o600)] {
        let Some(meta) = at.meta() else { continue };
        if meta.mode != mode {
            let change = Change::mode(meta.mode, mode);
            c.change(Change { field: format!("{field} {}", change.field).into(), ..change });
        }
        if meta.uid != uid {
            c.change(Change::new(format!("{field} owner"), meta.uid.to_string(), uid.to_string()));
        }
    }
    if file.content().map(|c| &**c) != Some(text.as_str().as_bytes()) {
        let before = file.content().map_or_else(|| "absent".into(), |c| lines(c));
        c.change(Change::new("authorized_keys", before, lines(text.as_str().as_bytes())));
        c.diff = Some(Diff::new(file.path.shared(), file.content().cloned(), text.clone()));
    }
    if c.changes.len() > changes {
        c.act(Action::WriteKeys);
    }
    Ok(())
}

fn lines(text: &[u8]) -> String {
    let count = text.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty() && !l.starts_with(b"#")).count();
    format!("{count} {}", if count == 1 { "key" } else { "keys" })
}

fn sudo(want: &Want, state: &State, c: &mut Comparison<Action>) {
    let (Some(wanted), Some(file)) = (want.sudo, &state.sudo) else { return };
    let rule = super::files::sudo_rule(&want.username);
    match (wanted, &file.found) {
        (Sudo::NoRule, Found::Nothing) => {}
        (Sudo::NoRule, _) => {
            c.change(Change::new("sudo_nopasswd", "true", "false"));
            c.act(Action::RemoveSudo);
        }
        (Sudo::WithoutPassword, Found::File(meta, content))
            if **content == *rule.as_bytes() && (meta.mode, meta.uid, meta.gid) == (0o440, 0, 0) => {}
        (Sudo::WithoutPassword, found) => {
            let before = if *found == Found::Nothing { "false" } else { "another rule, owner or mode" };
            c.change(Change::new("sudo_nopasswd", before, "true"));
            c.act(Action::WriteSudo);
        }
    }
}
