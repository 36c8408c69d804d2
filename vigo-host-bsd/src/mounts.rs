//! Mounts: `/etc/fstab`, mount(8), umount(8).

use crate::answer::{change, look, ran, said};
use crate::name::write;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Expect, Op, OpOutput, Outputs, Owner};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::{Action, Device, Form, Live, Mount, State, Want, Wanted};

/// The table and what is mounted; in an image the table alone.
pub(crate) struct TableAndMounts {
    /// Reads a line of mount(8).
    pub(crate) parse: fn(&str) -> Option<Mounted>,
    /// Whether the table names disks by what `hw.disknames` says of them: OpenBSD's `3eb7f9da875cb9ee.a`.
    pub(crate) disk_names: bool,
}

/// A line of mount(8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mounted {
    pub(crate) source: String,
    pub(crate) point: String,
    pub(crate) fstype: String,
    /// Options, in the words of fstab(5) where there are such.
    pub(crate) options: Vec<String>,
}

/// Reads a line such as `/dev/sd0a on / type ffs (local, read-only)`, mount(8) of OpenBSD and NetBSD.
pub(crate) fn typed_line(line: &str) -> Option<Mounted> {
    let (head, options) = match line.rsplit_once(" (") {
        Some((head, options)) => (head, options.strip_suffix(')')?),
        None => (line, ""),
    };
    let (head, fstype) = head.rsplit_once(" type ")?;
    let (source, point) = head.split_once(" on /")?;
    let word = |word: &str| match word {
        "read-only" => "ro".to_string(),
        "synchronous" => "sync".to_string(),
        "asynchronous" => "async".to_string(),
        "soft dependencies" => "softdep".to_string(),
        other => other.to_string(),
    };
    let options = options.split(',').map(str::trim).filter(|o| !o.is_empty()).map(word).collect();
    Some(Mounted { source: source.into(), point: format!("/{point}"), fstype: fstype.into(), options })
}

impl Adapter<Mount> for TableAndMounts {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&table())];
        if facts.image.is_none() {
            ops.push(list());
        }
        if want.state == Wanted::Mounted {
            ops.push(Op::stat(&want.path));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match self.observe(want, outputs, facts) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.path.as_str();
        let op = |action: &Action| match action {
            Action::WriteTable(text) => write_table(state.table.as_ref(), text),
            Action::MakePoint => {
                Op::MakeDir { path: want.path.clone(), mode: 0o755, owner: Owner::default(), parents: true }
            }
            Action::Mount => change("/sbin/mount", &[path]),
            Action::Unmount => change("/sbin/umount", &[path]),
            // An update leaves the options of the table out, mount(8).
            Action::Remount => {
                change("/sbin/mount", &["-u", "-o", &Form::AccessFstab.options(&want.line().options), path])
            }
        };
        Ok(actions.iter().map(op).collect())
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![look("/usr/bin/fstat", &["-f", want.path.as_str()])]
    }
}

impl TableAndMounts {
    fn observe(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Result<State, Vec<Op>>, String> {
        let table = read_table(outputs)?;
        let line = fstab::lines(table.as_deref().unwrap_or_default()).into_iter().find(|line| want.is_line(line));
        let mounted = if facts.image.is_some() { None } else { Some(self.mounted(outputs)?) };
        let at = |m: &&Mounted| AbsPath::parse(&m.point).as_ref() == Ok(&want.path);
        let at = mounted.as_ref().map(|all| all.iter().rev().find(at));
        let point = match outputs.get(&Op::stat(&want.path)) {
            Some(OpOutput::Stat(meta)) => Some(meta.clone()),
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            _ => None,
        };
        let names = [line.as_ref().map(|l| &*l.device), at.flatten().map(|m| &*m.source), Some(&*want.device)];
        let symbolic = names.into_iter().flatten().any(is_disk_name);
        let disks = match (self.disk_names && symbolic).then(|| ran(outputs, &disk_names())) {
            None => String::new(),
            Some(None) => return Ok(Err(alloc::vec![disk_names()])),
            Some(Some(answer)) => match answer? {
                (ran, 0) if !ran.truncated => ran.out().into_owned(),
                (ran, code) => return Err(format!("sysctl -n hw.disknames: exit {code}, {}", said(ran))),
            },
        };
        let same = |a: &str, b: &str| is_same(a, b, &disks);
        let device = |wanted: bool| if wanted { Device::Wanted } else { Device::Other };
        let live = match at {
            None => Live::Unasked,
            Some(None) => Live::Nothing,
            Some(Some(m)) => Live::Mounted {
                source: m.source.clone(),
                device: device(same(&m.source, &want.device)),
                fstype: m.fstype.clone(),
                options: m.options.clone(),
            },
        };
        let line_device = device(line.as_ref().is_some_and(|l| same(&l.device, &want.device)));
        Ok(Ok(State { form: Form::AccessFstab, table, line, line_device, live, point }))
    }

    fn mounted(&self, outputs: &Outputs) -> Result<Vec<Mounted>, String> {
        let Some(answer) = ran(outputs, &list()) else { return Err("`mount` was not asked".into()) };
        let (ran, code) = answer?;
        if code != 0 || ran.truncated {
            return Err(format!("mount: exit {code}, {}", said(ran)));
        }
        let out = ran.out();
        let lines: Option<Vec<Mounted>> = out.lines().filter(|l| !l.trim().is_empty()).map(self.parse).collect();
        // Something is always mounted: at least the root.
        lines
            .filter(|lines| !lines.is_empty())
            .ok_or_else(|| format!("expected what is mounted, found `{}`", said(ran)))
    }
}

fn table() -> AbsPath {
    AbsPath::known("/etc/fstab")
}

fn list() -> Op {
    look("/sbin/mount", &[])
}

fn disk_names() -> Op {
    look("/sbin/sysctl", &["-n", "hw.disknames"])
}

/// Returns the write of a new table.
pub(crate) fn write_table(old: Option<&Arc<[u8]>>, text: &[u8]) -> Op {
    write(table(), text, old.map_or(Expect::Missing, |old| Expect::content(old)))
}

/// Takes the table out of the answers.
///
/// # Errors
/// A fragment, when it could not be read.
pub(crate) fn read_table(outputs: &Outputs) -> Result<Option<Arc<[u8]>>, String> {
    match outputs.path(&table()) {
        Some(OpOutput::File { content, .. }) => Ok(Some(content.clone())),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("expected a file at `{}`, found something else", table())),
    }
}

