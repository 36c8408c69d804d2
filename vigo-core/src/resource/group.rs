//! `group`: a local group and its members.

use super::{Attr, Change, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use crate::host::{Comparison, Database, Family, Phase, Problem};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "group",
    aliases: &[],
    summary: "Manages a local group and its members.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("group", Kind::Name, "Name of the group.").required(),
        Attr::new("gid", Kind::Integer(0, 4_294_967_294), "Its number; a taken one fails.").only_in(PRESENT),
        Attr::new("system", Kind::Bool, "Whether a new group gets a number of the system's range.")
            .default("false")
            .only_in(PRESENT),
        Attr::new("members", Kind::List, "The users in it; `[]` empties it. A user that does not exist fails.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("members_exact", Kind::Bool, "Whether members that are not listed are dropped.")
            .default("true")
            .only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.str("group"),
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint::default();
    if fields.state() == "present" {
        f.makes.extend(fields.str("group").map(Need::Group));
    }
    f.needs.extend(fields.words("members").unwrap_or_default().into_iter().map(Need::User));
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(name) = fields.str("group") {
        problems.extend(super::user::check_name("group", &name));
        if fields.state() == "absent" && &*name == "root" {
            problems.push(Problem::guarded("group", "the group `root` cannot be removed"));
        }
    }
    if fields.is_written("members_exact") && !fields.is_written("members") {
        problems.push(Problem::conflict("members_exact", "has no meaning without `members`"));
    }
    for member in fields.words("members").unwrap_or_default() {
        problems.extend(super::user::check_name("members", &member));
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let want = Want {
        group: fields.str("group").unwrap_or_default(),
        present: fields.state() == "present",
        gid: fields.int("gid").and_then(|n| u32::try_from(n).ok()),
        system: fields.flag("system"),
        members: fields.words("members").map(|m| m.into_iter().collect()),
        members_exact: fields.flag("members_exact"),
    };
    Ok(Managed::<Groups>::boxed(want, with.host.group(with.facts)?))
}

/// The family.
pub struct Groups;

/// What is wanted of a group.
#[derive(Clone, Debug)]
pub struct Want {
    /// Its name.
    pub group: Arc<str>,
    /// Whether it exists.
    pub present: bool,
    /// Its number.
    pub gid: Option<u32>,
    /// Whether a new one is the system's.
    pub system: bool,
    /// Its members.
    pub members: Option<BTreeSet<Arc<str>>>,
    /// Whether no others are in it.
    pub members_exact: bool,
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Number and members; `None` when there is no such group.
    pub group: Option<crate::host::Group>,
    /// Another group that has the wanted number.
    pub gid_holder: Option<Arc<str>>,
    /// Whether it is the one that [`stand_in`] names, which a change that was interrupted has left.
    pub stand_in: bool,
    /// Wanted members that do not exist.
    pub missing_members: Vec<Arc<str>>,
    /// A user whose primary group it is.
    pub primary_user: Option<Arc<str>>,
    /// The files it was read from.
    pub database: Database,
    /// The settings from which a new group's number follows.
    pub settings: Arc<crate::host::AccountSettings>,
    /// The accounts that are no users but roles, whom other programs change. Only illumos has them.
    pub roles: BTreeSet<Arc<str>>,
}

/// A step of giving a group another number, where the tools leave its users with the old one, and give a user no number
/// that no group has.
///
/// The group itself comes last. Before, another one has the new number while its users move there, so that what stopped
/// half-way still is a group with the old number: the next run goes on, and no user stays behind with a number of nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Renumber<'a> {
    /// Makes the group that [`stand_in`] names, with the new number.
    Stand(String),
    /// Gives this user the new number.
    Move(&'a str),
    /// Removes the group that stood in.
    Leave(String),
    /// Gives the group the new number, which is free now.
    Set,
}

/// Returns the name of the group that has a number while users move there.
pub fn stand_in(gid: u32) -> String {
    format!("vigo{gid}")
}

impl State {
    /// Takes the group that [`stand_in`] names for what an interrupted [`renumber`](Self::renumber) has left.
    #[must_use]
    pub fn resuming(mut self, want: &Want) -> Self {
        let stand_in = want.gid.map(stand_in);
        let moves = self.group.as_ref().is_some_and(|group| want.gid.is_some_and(|gid| group.gid != gid));
        if moves && stand_in.is_some() && self.gid_holder.as_deref() == stand_in.as_deref() {
            (self.gid_holder, self.stand_in) = (None, true);
        }
        self
    }

    /// Returns the steps to another number, in this order.
    pub fn renumber(&self, gid: u32) -> Vec<Renumber<'_>> {
        let users: Vec<Renumber<'_>> = self.primary_users().map(Renumber::Move).collect();
        let stands = self.stand_in || !users.is_empty();
        let before = (stands && !self.stand_in).then(|| Renumber::Stand(stand_in(gid)));
        let after = stands.then(|| Renumber::Leave(stand_in(gid)));
        before.into_iter().chain(users).chain(after).chain([Renumber::Set]).collect()
    }

    /// Returns the users whose primary group it is. Most tools leave them with the old number when the group gets another.
    pub fn primary_users(&self) -> impl Iterator<Item = &str> {
        self.group.iter().flat_map(|group| self.database.primary_users_of(group.gid))
    }
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes the group.
    Create,
    /// Sets its number.
    SetGid(u32),
    /// Adds members.
    AddMembers(BTreeSet<Arc<str>>),
    /// Drops members.
    DropMembers(BTreeSet<Arc<str>>),
    /// Removes the group.
    Remove,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create group"),
            Self::SetGid(gid) => write!(f, "set gid {gid}"),
            Self::AddMembers(names) => write!(f, "add member {}", listed(names)),
            Self::DropMembers(names) => write!(f, "drop member {}", listed(names)),
            Self::Remove => f.write_str("remove group"),
        }
    }
}

