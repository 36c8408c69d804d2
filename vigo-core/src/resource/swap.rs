//! `swap`: a swap file or device.

use super::fstab::{self, Line};
use super::mount::Form;
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, Side, TypeDecl};
use crate::action::{AbsPath, FileKind, Metadata};
use crate::host::{Comparison, Family, Phase, Problem, ProblemKind};
use crate::time::Duration;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "swap",
    aliases: &[],
    summary: "Manages a swap file or device, now and at boot.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("path", Kind::Path, "The swap file."),
        Attr::new("device", Kind::Line, "The swap device: a path, `UUID=…`, `LABEL=…`.").no_secret(),
        Attr::new("size", Kind::Size, "Size of a file that is made; of one that is there, another is a remark.")
            .only_in(PRESENT),
        Attr::new("priority", Kind::Integer(-1, 32_767), "Priority; the system's when not written.").only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.str("path").or_else(|| fields.str("device")),
    footprint: |fields| {
        let mut paths = alloc::vec![AbsPath::known("/etc/fstab")];
        paths.extend(fields.path("path"));
        Footprint { trees: fields.path("path").into_iter().collect(), paths, ..Footprint::default() }
    },
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    match (fields.is_written("path"), fields.is_written("device")) {
        (true, true) => problems.push(Problem::conflict("device", "excludes `path`")),
        (false, false) => {
            let message = "type `swap` needs `path` or `device`";
            problems.push(Problem::new(ProblemKind::MissingAttribute, message));
        }
        _ => {}
    }
    if fields.is_written("size") && fields.is_written("device") {
        problems.push(Problem::conflict("size", "has no meaning with `device`"));
    }
    if let Some(device) = fields.str("device")
        && (!(device.starts_with('/') || device.contains('='))
            || device.chars().any(|c| c.is_control() || c.is_whitespace()))
    {
        let seen = device.escape_debug();
        problems.push(Problem::bad_value("device", format!("expected a path, `UUID=…` or `LABEL=…`, found `{seen}`")));
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let want = Want {
        swap: match (fields.path("path"), fields.str("device")) {
            (Some(path), _) => Swap::File(path),
            (None, device) => Swap::Device(device.unwrap_or_default()),
        },
        present: fields.state() == "present",
        size_mb: fields.size_mb("size"),
        priority: fields.int("priority").and_then(|n| i32::try_from(n).ok()),
    };
    Ok(Managed::<Swaps>::boxed(want, with.host.swap(with.facts)?))
}

/// The family.
pub struct Swaps;

/// What is wanted of a swap space.
#[derive(Clone, Debug)]
pub struct Want {
    /// Which.
    pub swap: Swap,
    /// Whether it is there.
    pub present: bool,
    /// Size of a file that is made.
    pub size_mb: Option<u64>,
    /// Priority.
    pub priority: Option<i32>,
}

/// A file or a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Swap {
    /// A file.
    File(AbsPath),
    /// A device, as it stands in the table.
    Device(Arc<str>),
}

impl Swap {
    /// Returns the name as it stands in the table.
    pub fn name(&self) -> &str {
        match self {
            Self::File(path) => path.as_str(),
            Self::Device(name) => name,
        }
    }
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// How the table is written.
    pub form: Form,
    /// The text of the table.
    pub table: Option<Arc<[u8]>>,
    /// Its line of this swap space.
    pub line: Option<Line>,
    /// Whether it is used, and with which priority.
    pub active: Active,
    /// What is at the path.
    pub node: Option<Metadata>,
    /// What it holds.
    pub content: Holds,
    /// The path to use: the device behind a `UUID=`.
    pub path: AbsPath,
    /// Whether the swap belongs to somebody else: this is a container.
    pub container: bool,
}

/// Whether a swap space is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Active {
    /// Nothing can be used here (an image).
    Unasked,
    /// It is not.
    No,
    /// It is, with this priority.
    Yes(i32),
}

/// What a file or device holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holds {
    /// Nobody asked.
    Unasked,
    /// Nothing that is known.
    Nothing,
    /// Swap space.
    Swap,
    /// Something else.
    Else(String),
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes the file, of this size.
    Allocate(u64),
    /// Makes the file its owner's alone.
    Protect,
    /// Makes it swap space.
    Format,
    /// Writes the table.
    WriteTable(Arc<[u8]>),
    /// Starts to use it.
    Activate,
    /// Ceases to use it.
    Deactivate,
    /// Removes the file.
    RemoveFile,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allocate(mb) => return write!(f, "allocate {mb} MiB"),
            Self::Protect => "set mode",
            Self::Format => "make swap space",
            Self::WriteTable(_) => "write table",
            Self::Activate => "activate",
            Self::Deactivate => "deactivate",
            Self::RemoveFile => "remove file",
        })
    }
}

