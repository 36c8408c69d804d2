//! Editing the text of passwd(5), group(5), shadow(5) and gshadow(5), as the tools of the shadow suite would.
//!
//! Used where no tool can be run (an image) and to foretell what a tool will leave behind. Lines that an edit is not about
//! stay byte for byte.

use super::Accounts;
use crate::action::{AbsPath, Content, Expect, Op, OpOutput, Outputs, Owner, Replace};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The local accounts, as the texts of their files.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Database {
    /// `/etc/passwd`.
    pub passwd: Arc<[u8]>,
    /// `/etc/group`.
    pub group: Arc<[u8]>,
    /// `/etc/shadow`; `None` when there is none, or it was not read.
    pub shadow: Option<Arc<[u8]>>,
    /// `/etc/gshadow`, likewise.
    pub gshadow: Option<Arc<[u8]>>,
}

/// A user's line in the passwd file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// The comment ("GECOS") field.
    pub comment: Arc<str>,
    /// Home directory, as written.
    pub home: Arc<str>,
    /// Login shell, as written.
    pub shell: Arc<str>,
}

/// A group's line in the group file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Group id.
    pub gid: u32,
    /// The users in it, besides those whose primary group it is.
    pub members: BTreeSet<Arc<str>>,
}

/// A user's line in the shadow file. Days; -1 where a field is empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The hashed password, with `!` before it when it is locked.
    pub password: Arc<str>,
    /// Days between changes, at least.
    pub min: i64,
    /// Days between changes, at most.
    pub max: i64,
    /// Days of warning.
    pub warn: i64,
    /// Days after which an expired password locks the account.
    pub inactive: i64,
    /// The day since 1970 from which the account is closed.
    pub expires: i64,
}

/// A range of ids from which new accounts get theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdRange {
    /// The first.
    pub min: u32,
    /// The last.
    pub max: u32,
    /// Whether ids are given from the last downwards, as those of system accounts are.
    pub downwards: bool,
}

impl Database {
    /// Returns the reads of the files that `from_outputs` takes; `shadowed` adds the two with the passwords.
    pub fn reads(shadowed: bool) -> Vec<Op> {
        let count = if shadowed { 4 } else { 2 };
        paths().iter().take(count).map(Op::read_file).collect()
    }

    /// Takes the texts out of the answers. A missing file is empty; of the two with the passwords also one that could
    /// not be read, or was not asked for, is `None`.
    ///
    /// # Errors
    /// A fragment, when the passwd or group file could not be read.
    pub fn from_outputs(outputs: &Outputs) -> Result<Self, String> {
        let [passwd, group, shadow, gshadow] = paths();
        let needed = |path: &AbsPath| match outputs.path(path) {
            Some(OpOutput::File { content, .. }) => Ok(content.clone()),
            Some(OpOutput::Missing) => Ok(Arc::default()),
            Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
            _ => Err(format!("expected the file `{path}`, found something else")),
        };
        let optional = |path: &AbsPath| match outputs.path(path) {
            Some(OpOutput::File { content, .. }) => Some(content.clone()),
            _ => None,
        };
        let (passwd, group) = (needed(&passwd)?, needed(&group)?);
        Ok(Self { passwd, group, shadow: optional(&shadow), gshadow: optional(&gshadow) })
    }

