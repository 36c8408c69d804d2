//! What a user's actions leave in files: what a plan foretells, and what is written where no tool can be run.

use super::{Action, FileAt, Found, State, Want};
use crate::action::{AbsPath, Command, Content, Expect, FileKind, Op, Owner, Replace, Validate};
use crate::host::{Database, OwnGroup, User};
use crate::value::Text;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The folder whose content a new home gets.
pub const SKELETON: &str = "/etc/skel";

/// Returns the supplementary groups once `actions` are done.
pub fn groups_after(want: &Want, state: &State, actions: &[Action]) -> BTreeSet<Arc<str>> {
    let mut groups = state.account.as_ref().map(|a| a.groups.clone()).unwrap_or_default();
    for action in actions {
        match action {
            Action::Create => groups.extend(want.groups.iter().flatten().cloned()),
            Action::Join(more) => groups.extend(more.iter().cloned()),
            Action::Leave(less) => groups.retain(|g| !less.contains(g)),
            _ => {}
        }
    }
    groups
}

/// Returns where a new account's home is.
pub fn home_of_new(want: &Want, state: &State) -> Option<AbsPath> {
    let usual = || AbsPath::parse(&format!("{}/{}", state.settings.home_base, want.username)).ok();
    want.home.clone().or_else(usual)
}

/// Returns the account files once `actions` are done, and the file operations that go with them: homes, and where the
/// account is new, its keys. `None` when no number is left for a new account.
pub fn database_after(want: &Want, state: &State, actions: &[Action]) -> Option<(Database, Vec<Op>)> {
    let mut after = state.database.clone();
    let mut ops = Vec::new();
    let name = &*want.username;
    let settings = &state.settings;
    for action in actions {
        match action {
            Action::Create => {
                let uid = want.uid.or_else(|| after.next_uid(settings.users(want.system)))?;
                let named = after.group(name).ok().flatten().map(|g| g.gid);
                let gid = match (&state.group, named, settings.own_group) {
                    (Some(Ok(gid)), ..) => *gid,
                    (_, Some(gid), _) | (_, None, OwnGroup::Shared(gid)) => gid,
                    (_, None, OwnGroup::Made) => {
                        let gid = after.next_gid(settings.groups(want.system), Some(uid))?;
                        after.add_group(name, gid);
                        gid
                    }
                };
                let home = home_of_new(want, state)?;
                let user = User {
                    uid,
                    gid,
                    comment: want.comment.clone().unwrap_or_default(),
                    home: home.shared(),
                    shell: want.shell.as_ref().map_or_else(|| settings.shell.clone(), AbsPath::shared),
                };
                // The day of the last change is left empty: nobody here knows the date.
                let aged = if want.system { "::::::".into() } else { format!(":{}", settings.ageing) };
                after.add_user(name, &user, &aged);
                let groups = groups_after(want, state, actions);
                after.set_memberships(name, |g| groups.contains(g).then_some(true));
                if want.manage_home && state.home.as_ref().is_some_and(|h| h.found == Found::Nothing) {
                    ops.extend(home_writes(state, &home, Owner { uid: Some(uid), gid: Some(gid) }));
                }
            }
            Action::Modify(m) => {
                let (uid, gid) = (m.uid.map(|n| n.to_string()), m.gid.map(|n| n.to_string()));
                let fields = [
                    (2, uid.as_deref()),
                    (3, gid.as_deref()),
                    (4, m.comment.as_deref()),
                    (5, m.home.as_ref().map(AbsPath::as_str)),
                    (6, m.shell.as_deref()),
                ];
                let fields: Vec<(usize, &str)> = fields.iter().filter_map(|(i, v)| Some((*i, (*v)?))).collect();
                let old = state.account.as_ref().and_then(|a| AbsPath::parse(&a.user.home).ok());
                let owned = state.home.as_ref().is_some_and(|h| h.found == Found::Nothing);
                if let (true, true, Some(from), Some(to)) = (want.move_home, owned, old, &m.home) {
                    ops.push(Op::Rename { from, to: to.clone() });
                }
                after.set_user(name, &fields);
            }
            Action::Join(groups) => after.set_memberships(name, |g| groups.contains(g).then_some(true)),
            Action::Leave(groups) => after.set_memberships(name, |g| groups.contains(g).then_some(false)),
            Action::SetPassword(stored) => after.set_shadow(name, &[(1, stored.as_str())]),
            Action::Lock | Action::Unlock => {
                let stored = after.shadow(name).map(|s| s.password).unwrap_or_default();
                let hash = stored.trim_start_matches('!');
                let lock = if *action == Action::Lock { "!" } else { "" };
                after.set_shadow(name, &[(1, &format!("{lock}{hash}"))]);
            }
            Action::SetAgeing(set) => {
                let days = [
                    (3, set.min),
                    (4, set.max),
                    (5, set.warn),
                    (6, set.inactive),
                    (7, set.expires.map(super::Expiry::day)),
                ];
                let text = |n: i64| if n < 0 { String::new() } else { n.to_string() };
                let days: Vec<(usize, String)> = days.iter().filter_map(|(i, n)| Some((*i, text((*n)?)))).collect();
                let fields: Vec<(usize, &str)> = days.iter().map(|(i, t)| (*i, &**t)).collect();
                after.set_shadow(name, &fields);
            }
            Action::MakeHome => {
                let user = after.user(name).ok().flatten()?;
                let home = AbsPath::parse(&user.home).ok()?;
                ops.extend(home_writes(state, &home, Owner { uid: Some(user.uid), gid: Some(user.gid) }));
            }
            Action::WriteKeys => {
                let user = after.user(name).ok().flatten()?;
                ops.extend(keys_writes(want, state, &user));
            }
            Action::WriteSudo | Action::RemoveSudo => {}
            Action::Remove => {
                after.remove_user(name);
                ops.extend(home_to_remove(want, state).map(|path| Op::Remove { path, recursive: true }));
            }
        }
    }
    Some((after, ops))
}

