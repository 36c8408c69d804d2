//! Mounts: `/etc/fstab`, mount(8), umount(8), `/proc/self/mountinfo`.

use super::device::{look, named, same};
use super::info::{Mounted, Mounts, mountinfo};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, OpOutput, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Init, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::{Action, Device, Form, Live, Mount, State, Want, Wanted};

/// The table and what is mounted; in an image the table alone.
pub(crate) struct TableAndMounts;

impl Adapter<Mount> for TableAndMounts {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&table())];
        if facts.image.is_none() {
            ops.push(Op::read_file(&mountinfo()));
        }
        if want.state == Wanted::Mounted {
            ops.push(Op::stat(&want.path));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs, facts) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let path = want.path.to_string();
        for action in actions {
            match action {
                Action::WriteTable(text) => {
                    ops.push(write_table(state.table.as_deref(), text));
                    if facts.init == Init::Systemd && facts.image.is_none() && facts.has("systemctl") {
                        // A mount that systemd remembers otherwise is undone by it.
                        ops.push(Op::Run(Command::change("systemctl", ["daemon-reload"])));
                    }
                }
                Action::MakePoint => ops.push(Op::MakeDir {
                    path: want.path.clone(),
                    mode: 0o755,
                    owner: Owner::default(),
                    parents: true,
                }),
                Action::Mount => ops.push(Op::Run(Command::change("mount", [path.clone()]))),
                Action::Unmount => ops.push(Op::Run(Command::change("umount", [path.clone()]))),
                Action::Remount => {
                    let options: Vec<&str> =
                        core::iter::once("remount").chain(want.options.iter().map(|o| &**o)).collect();
                    ops.push(Op::Run(Command::change("mount", ["-o", &options.join(","), &path])));
                }
            }
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, _: &State, actions: &[Action], outputs: &Outputs) -> Vec<Op> {
        let Some(OpOutput::File { content, .. }) = outputs.path(&mountinfo()) else { return Vec::new() };
        let mut lines: Vec<String> = String::from_utf8_lossy(content).lines().map(String::from).collect();
        let is_ours = |line: &String| Mounts::parse(line.as_bytes()).at(&want.path).is_some();
        for action in actions {
            match action {
                Action::Mount => lines.push(foretold(want, &Mounts::parse(content))),
                Action::Unmount | Action::Remount => {
                    if let Some(at) = lines.iter().rposition(is_ours) {
                        lines.remove(at);
                    }
                    if *action == Action::Remount {
                        lines.push(foretold(want, &Mounts::parse(content)));
                    }
                }
                Action::WriteTable(_) | Action::MakePoint => {}
            }
        }
        let text = lines.join("\n") + "\n";
        if text.as_bytes() == &**content {
            Vec::new()
        } else {
            alloc::vec![write(mountinfo(), text.as_bytes(), Expect::Anything)]
        }
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::Run(Command::read("fuser", ["-vm", want.path.as_str()]))]
    }
}

fn table() -> AbsPath {
    AbsPath::known("/etc/fstab")
}

/// Returns the write of a new table.
pub(super) fn write_table(old: Option<&[u8]>, text: &[u8]) -> Op {
    write(table(), text, old.map_or(Expect::Missing, Expect::content))
}

