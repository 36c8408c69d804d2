//! `mount`: a line of the table of file systems, and what is mounted.

use super::fstab::{self, Line};
use super::vfstab;
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, Side, TypeDecl};
use crate::action::{AbsPath, FileKind, Metadata};
use crate::host::{Comparison, Family, Phase, Problem};
use crate::time::Duration;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const TABLE: &[&str] = &["mounted", "present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "mount",
    aliases: &[],
    summary: "Manages a line of the table of file systems, and the mount.",
    states: &["mounted", "present", "unmounted", "absent"],
    attributes: &[
        Attr::new("path", Kind::Path, "The mount point.").required().aliases(&["mountpoint"]),
        Attr::new("device", Kind::Line, "What is mounted: a device, `UUID=…`, `LABEL=…`, `server:/path`.")
            .required_in(TABLE)
            .no_secret()
            .only_in(TABLE),
        Attr::new("fstype", Kind::Name, "Type of the file system; `none` for a bind mount.")
            .required_in(TABLE)
            .only_in(TABLE),
        Attr::new("options", Kind::List, "Options, in any order.").default("defaults").no_secret().only_in(TABLE),
        Attr::new("dump", Kind::Integer(0, 9), "Whether dump(8) saves it.").default("0").only_in(TABLE),
        Attr::new("pass", Kind::Integer(0, 9), "When fsck(8) checks it at boot.").default("0").only_in(TABLE),
    ],
    refresh: Refresh::Acts,
    batch: false,
    identity: |fields| fields.path("path").map(|p| p.shared()),
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint { paths: alloc::vec![AbsPath::known("/etc/fstab")], ..Footprint::default() };
    if let Some(path) = fields.path("path") {
        if fields.state() == "mounted" {
            f.makes.push(Need::Mount(path.clone()));
        }
        f.trees.push(path);
    }
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(path) = fields.path("path")
        && path.as_str() == "/"
        && matches!(fields.state(), "unmounted" | "absent")
    {
        problems.push(Problem::guarded("path", "the root of the system cannot be unmounted"));
    }
    if let Some(device) = fields.str("device")
        && (device.is_empty() || device.starts_with('-') || device.chars().any(char::is_control))
    {
        let seen = device.escape_debug();
        problems.push(Problem::bad_value("device", format!("expected a device or source, found `{seen}`")));
    }
    for option in fields.words("options").unwrap_or_default() {
        if option.contains(|c: char| c.is_control() || c.is_whitespace() || c == ',') {
            let seen = option.escape_debug();
            problems.push(Problem::bad_value("options", format!("expected options without blanks, found `{seen}`")));
        }
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let number = |name: &str| fields.int(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let options = fields.words("options").filter(|o| !o.is_empty()).unwrap_or_else(|| alloc::vec!["defaults".into()]);
    let want = Want {
        path: fields.path("path").ok_or_else(|| Problem::bad_value("path", "expected a path"))?,
        state: match fields.state() {
            "present" => Wanted::Present,
            "unmounted" => Wanted::Unmounted,
            "absent" => Wanted::Absent,
            _ => Wanted::Mounted,
        },
        device: fields.str("device").unwrap_or_default(),
        fstype: fields.str("fstype").unwrap_or_default(),
        options,
        dump: number("dump"),
        pass: number("pass"),
    };
    Ok(Managed::<Mount>::boxed(want, with.host.mount(with.facts)?))
}

/// The family.
pub struct Mount;

/// What is wanted of a mount.
#[derive(Clone, Debug)]
pub struct Want {
    /// Where.
    pub path: AbsPath,
    /// How much of it.
    pub state: Wanted,
    /// What is mounted.
    pub device: Arc<str>,
    /// Its type.
    pub fstype: Arc<str>,
    /// Options.
    pub options: Vec<Arc<str>>,
    /// Whether dump(8) saves it.
    pub dump: u32,
    /// When fsck(8) checks it.
    pub pass: u32,
}

/// The states of the type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// In the table, and mounted.
    Mounted,
    /// In the table.
    Present,
    /// Not mounted, whatever the table says.
    Unmounted,
    /// Neither.
    Absent,
}

impl Want {
    /// Returns whether a folder is to be seen at a second place.
    pub fn is_bind(&self) -> bool {
        self.options.iter().any(|o| matches!(&**o, "bind" | "rbind"))
    }

    /// Returns whether a line of the table is about this mount point.
    pub fn is_line(&self, line: &Line) -> bool {
        AbsPath::parse(&line.path).as_ref() == Ok(&self.path)
    }

    /// Returns the line of the table.
    pub fn line(&self) -> Line {
        Line {
            device: self.device.to_string(),
            path: self.path.to_string(),
            fstype: self.fstype.to_string(),
            options: self.options.iter().map(|o| &**o).collect::<Vec<_>>().join(","),
            dump: self.dump,
            pass: self.pass,
        }
    }
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// How the table is written.
    pub form: Form,
    /// The text of the table; `None` when there is none.
    pub table: Option<Arc<[u8]>>,
    /// The first line of the mount point.
    pub line: Option<Line>,
    /// Whether that line names the wanted device, perhaps in another way.
    pub line_device: Device,
    /// What is mounted there.
    pub live: Live,
    /// What is at the mount point; `None` is nothing.
    pub point: Option<Metadata>,
}

/// How a table of file systems is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `/etc/fstab`, fstab(5).
    Fstab,
    /// `/etc/vfstab` of illumos, vfstab(5).
    Vfstab,
    /// `/etc/fstab` of the BSDs: each line says how it is accessed, `rw`, `ro`, `rq`, `sw` or `xx`; getfsent(3) leaves
    /// others out.
    AccessFstab,
    /// As [`Form::AccessFstab`], where a swap file is used as a memory disk: `md none swap sw,file=PATH,late`, fstab(5) of
    /// FreeBSD.
    MemoryDiskFstab,
}