    /// Returns look-ups in the two public files.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts { passwd: &self.passwd, group: &self.group }
    }

    /// Returns a user's line.
    ///
    /// # Errors
    /// A fragment, when there is a line and it has no sense.
    pub fn user(&self, name: &str) -> Result<Option<User>, String> {
        let Some(line) = line(&self.passwd, name) else { return Ok(None) };
        let fields = fields(line);
        let text = |i: usize| fields.get(i).map(|f| Arc::from(String::from_utf8_lossy(f).as_ref())).unwrap_or_default();
        match (number(&fields, 2), number(&fields, 3)) {
            (Some(uid), Some(gid)) => Ok(Some(User { uid, gid, comment: text(4), home: text(5), shell: text(6) })),
            _ => Err(format!("the line of `{name}` in `/etc/passwd` has no user and group number")),
        }
    }

    /// Returns a group's line.
    ///
    /// # Errors
    /// A fragment, when there is a line and it has no sense.
    pub fn group(&self, name: &str) -> Result<Option<Group>, String> {
        let Some(line) = line(&self.group, name) else { return Ok(None) };
        let fields = fields(line);
        match number(&fields, 2) {
            Some(gid) => Ok(Some(Group { gid, members: members(&fields).map(Arc::from).collect() })),
            None => Err(format!("the line of `{name}` in `/etc/group` has no group number")),
        }
    }

    /// Returns a user's line in the shadow file; where there is none, the password field of the passwd file counts.
    pub fn shadow(&self, name: &str) -> Option<Shadow> {
        let line = match self.shadow.as_deref().and_then(|text| line(text, name)) {
            Some(line) => line,
            None => {
                let fields = fields(line(&self.passwd, name)?);
                let password = String::from_utf8_lossy(fields.get(1)?).as_ref().into();
                return Some(Shadow { password, min: -1, max: -1, warn: -1, inactive: -1, expires: -1 });
            }
        };
        let fields = fields(line);
        let days = |i: usize| fields.get(i).and_then(|f| core::str::from_utf8(f).ok()?.parse().ok()).unwrap_or(-1);
        let password = fields.get(1).map(|f| Arc::from(String::from_utf8_lossy(f).as_ref())).unwrap_or_default();
        Some(Shadow { password, min: days(3), max: days(4), warn: days(5), inactive: days(6), expires: days(7) })
    }

    /// Returns the names of the groups that list `user` as a member.
    pub fn groups_of(&self, user: &str) -> BTreeSet<Arc<str>> {
        let lists = |line: &&[u8]| members(&fields(line)).any(|m| m == user);
        self.group.split(|&b| b == b'\n').filter(lists).filter_map(name_of).map(Arc::from).collect()
    }

    /// Returns the first user whose primary group `gid` is.
    pub fn primary_user_of(&self, gid: u32) -> Option<&str> {
        self.primary_users_of(gid).next()
    }

    /// Returns all users whose primary group has this number.
    pub fn primary_users_of(&self, gid: u32) -> impl Iterator<Item = &str> {
        self.passwd.split(|&b| b == b'\n').filter(move |l| number(&fields(l), 3) == Some(gid)).filter_map(name_of)
    }

    /// Returns all users with their homes.
    pub fn homes(&self) -> impl Iterator<Item = (&str, &str)> {
        let home = |line| Some((name_of(line)?, core::str::from_utf8(fields(line).get(5)?).ok()?));
        self.passwd.split(|&b| b == b'\n').filter_map(home)
    }

    /// Returns the id that a new user gets. `None` when none is left.
    pub fn next_uid(&self, range: IdRange) -> Option<u32> {
        next(&self.passwd, range)
    }

    /// Returns the id that a new group gets: `preferred` if it is free. `None` when none is left.
    pub fn next_gid(&self, range: IdRange, preferred: Option<u32>) -> Option<u32> {
        match preferred.filter(|&gid| self.accounts().group_name(gid).is_none()) {
            Some(gid) => Some(gid),
            None => next(&self.group, range),
        }
    }

    /// Adds a user without a password. `aged` is the part of the shadow line after the password: `19000:0:99999:7:::`.
    pub fn add_user(&mut self, name: &str, user: &User, aged: &str) {
        let User { uid, gid, comment, home, shell } = user;
        self.passwd = append(&self.passwd, &format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"));
        let shadow = self.shadow.take().unwrap_or_default();
        self.shadow = Some(append(&shadow, &format!("{name}:!:{aged}")));
    }

    /// Removes a user, its memberships, and the group of its name when nobody else uses it.
    pub fn remove_user(&mut self, name: &str) {
        let own = self.group(name).ok().flatten();
        self.passwd = remove(&self.passwd, name);
        self.shadow = self.shadow.take().map(|text| remove(&text, name));
        self.set_memberships(name, |_| Some(false));
        if let Some(own) = own
            && self.primary_user_of(own.gid).is_none()
            && own.members.iter().all(|m| &**m == name)
        {
            self.remove_group(name);
        }
    }

    /// Sets fields of a user's line in the passwd file, counted from 0.
    pub fn set_user(&mut self, name: &str, fields: &[(usize, &str)]) {
        self.passwd = set_fields(&self.passwd, name, fields);
    }

    /// Sets fields of a user's line in the shadow file, counted from 0; without one, the password of the passwd file.
    pub fn set_shadow(&mut self, name: &str, fields: &[(usize, &str)]) {
        match &self.shadow {
            Some(text) if line(text, name).is_some() => self.shadow = Some(set_fields(text, name, fields)),
            _ => {
                let password: Vec<(usize, &str)> = fields.iter().copied().filter(|(i, _)| *i == 1).collect();
                self.passwd = set_fields(&self.passwd, name, &password);
            }
        }
    }

    /// Adds an empty group.
    pub fn add_group(&mut self, name: &str, gid: u32) {
        self.group = append(&self.group, &format!("{name}:x:{gid}:"));
        self.gshadow = self.gshadow.take().map(|text| append(&text, &format!("{name}:!::")));
    }

    /// Removes a group.
    pub fn remove_group(&mut self, name: &str) {
        self.group = remove(&self.group, name);
        self.gshadow = self.gshadow.take().map(|text| remove(&text, name));
    }

    /// Sets a group's number, and with it that of the users whose primary group it is.
    pub fn set_gid(&mut self, name: &str, gid: u32) {
        let old = self.accounts().gid(name).map(|old| old.to_string());
        let text = gid.to_string();
        self.group = set_fields(&self.group, name, &[(2, &text)]);
        self.passwd = edit(&self.passwd, |line| {
            let here = old.as_deref().is_some_and(|old| fields(line).get(3).is_some_and(|f| *f == old.as_bytes()));
            here.then(|| with_fields(line, &[(3, &text)]))
        });
    }

    /// Sets a group's members.
    pub fn set_members(&mut self, name: &str, members: &BTreeSet<Arc<str>>) {
        let list: Vec<&str> = members.iter().map(|m| &**m).collect();
        let list = list.join(",");
        self.group = set_fields(&self.group, name, &[(3, &list)]);
        self.gshadow = self.gshadow.take().map(|text| set_fields(&text, name, &[(3, &list)]));
    }

    /// Puts `user` into the groups for which `member` says true, out of those for which it says false.
    pub fn set_memberships(&mut self, user: &str, member: impl Fn(&str) -> Option<bool>) {
        let change = |line: &[u8]| {
            let wanted = member(name_of(line)?)?;
            let fields = fields(line);
            if fields.len() < 4 || members(&fields).any(|m| m == user) == wanted {
                return None;
            }
            let mut list: Vec<&str> = members(&fields).filter(|m| *m != user).collect();
            if wanted {
                list.push(user);
            }
            Some(with_fields(line, &[(3, &list.join(","))]))
        };
        self.group = edit(&self.group, change);
        self.gshadow = self.gshadow.take().map(|text| edit(&text, change));
    }

    /// Returns the writes that turn the files of `old` into these.
    pub fn writes(&self, old: &Self) -> Vec<Op> {
        let [passwd, group, shadow, gshadow] = paths();
        let files = [
            (group, Some(&old.group), Some(&self.group), 0o644),
            (gshadow, old.gshadow.as_ref(), self.gshadow.as_ref(), 0o600),
            (passwd, Some(&old.passwd), Some(&self.passwd), 0o644),
            (shadow, old.shadow.as_ref(), self.shadow.as_ref(), 0o600),
        ];
        let mut ops = Vec::new();
        for (path, old, new, mode) in files {
            let Some(new) = new.filter(|new| old != Some(*new)) else { continue };
            let old = old.filter(|old| !old.is_empty());
            ops.push(Op::ReplaceFile(Replace {
                path,
                content: Content::Bytes(new.clone()),
                mode: old.is_none().then_some(mode),
                owner: Owner::default(),
                context: None,
                expect: old.map_or(Expect::Anything, |old| Expect::content(old)),
                validate: None,
                backup: None,
                follow: true,
                parents: true,
            }));
        }
        ops
    }
}