/// Returns the write of a file, or of one of the kernel's on the overlay of a plan.
pub(super) fn write(path: AbsPath, text: &[u8], expect: Expect) -> Op {
    Op::ReplaceFile(Replace {
        path,
        content: Content::Bytes(text.into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect,
        validate: None,
        backup: None,
        follow: true,
        parents: false,
    })
}

/// Takes the table out of the answers.
///
/// # Errors
/// A fragment, when it could not be read.
pub(super) fn read_table(outputs: &Outputs) -> Result<Option<alloc::sync::Arc<[u8]>>, String> {
    match outputs.path(&table()) {
        Some(OpOutput::File { content, .. }) => Ok(Some(content.clone())),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("expected a file at `{}`, found something else", table())),
    }
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Result<State, Vec<Op>>, String> {
    let table = read_table(outputs)?;
    let line = fstab::lines(table.as_deref().unwrap_or_default()).into_iter().find(|line| want.is_line(line));
    let mounts = match outputs.path(&mountinfo()) {
        _ if facts.image.is_some() => None,
        Some(OpOutput::File { content, .. }) => Some(Mounts::parse(content)),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected the mounts in `{}`, found something else", mountinfo())),
    };
    let point = match outputs.get(&Op::stat(&want.path)) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => None,
    };
    let mounted = mounts.as_ref().and_then(|m| m.at(&want.path));
    let mut asks = Vec::new();
    let mut need = |op: Op| {
        if outputs.get(&op).is_none() {
            asks.push(op);
        }
    };
    let names = [line.as_ref().map(|l| &*l.device), mounted.map(|m| &*m.source)];
    if matches!(want.state, Wanted::Mounted | Wanted::Present) {
        // Only where the names differ does it matter what is behind them.
        let others: Vec<&str> = names.into_iter().flatten().filter(|name| *name != &*want.device).collect();
        if !others.is_empty() && !want.is_bind() {
            others.iter().copied().chain([&*want.device]).filter_map(look).for_each(&mut need);
        }
        if let Some(file) = mounted.and_then(|m| backing_file(want, m)) {
            need(Op::read_file(&file));
        }
    }
    if !asks.is_empty() {
        return Ok(Err(asks));
    }
    let device = |wanted: bool| if wanted { Device::Wanted } else { Device::Other };
    let live = match (&mounts, mounted) {
        (None, _) => Live::Unasked,
        (Some(_), None) => Live::Nothing,
        (Some(mounts), Some(m)) => Live::Mounted {
            source: if want.is_bind() { shown(m) } else { m.source.clone() },
            device: device(is_wanted(want, m, mounts, outputs)),
            fstype: m.fstype.clone(),
            options: m.options.clone(),
        },
    };
    let line_device = device(line.as_ref().is_some_and(|l| same(&l.device, &want.device, outputs)));
    Ok(Ok(State { form: Form::Fstab, table, line, line_device, live, point }))
}

fn is_wanted(want: &Want, mounted: &Mounted, mounts: &Mounts, outputs: &Outputs) -> bool {
    if want.is_bind() {
        return bound(want, mounts).is_some_and(|(device, root)| device == mounted.device && root == mounted.root);
    }
    if let Some(file) = backing_file(want, mounted) {
        let backing = match outputs.path(&file) {
            Some(OpOutput::File { content, .. }) => String::from_utf8_lossy(content).trim().to_string(),
            _ => String::new(),
        };
        return backing == *want.device;
    }
    same(&want.device, &mounted.source, outputs)
}

/// Returns the file that tells which file is behind a loop device, where a file is wanted and one is mounted.
fn backing_file(want: &Want, mounted: &Mounted) -> Option<AbsPath> {
    let name = mounted.source.strip_prefix("/dev/").filter(|name| name.starts_with("loop"))?;
    let file = want.device.starts_with('/') && !want.device.starts_with("/dev/");
    AbsPath::parse(&format!("/sys/block/{name}/loop/backing_file")).ok().filter(|_| file)
}

/// Returns the file system, and the folder of it, that a bind mount of the wanted folder shows.
fn bound(want: &Want, mounts: &Mounts) -> Option<(String, String)> {
    let folder = named(&want.device)?;
    // The bind mount itself does not count, should the folder lie below its own mount point.
    let others = Mounts(mounts.0.iter().filter(|m| m.point != want.path).cloned().collect());
    let within = others.of(&folder)?;
    let rest = folder.as_str().strip_prefix(within.point.as_str())?.trim_start_matches('/');
    let root = match (within.root.trim_end_matches('/'), rest) {
        ("", "") => "/".into(),
        (root, "") => root.into(),
        (root, rest) => format!("{root}/{rest}"),
    };
    Some((within.device.clone(), root))
}

fn shown(mounted: &Mounted) -> String {
    format!("{} of {}", mounted.root, mounted.source)
}

/// Returns the kernel's line for the wanted mount, as far as it is known before.
fn foretold(want: &Want, mounts: &Mounts) -> String {
    let (device, root) = bound(want, mounts).filter(|_| want.is_bind()).unwrap_or_else(|| ("0:0".into(), "/".into()));
    let mut options: Vec<&str> = want.options.iter().map(|o| &**o).filter(|o| *o != "defaults").collect();
    if !options.contains(&"ro") {
        options.insert(0, "rw");
    }
    let escape = fstab::escape;
    let (point, source) = (escape(want.path.as_str()), escape(&want.device));
    let fstype = want.fstype.split(',').next().unwrap_or_default();
    format!("0 0 {device} {} {point} {} - {fstype} {source} {}", escape(&root), escape(&options.join(",")), "rw")
}