/// Returns names as they are shown: `a, b`.
pub(super) fn listed(names: &BTreeSet<Arc<str>>) -> String {
    names.iter().map(|n| &**n).collect::<Vec<_>>().join(", ")
}

impl Family for Groups {
    const TYPE: &'static str = "group";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        if !want.present {
            let Some(group) = &state.group else { return c };
            if group.gid == 0 {
                return Comparison::fail(Problem::guarded(
                    "group",
                    format!("`{}` is the group with number 0", want.group),
                ));
            }
            if let Some(user) = &state.primary_user {
                let message = format!("group `{}` is the primary group of user `{user}`", want.group);
                return Comparison::fail(Problem::failed(message).help("give the user another primary group first"));
            }
            c.change(Change::new("state", "present", "absent"));
            c.act(Action::Remove);
            return c;
        }
        if let (Some(gid), Some(holder)) = (want.gid, &state.gid_holder) {
            return Comparison::fail(Problem::failed(format!("gid `{gid}` is taken by group `{holder}`")));
        }
        if let Some(user) = state.missing_members.first() {
            return Comparison::fail(Problem::failed(format!("user `{user}` does not exist")));
        }
        let none = BTreeSet::new();
        let members = state.group.as_ref().map_or(&none, |g| &g.members);
        match (&state.group, want.gid) {
            (None, _) => {
                c.change(Change::new("state", "absent", "present"));
                c.act(Action::Create);
            }
            (Some(group), Some(gid)) if group.gid != gid => {
                c.change(Change::new("gid", group.gid.to_string(), gid.to_string()));
                c.notes.push(format!("files of gid {} keep that number", group.gid));
                c.act(Action::SetGid(gid));
            }
            _ => {}
        }
        if let Some(wanted) = &want.members {
            let add: BTreeSet<Arc<str>> = wanted.difference(members).cloned().collect();
            let excess = || members.difference(wanted).cloned().collect();
            let drop: BTreeSet<Arc<str>> = if want.members_exact { excess() } else { BTreeSet::new() };
            if !(add.is_empty() && drop.is_empty()) {
                let after = members.union(&add).filter(|m| !drop.contains(*m)).cloned().collect();
                c.change(Change::new("members", listed(members), listed(&after)));
            }
            if !add.is_empty() {
                c.act(Action::AddMembers(add));
            }
            if !drop.is_empty() {
                c.act(Action::DropMembers(drop));
            }
        }
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        // The shadow of the actions is in the files that it is read from.
        None
    }
}

/// Returns the members once `actions` are done.
pub fn members_after(state: &State, actions: &[Action]) -> BTreeSet<Arc<str>> {
    let mut members = state.group.as_ref().map(|g| g.members.clone()).unwrap_or_default();
    for action in actions {
        match action {
            Action::AddMembers(names) => members.extend(names.iter().cloned()),
            Action::DropMembers(names) => members.retain(|m| !names.contains(m)),
            _ => {}
        }
    }
    members
}

