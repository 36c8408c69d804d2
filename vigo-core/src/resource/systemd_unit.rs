//! `systemd_unit`: a unit file. `systemd_dropin` shares its family.

use super::edit::{self, FileAction};
use super::service::{Boot, BootState};
use super::{Attr, Change, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl, file};
use crate::action::{AbsPath, FileKind, Op};
use crate::host::{Comparison, Family, Phase, Problem, ProblemKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "systemd_unit",
    aliases: &[],
    summary: "Manages a systemd unit file and whether it is enabled.",
    states: STATES,
    attributes: &[
        UNIT,
        CONTENT,
        SOURCE,
        RENDER,
        SHA256,
        Attr::new("enabled", Kind::Bool, "Whether it starts at boot; unchanged when not written.").only_in(PRESENT),
        edit::SHOW_DIFF,
    ],
    refresh: Refresh::Nothing,
    batch: true,
    identity: |fields| fields.str("unit"),
    footprint: |fields| Footprint { paths: unit_path(fields).into_iter().collect(), ..Footprint::default() },
    check,
    prepare,
};

pub(super) const STATES: &[&str] = &["present", "absent"];
const PRESENT: &[&str] = &["present"];

pub(super) const UNIT: Attr =
    Attr::new("unit", Kind::Name, "The unit's full name, such as `app.service` or `x@.timer`.").required();
pub(super) const CONTENT: Attr = Attr::new("content", Kind::LongText, "The content, rendered.").only_in(PRESENT);
pub(super) const SOURCE: Attr =
    Attr::new("source", Kind::Line, "A shipped `templates/…`, a path on the envoy, or `https://…`.")
        .only_in(PRESENT)
        .no_secret();
pub(super) const RENDER: Attr =
    Attr::new("render", Kind::Bool, "Whether a shipped source is rendered, or copied as it is.")
        .default("true")
        .only_in(PRESENT);
pub(super) const SHA256: Attr =
    Attr::new("sha256", Kind::Line, "The source's digest; required for `https://…`.").only_in(PRESENT).no_secret();

/// Where an administrator's units are.
const FOLDER: &str = "/etc/systemd/system";

const SUFFIXES: &[&str] =
    &["service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device"];

/// Checks unit name and content.
pub(super) fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = file::check_source(fields);
    if let Some(unit) = fields.str("unit") {
        let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let suffix = unit.rsplit_once('.').filter(|(stem, suffix)| !stem.is_empty() && SUFFIXES.contains(suffix));
        if suffix.is_none() || !unit.chars().all(plain) || unit.starts_with('.') {
            let problem = Problem::bad_value("unit", format!("expected a unit's full name, found `{unit}`"));
            problems.push(problem.help("write it with its suffix, such as `app.service`"));
        }
    }
    if let (Some(unit), Some(text), Some(true)) = (fields.str("unit"), fields.text("content"), fields.bool("enabled"))
        && unit.contains("@.")
        && !text.as_str().contains("DefaultInstance=")
    {
        let problem = Problem::conflict("enabled", format!("the template `{unit}` names no instance to enable"));
        problems.push(problem.help("write `DefaultInstance=` into it, or enable an instance by type `service`"));
    }
    if let Some(text) = fields.text("content") {
        problems.extend(check_text(text.as_str().as_bytes()).err());
    }
    let written = ["content", "source"].iter().any(|a| fields.is_written(a));
    if fields.state() == "present" && !fields.is_pending("state") && !written {
        let message = format!("type `{}` needs `content` or `source`", fields.decl.name);
        problems.push(Problem::new(ProblemKind::MissingAttribute, message));
    }
    problems
}

/// Refuses text in which systemd would find nothing.
fn check_text(content: &[u8]) -> Result<(), Problem> {
    let section = |line: &[u8]| {
        let line = line.trim_ascii();
        line.starts_with(b"[") && line.ends_with(b"]") && line.len() > 2
    };
    match content.split(|b| *b == b'\n').any(section) {
        true => Ok(()),
        false => Err(Problem::bad_value("content", "expected a unit file, found no `[Section]` in it")),
    }
}

fn unit_path(fields: &Fields) -> Option<AbsPath> {
    AbsPath::parse(&format!("{FOLDER}/{}", fields.str("unit")?)).ok()
}