impl fmt::Debug for Database {
    /// Shows sizes: the shadow file holds hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "passwd {} bytes, group {} bytes", self.passwd.len(), self.group.len())
    }
}

impl fmt::Debug for Shadow {
    /// Leaves the hash out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, max, warn, inactive, expires, .. } = self;
        write!(f, "Shadow {{ min: {min}, max: {max}, warn: {warn}, inactive: {inactive}, expires: {expires} }}")
    }
}

fn paths() -> [AbsPath; 4] {
    ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map(AbsPath::known)
}

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|&b| b == b':').collect()
}

fn name_of(line: &[u8]) -> Option<&str> {
    core::str::from_utf8(line.split(|&b| b == b':').next()?).ok().filter(|name| !name.is_empty())
}

fn number(fields: &[&[u8]], index: usize) -> Option<u32> {
    core::str::from_utf8(fields.get(index)?).ok()?.parse().ok()
}

fn members<'a>(fields: &[&'a [u8]]) -> impl Iterator<Item = &'a str> {
    let list = fields.get(3).copied().unwrap_or_default();
    list.split(|&b| b == b',').filter_map(|m| core::str::from_utf8(m).ok()).filter(|m| !m.is_empty())
}

fn is_line_of(line: &[u8], name: &str) -> bool {
    line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b':'))
}