impl Family for Swaps {
    const TYPE: &'static str = "swap";
    const TIMEOUT: Duration = Duration::from_secs(600);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let outcome = if want.present { present(want, state, &mut c) } else { absent(want, state, &mut c) };
        match outcome {
            Ok(()) => c,
            Err(problem) => Comparison::fail(problem),
        }
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

fn absent(want: &Want, state: &State, c: &mut Comparison<Action>) -> Result<(), Problem> {
    if let Active::Yes(_) = state.active {
        c.change(Change::new("active", "true", "false"));
        c.act(Action::Deactivate);
    }
    if state.line.is_some() {
        c.change(Change::new("table", "present", "absent"));
        write_table(want, state, None, c);
    }
    if let (Swap::File(path), Some(meta)) = (&want.swap, &state.node) {
        if meta.kind != FileKind::File {
            return Err(Problem::failed(format!("expected a file at `{path}`, found something else")));
        }
        c.change(Change::new("file", "present", "absent"));
        c.act(Action::RemoveFile);
    }
    Ok(())
}

fn present(want: &Want, state: &State, c: &mut Comparison<Action>) -> Result<(), Problem> {
    let name = want.swap.name();
    if state.container && state.active == Active::No {
        let message = format!("expected swap on `{name}`, but a container uses the swap of its host");
        return Err(Problem::new(ProblemKind::Blocked, message));
    }
    let active = matches!(state.active, Active::Yes(_));
    match (&want.swap, &state.node) {
        (Swap::File(path), None) => {
            let Some(size_mb) = want.size_mb else {
                let problem = Problem::failed(format!("the swap file `{path}` does not exist"));
                return Err(problem.help("write `size` to have it made"));
            };
            c.change(Change::new("file", "absent", format!("{size_mb} MiB")));
            c.act(Action::Allocate(size_mb));
        }
        (Swap::File(path), Some(meta)) => {
            if meta.kind != FileKind::File {
                return Err(Problem::failed(format!("expected a file at `{path}`, found something else")));
            }
            if let Some(wanted) = want.size_mb.filter(|mb| mb << 20 != meta.size) {
                c.notes
                    .push(format!("the size stays {} MiB, not {wanted}: the file is not made anew", meta.size >> 20));
            }
            if meta.mode != 0o600 {
                c.change(Change::mode(meta.mode, 0o600));
                c.act(Action::Protect);
            }
        }
        (Swap::Device(name), None) => return Err(Problem::failed(format!("the device `{name}` does not exist"))),
        (Swap::Device(_), Some(_)) => {}
    }
    match &state.content {
        _ if active => {}
        Holds::Else(kind) => {
            let problem = Problem::failed(format!("expected nothing or swap on `{name}`, found `{kind}`"));
            return Err(problem.help("empty it by hand, if it may be lost"));
        }
        Holds::Swap => {}
        Holds::Unasked if state.node.is_some() => {}
        Holds::Nothing | Holds::Unasked => {
            c.change(Change::new("swap space", "absent", "present"));
            c.act(Action::Format);
        }
    }
    let word = state.form.priority();
    let options = want.priority.map_or_else(|| "sw".to_string(), |priority| format!("sw,{word}{priority}"));
    let (device, options) = match (&want.swap, state.form) {
        (Swap::File(path), Form::MemoryDiskFstab) => ("md", format!("{options},file={path},late")),
        _ => (name, options),
    };
    let line = Line { device: device.into(), path: "none".into(), fstype: "swap".into(), options, dump: 0, pass: 0 };
    match &state.line {
        None => {
            c.change(Change::new("table", "absent", "present"));
            write_table(want, state, Some(&line), c);
        }
        Some(old) if want.priority.is_some() && priority_of(word, &old.options) != want.priority => {
            let shown = |p: Option<i32>| p.map_or_else(|| "none".to_string(), |p| p.to_string());
            c.change(Change::new("table priority", shown(priority_of(word, &old.options)), shown(want.priority)));
            let others = old.options.split(',').filter(|o| !o.starts_with(word) && !o.is_empty());
            let pri = want.priority.map(|p| format!("{word}{p}"));
            let options = others.chain(pri.as_deref()).collect::<Vec<_>>().join(",");
            write_table(want, state, Some(&Line { options, ..old.clone() }), c);
        }
        Some(_) => {}
    }
    match state.active {
        Active::Unasked if c.changes.is_empty() => {}
        Active::Unasked => c.notes.push("no swap is used in an image".into()),
        Active::No => {
            c.change(Change::new("active", "false", "true"));
            c.act(Action::Activate);
        }
        Active::Yes(now) => {
            if let Some(wanted) = want.priority.filter(|wanted| *wanted != now) {
                c.change(Change::new("priority", now.to_string(), wanted.to_string()));
                c.act(Action::Deactivate);
                c.act(Action::Activate);
            }
        }
    }
    Ok(())
}

fn priority_of(word: &str, options: &str) -> Option<i32> {
    options.split(',').find_map(|o| o.strip_prefix(word)?.parse().ok())
}

fn write_table(want: &Want, state: &State, new: Option<&Line>, c: &mut Comparison<Action>) {
    let old = state.table.clone().unwrap_or_default();
    let device = state.line.as_ref().map_or_else(|| want.swap.name().to_string(), |line| line.device.clone());
    let is = |line: &Line| match state.form {
        // Every memory disk is called `md`.
        Form::MemoryDiskFstab => state.line.as_ref() == Some(line),
        _ => line.fstype == "swap" && line.device == device,
    };
    let text: Arc<[u8]> = fstab::edited(&old, is, new).into();
    c.diff = Some(Diff::new("/etc/fstab".into(), state.table.clone(), Side::Bytes(text.clone())));
    c.act(Action::WriteTable(text));
}