impl Form {
    /// Returns the options of a mount as the table has them.
    pub fn options(self, options: &str) -> String {
        if !matches!(self, Self::AccessFstab | Self::MemoryDiskFstab) {
            return options.into();
        }
        let list: Vec<&str> = options.split(',').filter(|o| !o.is_empty() && *o != "defaults").collect();
        let told = list.iter().any(|o| matches!(*o, "rw" | "ro" | "rq" | "sw" | "xx"));
        let access = (!told).then_some("rw");
        access.into_iter().chain(list).collect::<Vec<_>>().join(",")
    }

    /// Returns the word before the priority of a swap space, with its sign.
    pub(super) fn priority(self) -> &'static str {
        match self {
            Self::Fstab | Self::Vfstab => "pri=",
            Self::AccessFstab | Self::MemoryDiskFstab => "priority=",
        }
    }
}

/// Whether a device is the wanted one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    /// It is, by this or another name.
    Wanted,
    /// It is another.
    Other,
}

/// What is mounted at a mount point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Live {
    /// Nothing can be mounted here (an image).
    Unasked,
    /// Nothing.
    Nothing,
    /// Something.
    Mounted {
        /// Its source.
        source: String,
        /// Whether that is the wanted one.
        device: Device,
        /// Its type.
        fstype: String,
        /// Options in force.
        options: Vec<String>,
    },
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Writes the table.
    WriteTable(Arc<[u8]>),
    /// Makes the mount point.
    MakePoint,
    /// Mounts.
    Mount,
    /// Applies the options to what is mounted.
    Remount,
    /// Unmounts.
    Unmount,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteTable(_) => "write table",
            Self::MakePoint => "make mount point",
            Self::Mount => "mount",
            Self::Remount => "remount",
            Self::Unmount => "unmount",
        })
    }
}