/// Returns the folder of a unit's drop-ins.
pub(super) fn dropin_folder(fields: &Fields) -> Option<AbsPath> {
    AbsPath::parse(&format!("{FOLDER}/{}.d", fields.str("unit")?)).ok()
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let path = unit_path(fields).ok_or_else(|| Problem::bad_value("unit", "expected a unit's full name"))?;
    let want = Want::read(fields, ctx, path)?;
    Ok(Managed::<SystemdUnit>::boxed(want, ctx.host.systemd_unit(ctx.facts)?))
}

/// The family of unit files and, with `DROPIN`, of drop-in files.
pub struct UnitFile<const DROPIN: bool>;

/// Unit files.
pub type SystemdUnit = UnitFile<false>;

/// What is wanted of a unit or drop-in file.
#[derive(Clone, Debug)]
pub struct Want {
    /// The unit.
    pub unit: Arc<str>,
    /// The file: path, content, whether it is there.
    pub file: file::Want,
    /// Whether the unit starts at boot; `None` leaves that alone.
    pub boot: Option<Boot>,
    /// The folder of the unit's drop-ins.
    pub folder: AbsPath,
}

impl Want {
    /// Reads known and checked fields.
    pub(super) fn read(fields: &Fields, ctx: &Prepare<'_>, path: AbsPath) -> Result<Self, Problem> {
        let bad = || Problem::bad_value("unit", "expected a unit's full name");
        let want = Self {
            unit: fields.str("unit").ok_or_else(bad)?,
            file: file::want_at(fields, ctx, path)?,
            boot: fields.bool("enabled").map(|on| if on { Boot::Enabled } else { Boot::Disabled }),
            folder: dropin_folder(fields).ok_or_else(bad)?,
        };
        match want.content() {
            Some(content) if want.file.present => check_text(content)?,
            _ => {}
        }
        Ok(want)
    }

    /// Returns the wanted content, where it is known without the machine.
    pub fn content(&self) -> Option<&[u8]> {
        self.file.known_content()
    }
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The file.
    pub file: file::State,
    /// Whether the unit starts at boot.
    pub boot: BootState,
    /// Whether systemd holds an older definition than the disk.
    pub stale: bool,
    /// What is in the folder of drop-ins, by name; `None` when there is no folder, or it was not looked at.
    pub folder: Option<Vec<Arc<str>>>,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Changes the file.
    File(FileAction),
    /// Has systemd read its files again.
    DaemonReload,
    /// Makes the unit start at boot.
    Enable,
    /// Makes it not start at boot.
    Disable,
    /// Removes the empty folder of drop-ins.
    RemoveFolder,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(action) => action.fmt(f),
            Self::DaemonReload => f.write_str("daemon reload"),
            Self::Enable => f.write_str("enable"),
            Self::Disable => f.write_str("disable"),
            Self::RemoveFolder => f.write_str("remove folder"),
        }
    }
}

impl<const DROPIN: bool> Family for UnitFile<DROPIN> {
    const TYPE: &'static str = if DROPIN { "systemd_dropin" } else { "systemd_unit" };
    type Want = Want;
    type State = State;
    type Action = Action;