/// Returns the account files once `actions` are done. `None` when no number is left for a new group.
pub fn database_after(want: &Want, state: &State, actions: &[Action]) -> Option<Database> {
    let mut after = state.database.clone();
    for action in actions {
        match action {
            Action::Create => {
                let range = state.settings.groups(want.system);
                let gid = want.gid.or_else(|| after.next_gid(range, None))?;
                after.add_group(&want.group, gid);
            }
            Action::SetGid(gid) => after.set_gid(&want.group, *gid),
            Action::Remove => after.remove_group(&want.group),
            Action::AddMembers(_) | Action::DropMembers(_) => {
                after.set_members(&want.group, &members_after(state, actions));
            }
        }
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &str) -> BTreeSet<Arc<str>> {
        names.split_whitespace().map(Arc::from).collect()
    }

    fn want() -> Want {
        Want { group: "ops".into(), present: true, gid: None, system: false, members: None, members_exact: true }
    }

    fn state(gid: u32, members: &str) -> State {
        State { group: Some(crate::host::Group { gid, members: set(members) }), ..State::default() }
    }

    #[test]
    fn what_follows_from_a_difference() {
        let exact = |members: &str| Want { members: Some(set(members)), ..want() };
        let added = |members: &str| Want { members_exact: false, ..exact(members) };
        let absent = || Want { present: false, ..want() };
        let cases: Vec<(&str, Want, State, Vec<Action>)> = alloc::vec![
            ("missing", want(), State::default(), alloc::vec![Action::Create]),
            ("there", want(), state(7, "a"), alloc::vec![]),
            ("another gid", Want { gid: Some(8), ..want() }, state(7, ""), alloc::vec![Action::SetGid(8)]),
            ("members", exact("a b"), state(7, "b a"), alloc::vec![]),
            (
                "exact",
                exact("a b"),
                state(7, "b c"),
                alloc::vec![Action::AddMembers(set("a")), Action::DropMembers(set("c"))],
            ),
            ("only added", added("a b"), state(7, "b c"), alloc::vec![Action::AddMembers(set("a"))]),
            ("emptied", exact(""), state(7, "c"), alloc::vec![Action::DropMembers(set("c"))]),
            ("gone", absent(), State::default(), alloc::vec![]),
            ("to go", absent(), state(7, ""), alloc::vec![Action::Remove]),
        ];
        for (name, want, state, actions) in cases {
            let c = Groups::compare(&want, &state, Phase::Before);
            assert_eq!(c.actions, actions, "{name}");
            assert_eq!(c.changes.is_empty(), actions.is_empty(), "{name}");
            assert_eq!(c.failure, None, "{name}");
        }
    }

    #[test]
    fn a_group_gets_its_number_after_its_users_and_an_interruption_is_taken_up() {
        let want = Want { gid: Some(8), ..want() };
        let passwd = |bob: u32, carol: u32| format!("bob:x:1:{bob}::/:/bin/sh\ncarol:x:2:{carol}::/:/bin/sh\n");
        let seen = |passwd: &str, holder: Option<&str>| {
            let database = Database { passwd: passwd.as_bytes().into(), ..Database::default() };
            State { gid_holder: holder.map(Arc::from), database, ..state(7, "") }.resuming(&want)
        };
        let steps = |state: &State| {
            let c = Groups::compare(&want, state, Phase::Before);
            assert_eq!((c.failure, c.actions), (None, alloc::vec![Action::SetGid(8)]));
            let step = |step: Renumber<'_>| match step {
                Renumber::Stand(name) => format!("+{name}"),
                Renumber::Move(user) => user.into(),
                Renumber::Leave(name) => format!("-{name}"),
                Renumber::Set => "set".into(),
            };
            state.renumber(8).into_iter().map(step).collect::<Vec<_>>().join(" ")
        };
        let cases = [
            ("nobody's", passwd(1, 1), None, "set"),
            ("of two", passwd(7, 7), None, "+vigo8 bob carol -vigo8 set"),
            ("one has moved", passwd(8, 7), Some("vigo8"), "carol -vigo8 set"),
            ("both have moved", passwd(8, 8), Some("vigo8"), "-vigo8 set"),
            ("only the group is left", passwd(8, 8), None, "set"),
        ];
        for (name, passwd, holder, expected) in cases {
            assert_eq!(steps(&seen(&passwd, holder)), expected, "{name}");
        }
        let other = seen(&passwd(7, 7), Some("vigo9"));
        assert_eq!(other.gid_holder.as_deref(), Some("vigo9"), "a group of somebody else's");
        let new = State { gid_holder: Some("vigo8".into()), ..State::default() }.resuming(&want);
        assert_eq!(new.gid_holder.as_deref(), Some("vigo8"), "of which nothing was interrupted");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let holder = State { gid_holder: Some("adm".into()), ..State::default() };
        let missing = State { missing_members: alloc::vec!["eve".into()], ..State::default() };
        let primary = State { primary_user: Some("bob".into()), ..state(7, "") };
        let absent = || Want { present: false, ..want() };
        let cases = [
            ("taken", Want { gid: Some(4), ..want() }, holder, "gid `4` is taken by group `adm`"),
            ("no user", want(), missing, "user `eve` does not exist"),
            ("primary", absent(), primary, "group `ops` is the primary group of user `bob`"),
            ("root", absent(), state(0, ""), "attribute `group`: `ops` is the group with number 0"),
        ];
        for (name, want, state, message) in cases {
            let c = Groups::compare(&want, &state, Phase::Before);
            assert_eq!(c.failure.map(|p| p.to_string()).as_deref(), Some(message), "{name}");
            assert!(c.actions.is_empty(), "{name}");
        }
    }
}