impl Family for Mount {
    const TYPE: &'static str = "mount";
    const TIMEOUT: Duration = Duration::from_secs(120);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let mounted = matches!(state.live, Live::Mounted { .. });
        match want.state {
            Wanted::Unmounted | Wanted::Absent => {
                if mounted {
                    c.change(Change::new("mounted", "true", "false"));
                    c.act(Action::Unmount);
                }
                if want.state == Wanted::Absent && state.line.is_some() {
                    c.change(Change::new("table", "present", "absent"));
                    write_table(want, state, None, &mut c);
                }
            }
            Wanted::Present => table(want, state, &mut c),
            Wanted::Mounted => {
                table(want, state, &mut c);
                if let Err(problem) = live(want, state, &mut c) {
                    return Comparison::fail(problem);
                }
            }
        }
        if state.live == Live::Unasked && want.state != Wanted::Present && !c.changes.is_empty() {
            c.notes.push("nothing is mounted or unmounted in an image".into());
        }
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }

    fn refresh(want: &Want, state: &State) -> Option<Action> {
        let mounted = matches!(state.live, Live::Mounted { .. });
        (want.state == Wanted::Mounted && mounted).then_some(Action::Remount)
    }

    fn covers(want: &Want, action: &Action) -> Option<AbsPath> {
        matches!(action, Action::Mount | Action::Unmount).then(|| want.path.clone())
    }

    fn starts(action: &Action, _: &State) -> bool {
        matches!(action, Action::Mount | Action::Remount)
    }
}

fn table(want: &Want, state: &State, c: &mut Comparison<Action>) {
    let mut new = want.line();
    new.options = state.form.options(&new.options);
    match &state.line {
        None => c.change(Change::new("table", "absent", new.device.clone())),
        Some(old) => {
            let changes = c.changes.len();
            if state.line_device == Device::Wanted {
                // Another name of the same device is as good.
                new.device.clone_from(&old.device);
            }
            let mut field = |name: &'static str, old: &str, new: &str| {
                if old != new {
                    c.change(Change::new(name, old, new));
                }
            };
            field("table device", &old.device, &new.device);
            field("table fstype", &old.fstype, &new.fstype);
            field("table dump", &old.dump.to_string(), &new.dump.to_string());
            field("table pass", &old.pass.to_string(), &new.pass.to_string());
            if sorted(&old.options) != sorted(&new.options) {
                c.change(Change::new("table options", &*old.options, &*new.options));
            }
            if c.changes.len() == changes {
                return;
            }
        }
    }
    write_table(want, state, Some(&new), c);
}

fn write_table(want: &Want, state: &State, new: Option<&Line>, c: &mut Comparison<Action>) {
    let old = state.table.clone().unwrap_or_default();
    let is = |line: &Line| want.is_line(line);
    let (path, text): (_, Arc<[u8]>) = match state.form {
        Form::Fstab | Form::AccessFstab | Form::MemoryDiskFstab => ("/etc/fstab", fstab::edited(&old, is, new).into()),
        Form::Vfstab => ("/etc/vfstab", vfstab::edited(&old, is, new).into()),
    };
    c.diff = Some(Diff::new(path.into(), state.table.clone(), Side::Bytes(text.clone())));
    c.act(Action::WriteTable(text));
}