    const SPOILS: &'static [&'static str] = &["service"];
    const TOGETHER: &'static [&'static str] = &["systemd_unit", "systemd_dropin"];

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let meta = state.file.seen.meta.as_ref();
        let masked =
            |m: &&crate::action::Metadata| m.kind == FileKind::Symlink && m.target.as_deref() == Some("/dev/null");
        if !DROPIN && meta.filter(masked).is_some() {
            let problem = Problem::failed(format!("unit `{}` is masked", want.unit));
            return Comparison::fail(problem.help("unmask it by `masked: false` of type `service`"));
        }
        let f = file::File::compare(&want.file, &state.file, phase);
        let mut c = Comparison {
            changes: f.changes,
            actions: Vec::new(),
            diff: f.diff,
            pending: f.pending,
            failure: f.failure,
            notes: f.notes,
            doubtful: f.doubtful,
        };
        // A unit goes disabled: its links would stay behind.
        if !DROPIN && !want.file.present && state.boot == BootState::Enabled {
            c.change(Change::new("boot_state", "enabled", "disabled"));
            c.act(Action::Disable);
        }
        let written = f.actions.iter().any(|a| matches!(a, FileAction::Write | FileAction::Remove));
        c.actions.extend(f.actions.into_iter().map(Action::File));
        if !want.file.present && removes_folder(want, state) {
            if c.changes.is_empty() {
                c.change(Change::new("folder", want.folder.as_str(), "absent"));
            }
            c.act(Action::RemoveFolder);
        }
        if !written && state.stale {
            c.change(Change::new("definition", "changed on disk", "loaded"));
        }
        if want.file.present {
            boot(want, state, &mut c);
        }
        // Last, and once for all units that follow each other: `enable` needs no loaded definition.
        let switched = c.actions.iter().any(|a| matches!(a, Action::Enable | Action::Disable));
        if written || switched || state.stale {
            c.act(Action::DaemonReload);
        }
        c
    }

    fn evidence(state: &State) -> Option<String> {
        let State { file, boot, stale, folder } = state;
        Some(format!("{:?}", (file.seen.evidence(), boot, stale, folder)))
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

/// Returns whether the folder of drop-ins holds nothing but what goes.
fn removes_folder(want: &Want, state: &State) -> bool {
    let stays = |name: &&Arc<str>| want.file.edit.path != want.folder.join(name);
    state.folder.as_ref().is_some_and(|names| names.iter().find(stays).is_none())
}

fn boot(want: &Want, state: &State, c: &mut Comparison<Action>) {
    match (want.boot, state.boot) {
        (None, _) | (Some(Boot::Enabled), BootState::Enabled) | (Some(Boot::Disabled), BootState::Disabled) => {}
        (Some(_), BootState::Fixed(word)) => {
            c.notes.push(format!("`enabled` has no effect: unit `{}` is {word}", want.unit));
        }
        (Some(Boot::Enabled), BootState::Disabled) => {
            c.change(Change::new("boot_state", "disabled", "enabled"));
            c.act(Action::Enable);
        }
        (Some(Boot::Disabled), BootState::Enabled) => {
            c.change(Change::new("boot_state", "enabled", "disabled"));
            c.act(Action::Disable);
        }
    }
}

impl Want {
    /// Returns the operations of an action on files; `None` for the others.
    ///
    /// # Errors
    /// [`Problem`], when the content is not known.
    pub fn file_ops(&self, state: &State, action: &Action) -> Option<Result<Vec<Op>, Problem>> {
        use crate::host::{Adapter, HostFacts};
        match action {
            Action::File(action) => {
                let facts = HostFacts::default();
                Some(file::Native.lower(&self.file, &state.file, core::slice::from_ref(action), &facts))
            }
            Action::RemoveFolder => Some(Ok(alloc::vec![Op::Remove { path: self.folder.clone(), recursive: false }])),
            Action::DaemonReload | Action::Enable | Action::Disable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fields, problems, text};
    use super::*;

    #[test]
    fn names_and_texts_are_checked() {
        let unit = ("content", text("[Service]\nExecStart=/x\n"));
        let cases = [
            ("fine", alloc::vec![("unit", text("app.service")), unit.clone()], ""),
            ("a template", alloc::vec![("unit", text("x@.timer")), unit.clone()], ""),
            (
                "a template without an instance",
                alloc::vec![("unit", text("x@.service")), unit.clone(), ("enabled", text("true"))],
                "attribute `enabled`: the template `x@.service` names no instance to enable",
            ),
            (
                "a template with an instance",
                alloc::vec![
                    ("unit", text("x@.service")),
                    ("content", text("[Service]\nExecStart=/x\n[Install]\nDefaultInstance=a\n")),
                    ("enabled", text("true")),
                ],
                "",
            ),
            (
                "no suffix",
                alloc::vec![("unit", text("app")), unit.clone()],
                "attribute `unit`: expected a unit's full name, found `app`",
            ),
            (
                "a path",
                alloc::vec![("unit", text("../app.service")), unit.clone()],
                "attribute `unit`: expected a unit's full name, found `../app.service`",
            ),
            (
                "no section",
                alloc::vec![("unit", text("app.service")), ("content", text("ExecStart=/x\n"))],
                "attribute `content`: expected a unit file, found no `[Section]` in it",
            ),
            (
                "no content",
                alloc::vec![("unit", text("app.service"))],
                "type `systemd_unit` needs `content` or `source`",
            ),
            (
                "content of what is absent",
                alloc::vec![("state", text("absent")), ("unit", text("app.service")), unit],
                "attribute `content`: has no meaning with `state: absent`",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, &items)), expected, "{name}");
        }
    }
}