/// Returns the home that goes with a removed account: its own alone, and nothing that others live in.
pub fn home_to_remove(want: &Want, state: &State) -> Option<AbsPath> {
    let account = state.account.as_ref().filter(|_| want.manage_home)?;
    let home = AbsPath::parse(&account.user.home).ok()?;
    let at = state.home.as_ref().filter(|at| at.path == home)?;
    let own = at.meta().is_some_and(|m| m.kind == FileKind::Dir && m.uid == account.user.uid);
    let deep = home.parent().is_some_and(|p| p.parent().is_some());
    let shared = state.database.homes().any(|(name, other)| {
        name != &*want.username && AbsPath::parse(other).is_ok_and(|other| other.is_at_or_below(&home))
    });
    (own && deep && !shared).then_some(home)
}

/// Returns the writes that make `.ssh` and the file of keys as wanted, for `user` as it will be.
pub fn keys_writes(want: &Want, state: &State, user: &User) -> Vec<Op> {
    let (Some(text), Ok(home)) = (&want.authorized_keys, AbsPath::parse(&user.home)) else { return Vec::new() };
    let owner = Owner { uid: Some(user.uid), gid: Some(user.gid) };
    let dir = home.join(".ssh");
    let path = dir.join("authorized_keys");
    let observed = |at: &Option<FileAt>, path: &AbsPath| at.as_ref().filter(|at| at.path == *path).cloned();
    let mut ops = Vec::new();
    match observed(&state.ssh_dir, &dir).as_ref().and_then(FileAt::meta) {
        None => ops.push(Op::MakeDir { path: dir, mode: 0o700, owner, parents: false }),
        Some(meta) => {
            if meta.uid != user.uid {
                ops.push(Op::SetOwner { path: dir.clone(), owner, follow: false });
            }
            if meta.mode != 0o700 {
                ops.push(Op::SetMode { path: dir, mode: 0o700 });
            }
        }
    }
    let old = observed(&state.keys, &path);
    ops.push(Op::ReplaceFile(Replace {
        expect: match old.as_ref().map(|old| &old.found) {
            Some(Found::File(_, content)) => Expect::content(content),
            _ => Expect::Anything,
        },
        path,
        content: Content::Text(text.clone()),
        mode: Some(0o600),
        owner,
        context: None,
        validate: None,
        backup: None,
        follow: false,
        parents: false,
    }));
    ops
}

/// Returns the file of a user's sudo rule; names with dots would be ignored by sudo.
pub fn sudo_path(folder: &AbsPath, username: &str) -> AbsPath {
    folder.join(&format!("vigo-{}", username.replace(['.', '~'], "_")))
}

/// Returns the operations of those `actions` that are about the sudo rule. `checked` has visudo look at it first.
pub fn sudo_writes(want: &Want, state: &State, actions: &[Action], checked: bool) -> Vec<Op> {
    let Some(file) = &state.sudo else { return Vec::new() };
    let op = |action: &Action| match action {
        Action::RemoveSudo => Some(Op::Remove { path: file.path.clone(), recursive: false }),
        Action::WriteSudo => Some(Op::ReplaceFile(Replace {
            path: file.path.clone(),
            content: Content::Text(Text::plain(sudo_rule(&want.username))),
            mode: Some(0o440),
            owner: Owner { uid: Some(0), gid: Some(0) },
            context: None,
            expect: Expect::Anything,
            validate: checked.then(|| Validate { command: Command::read("visudo", ["-cf", "%"]) }),
            backup: None,
            follow: false,
            parents: false,
        })),
        _ => None,
    };
    actions.iter().filter_map(op).collect()
}

/// Returns the rule of sudoers(5) that lets a user do everything without a password.
pub fn sudo_rule(username: &str) -> String {
    format!("{username} ALL=(ALL) NOPASSWD: ALL\n")
}

/// Returns the operations that make a home with the content of the skeleton.
pub fn home_writes(state: &State, home: &AbsPath, owner: Owner) -> Vec<Op> {
    let mut ops = alloc::vec![Op::MakeDir { path: home.clone(), mode: state.settings.home_mode, owner, parents: true }];
    let from = AbsPath::known(SKELETON);
    for (name, meta, sha256) in &state.skeleton {
        let path = home.join(name);
        match (meta.kind, sha256, &meta.target) {
            (FileKind::Dir, ..) => ops.push(Op::MakeDir { path, mode: meta.mode, owner, parents: false }),
            (FileKind::Symlink, _, Some(to)) => ops.push(Op::Symlink { path, to: to.clone(), owner, force: false }),
            (FileKind::File, Some(sha256), _) => ops.push(Op::ReplaceFile(Replace {
                path,
                content: Content::Copy { from: from.join(name), sha256: *sha256 },
                mode: Some(meta.mode),
                owner,
                context: None,
                expect: Expect::Missing,
                validate: None,
                backup: None,
                follow: false,
                parents: false,
            })),
            _ => {}
        }
    }
    ops
}