fn sorted(options: &str) -> Vec<&str> {
    let mut list: Vec<&str> = options.split(',').filter(|o| !o.is_empty() && *o != "defaults").collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn live(want: &Want, state: &State, c: &mut Comparison<Action>) -> Result<(), Problem> {
    match &state.live {
        Live::Unasked => return Ok(()),
        Live::Nothing => {
            c.change(Change::new("mounted", "false", "true"));
            match &state.point {
                None => c.act(Action::MakePoint),
                // A file can be mounted over by a file, by a bind mount only.
                Some(meta) if meta.kind == FileKind::Dir || want.is_bind() => {}
                Some(_) => {
                    let message = format!("expected a directory at `{}`, found something else", want.path);
                    return Err(Problem::failed(message));
                }
            }
            c.act(Action::Mount);
        }
        Live::Mounted { source, device, fstype, options } => {
            let changes = c.changes.len();
            if *device == Device::Other {
                c.change(Change::new("source", source.as_str(), &*want.device));
            }
            if !same_type(&want.fstype, fstype) {
                c.change(Change::new("fstype", fstype.as_str(), &*want.fstype));
            }
            if c.changes.len() > changes {
                c.act(Action::Unmount);
                c.act(Action::Mount);
                return Ok(());
            }
            let differing: Vec<&str> = want.options.iter().map(|o| &**o).filter(|o| !in_force(o, options)).collect();
            if !differing.is_empty() {
                c.change(Change::new("options", options.join(","), differing.join(",")));
                c.act(Action::Remount);
            }
        }
    }
    Ok(())
}

/// Returns whether the type in force is the wanted one: helpers and the kernel name some in their own way.
fn same_type(wanted: &str, live: &str) -> bool {
    wanted.split(',').any(|wanted| {
        wanted == live
            || matches!(wanted, "auto" | "none" | "bind")
            || live == "fuseblk"
            || live.strip_prefix("fuse.").is_some_and(|sub| sub == wanted || wanted == "fuse")
            || (wanted == "nfs" && live == "nfs4")
    })
}

/// Returns whether an option is in force. Those that only the mount program knows, and those that the kernel does not
/// show, count as in force.
fn in_force(option: &str, live: &[String]) -> bool {
    let shown = |name: &str| live.iter().any(|o| o == name);
    match option {
        "rw" => !shown("ro"),
        "ro" | "nosuid" | "nodev" | "noexec" | "noatime" | "nodiratime" | "relatime" | "sync" | "dirsync" => {
            shown(option)
        }
        "suid" | "dev" | "exec" | "atime" | "diratime" => !shown(&format!("no{option}")),
        "async" => !shown("sync"),
        "strictatime" => !shown("relatime") && !shown("noatime"),
        _ => match option.split_once('=') {
            Some(("subvol", value)) => {
                let value = value.trim_start_matches('/');
                !live.iter().any(|o| o.strip_prefix("subvol=").is_some_and(|v| v.trim_start_matches('/') != value))
            }
            Some((key, value)) => {
                let values: Vec<&str> = live.iter().filter_map(|o| o.strip_prefix(key)?.strip_prefix('=')).collect();
                values.is_empty()
                    || values.iter().any(|v| *v == value || sized(v).is_some_and(|n| Some(n) == sized(value)))
            }
            None => true,
        },
    }
}

/// Returns bytes; mode bits come out right too, as both sides leave a leading zero out or not.
fn sized(value: &str) -> Option<u64> {
    let (digits, shift) = match value.as_bytes().last()? {
        b'k' | b'K' => (&value[..value.len() - 1], 10),
        b'm' | b'M' => (&value[..value.len() - 1], 20),
        b'g' | b'G' => (&value[..value.len() - 1], 30),
        b't' | b'T' => (&value[..value.len() - 1], 40),
        _ => (value, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_compared_as_far_as_they_show() {
        let live: Vec<String> = ["ro", "nosuid", "relatime", "rw", "size=65536k", "mode=755"].map(String::from).into();
        let cases = [
            ("ro", true),
            ("rw", false),
            ("defaults", true),
            ("nosuid", true),
            ("suid", false),
            ("noexec", false),
            ("exec", true),
            ("strictatime", false),
            ("size=64m", true),
            ("size=64M", true),
            ("size=65m", false),
            ("mode=0755", true),
            ("mode=0700", false),
            ("uid=1000", true),
            ("x-systemd.automount", true),
            ("nofail", true),
        ];
        for (option, expected) in cases {
            assert_eq!(in_force(option, &live), expected, "{option}");
        }
    }

    #[test]
    fn each_line_says_how_it_is_accessed_where_others_are_left_out() {
        let cases = [
            ("defaults", "rw"),
            ("noatime,nodev", "rw,noatime,nodev"),
            ("ro", "ro"),
            ("nodev,ro,defaults", "nodev,ro"),
            ("", "rw"),
        ];
        for (written, expected) in cases {
            assert_eq!(Form::AccessFstab.options(written), expected, "{written}");
            assert_eq!(Form::Fstab.options(written), written, "{written}");
        }
    }

    #[test]
    fn types_have_other_names_when_mounted() {
        let cases = [
            ("nfs", "nfs4"),
            ("auto", "ext4"),
            ("sshfs", "fuse.sshfs"),
            ("ntfs-3g", "fuseblk"),
            ("none", "ext4"),
            ("xfs,ext4", "ext4"),
        ];
        for (wanted, live) in cases {
            assert!(same_type(wanted, live), "{wanted} {live}");
        }
        assert!(!same_type("ext4", "xfs") && !same_type("nfs4", "nfs"));
    }
}