fn line<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    text.split(|&b| b == b'\n').find(|l| is_line_of(l, name))
}

/// Maps lines, given without their end; those for which `change` says nothing stay.
fn edit(text: &[u8], change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Arc<[u8]> {
    let mut out = Vec::with_capacity(text.len() + 64);
    for whole in text.split_inclusive(|&b| b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        match change(line) {
            Some(new) => {
                out.extend_from_slice(&new);
                out.extend_from_slice(&whole[line.len()..]);
            }
            None => out.extend_from_slice(whole),
        }
    }
    out.into()
}

fn with_fields(line: &[u8], sets: &[(usize, &str)]) -> Vec<u8> {
    let mut all = fields(line);
    for (index, value) in sets {
        if all.len() <= *index {
            all.resize(index + 1, b"");
        }
        if let Some(field) = all.get_mut(*index) {
            *field = value.as_bytes();
        }
    }
    all.join(&b':')
}

fn set_fields(text: &[u8], name: &str, sets: &[(usize, &str)]) -> Arc<[u8]> {
    edit(text, |line| is_line_of(line, name).then(|| with_fields(line, sets)))
}

fn append(text: &[u8], line: &str) -> Arc<[u8]> {
    let mut out = text.to_vec();
    if out.last().is_some_and(|&b| b != b'\n') {
        out.push(b'\n');
    }
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
    out.into()
}

fn remove(text: &[u8], name: &str) -> Arc<[u8]> {
    let mut out = Vec::with_capacity(text.len());
    text.split_inclusive(|&b| b == b'\n').filter(|l| !is_line_of(l, name)).for_each(|l| out.extend_from_slice(l));
    out.into()
}

/// As `find_new_uid` of the shadow suite: one past the outermost id that is taken, else the first gap from the other end.
fn next(text: &[u8], range: IdRange) -> Option<u32> {
    let ids = text.split(|&b| b == b'\n').filter_map(|l| number(&fields(l), 2));
    let taken: BTreeSet<u32> = ids.filter(|id| (range.min..=range.max).contains(id)).collect();
    if range.downwards {
        let past = taken.first().map_or(Some(range.max), |id| id.checked_sub(1));
        return past
            .filter(|id| *id >= range.min)
            .or_else(|| (range.min..=range.max).rev().find(|id| !taken.contains(id)));
    }
    let past = taken.last().map_or(Some(range.min), |id| id.checked_add(1));
    past.filter(|id| *id <= range.max).or_else(|| (range.min..=range.max).find(|id| !taken.contains(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nbob:x:1005:1005::/home/bob:/bin/sh\nsvc:x:990:990::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nbob:x:1005:\nsudo:x:27:\nadm:x:4:bob\nfoo:x:1006:\n";
    const SHADOW: &str = "root:*:19000:0:99999:7:::\nbob:!:19000:0:99999:7:::\n";

    fn database() -> Database {
        let bytes = |t: &str| Arc::from(t.as_bytes());
        Database { passwd: bytes(PASSWD), group: bytes(GROUP), shadow: Some(bytes(SHADOW)), gshadow: None }
    }

    fn text(bytes: &[u8]) -> &str {
        core::str::from_utf8(bytes).unwrap()
    }

    /// What `useradd -P` and `groupadd -P` of shadow 4.13 gave for these files.
    #[test]
    fn ids_are_given_as_the_shadow_suite_gives_them() {
        let mut d = database();
        let (people, system) =
            (IdRange { min: 1000, max: 60000, downwards: false }, IdRange { min: 101, max: 999, downwards: true });
        assert_eq!(d.next_uid(people), Some(1006));
        assert_eq!(d.next_gid(people, Some(1006)), Some(1007), "the preferred one is taken");
        assert_eq!(d.next_uid(system), Some(989));
        assert_eq!(d.next_gid(system, Some(989)), Some(989));
        d.add_group("sysy", 989);
        assert_eq!(d.next_gid(system, None), Some(988));
        assert_eq!(d.next_uid(IdRange { min: 1005, max: 1005, downwards: false }), None);
        assert_eq!(d.next_uid(IdRange { min: 1004, max: 1005, downwards: false }), Some(1004), "a gap");
    }

    #[test]
    fn a_user_comes_and_goes_without_a_trace() {
        let mut d = database();
        let user = User { uid: 1006, gid: 1007, comment: "A".into(), home: "/home/a".into(), shell: "/bin/sh".into() };
        d.add_group("alice", 1007);
        d.add_user("alice", &user, "19000:0:99999:7:::");
        d.set_memberships("alice", |g| (g == "sudo" || g == "adm").then_some(true));
        assert!(text(&d.passwd).ends_with("\nalice:x:1006:1007:A:/home/a:/bin/sh\n"));
        assert!(text(&d.group).contains("sudo:x:27:alice\nadm:x:4:bob,alice\n"), "{}", text(&d.group));
        assert_eq!(d.groups_of("alice").len(), 2);
        assert_eq!(d.user("alice"), Ok(Some(user)));
        assert_eq!(d.shadow("alice").unwrap().max, 99999);
        d.remove_user("alice");
        assert_eq!(d, database());
    }

    #[test]
    fn only_changed_files_are_written() {
        let old = database();
        let mut new = old.clone();
        new.set_shadow("bob", &[(1, "$6$x"), (7, "20000")]);
        let writes = new.writes(&old);
        let [Op::ReplaceFile(r)] = &writes[..] else { panic!("{writes:?}") };
        assert_eq!(r.path.as_str(), "/etc/shadow");
        assert_eq!(r.expect, Expect::content(SHADOW.as_bytes()));
        assert_eq!(r.content.bytes().map(text), Some("root:*:19000:0:99999:7:::\nbob:$6$x:19000:0:99999:7::20000:\n"));
        assert!(!alloc::format!("{new:?} {:?}", new.shadow("bob")).contains("$6$"));
    }

    #[test]
    fn a_new_group_number_is_given_to_its_users() {
        let mut d = database();
        d.set_gid("bob", 2000);
        assert_eq!(d.user("bob").unwrap().unwrap().gid, 2000);
        assert_eq!(d.accounts().gid("bob"), Some(2000));
        assert_eq!(d.primary_user_of(2000), Some("bob"));
    }

    #[test]
    fn a_broken_line_is_no_missing_account() {
        let d = Database { passwd: Arc::from(&b"bob:x:many:1::/:/bin/sh\n"[..]), ..Database::default() };
        assert!(d.user("bob").is_err());
        assert_eq!(d.user("alice"), Ok(None));
    }

    proptest! {
        #[test]
        fn other_lines_stay_byte_for_byte(text in "([a-c]{1,2}:x:[0-9]{1,3}:[a-c,]{0,5}\n|#?\n|[^\n]{0,6}\n){0,8}[a-c:]{0,4}") {
            let bytes: Arc<[u8]> = text.as_bytes().into();
            let mut d = Database { group: bytes.clone(), ..Database::default() };
            d.set_members("a", &BTreeSet::from(["zz".into()]));
            d.set_memberships("yy", |g| (g == "b").then_some(true));
            let once = d.clone();
            d.set_members("a", &BTreeSet::from(["zz".into()]));
            d.set_memberships("yy", |g| (g == "b").then_some(true));
            prop_assert_eq!(&d, &once);
            let touched = |l: &&[u8]| is_line_of(l, "a") || is_line_of(l, "b");
            let old = bytes.split(|&b| b == b'\n').filter(|l| !touched(l));
            let new = d.group.split(|&b| b == b'\n').filter(|l| !touched(l));
            prop_assert!(old.eq(new));
        }
    }
}