/// Returns whether a device is named by the id of its disk label, disklabel(8) of OpenBSD: `3eb7f9da875cb9ee.a`.
fn is_disk_name(name: &str) -> bool {
    matches!(name.split_once('.'), Some((id, part)) if id.len() == 16
        && id.bytes().all(|b| b.is_ascii_hexdigit())
        && part.len() == 1 && part.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Returns whether two names are of one device. `disks` is what `hw.disknames` says: `sd0:3eb7f9da875cb9ee,cd0:`.
fn is_same(a: &str, b: &str, disks: &str) -> bool {
    let path = |name: &str| -> String {
        if !is_disk_name(name) {
            return name.into();
        }
        let found = name.split_once('.').and_then(|(id, part)| {
            let disk = disks.trim().split(',').find_map(|d| d.split_once(':').filter(|(_, i)| *i == id))?.0;
            Some(format!("/dev/{disk}{part}"))
        });
        found.unwrap_or_else(|| name.into())
    };
    // A wedge is named in the table, dk(4), and shown by its node, whose name nothing here tells. Memory file systems show
    // a process, or themselves.
    let untold = |name: &str| name.starts_with("NAME=") || name.starts_with("ROOT.") || name == "swap";
    let shown = |name: &str| name.starts_with("/dev/dk") || name.starts_with("mfs:") || name == "tmpfs";
    path(a) == path(b) || (untold(a) && (shown(b) || b == "swap")) || (untold(b) && (shown(a) || a == "swap"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mount_are_read() {
        let cases = [
            ("/dev/sd0a on / type ffs (local)", Some(("/dev/sd0a", "/", "ffs", "local"))),
            (
                "/dev/sd0k on /home type ffs (local, nodev, nosuid, read-only)",
                Some(("/dev/sd0k", "/home", "ffs", "local nodev nosuid ro")),
            ),
            ("mfs:38213 on /tmp type mfs (asynchronous, local)", Some(("mfs:38213", "/tmp", "mfs", "async local"))),
            ("host:/a b on /mnt on type type nfs", Some(("host:/a b", "/mnt on type", "nfs", ""))),
            ("tmpfs on /var/shm type tmpfs (local)", Some(("tmpfs", "/var/shm", "tmpfs", "local"))),
            ("/dev/sd0a on / type ffs (local", None),
            ("mount: not found", None),
            ("/dev/sd0a on home type ffs (local)", None),
            ("\u{fffd} on / typ ffs", None),
        ];
        for (line, expected) in cases {
            let seen = typed_line(line);
            let seen = seen.as_ref().map(|m| (&*m.source, &*m.point, &*m.fstype, m.options.join(" ")));
            assert_eq!(seen, expected.map(|(a, b, c, d)| (a, b, c, d.to_string())), "{line}");
        }
    }

    #[test]
    fn a_disk_has_two_names() {
        let disks = "sd0:3eb7f9da875cb9ee,cd0:,sd1:0123456789abcdef\n";
        let cases = [
            ("/dev/sd0a", "3eb7f9da875cb9ee.a", true),
            ("/dev/sd0b", "3eb7f9da875cb9ee.a", false),
            ("/dev/sd1a", "3eb7f9da875cb9ee.a", false),
            ("ffffffffffffffff.a", "ffffffffffffffff.a", true),
            ("ffffffffffffffff.a", "/dev/sd0a", false),
            ("swap", "mfs:77", true),
            ("NAME=data", "/dev/dk3", true),
            ("NAME=data", "/dev/wd0a", false),
            ("/dev/sd0a", "/dev/sd0a", true),
        ];
        for (a, b, expected) in cases {
            assert_eq!((is_same(a, b, disks), is_same(b, a, disks)), (expected, expected), "{a} {b}");
        }
    }
}
