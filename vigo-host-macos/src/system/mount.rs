//! Mounts: `/etc/fstab`, mount(8), umount(8), diskutil(8) for names of disks.

use crate::mounted::Mounted;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, OpOutput, Outputs, Owner, Ran, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::{Action, Device, Form, Live, Mount, State, Want, Wanted};

/// The table and what is mounted. *Unverified*: written after the manual pages.
pub(crate) struct TableAndMounts;

const NONE: [&str; 0] = [];
const MOUNT: &str = "/sbin/mount";

impl Adapter<Mount> for TableAndMounts {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("type `mount` is not supported on an image of macos"));
        }
        match want.is_bind() {
            true => Err(Problem::unsupported("option `bind` of type `mount` is not supported on macos")),
            false => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&table()), mounts()];
        if want.state == Wanted::Mounted {
            ops.push(Op::stat(&want.path));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.path.as_str();
        let op = |action: &Action| match action {
            Action::WriteTable(text) => write(state.table.as_deref(), text),
            Action::MakePoint => {
                Op::MakeDir { path: want.path.clone(), mode: 0o755, owner: Owner::default(), parents: true }
            }
            Action::Mount => Op::Run(Command::change(MOUNT, [path])),
            Action::Unmount => Op::Run(Command::change("/sbin/umount", [path])),
            Action::Remount => {
                let options: Vec<&str> = want.options.iter().map(|o| &**o).filter(|o| *o != "defaults").collect();
                let options = options.join(",");
                let mut args = alloc::vec!["-u"];
                args.extend(if options.is_empty() { Vec::new() } else { alloc::vec!["-o", &options] });
                args.push(path);
                Op::Run(Command::change(MOUNT, args))
            }
        };
        Ok(actions.iter().map(op).collect())
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::Run(Command::read("/usr/bin/fuser", ["-c", want.path.as_str()]))]
    }
}

fn table() -> AbsPath {
    AbsPath::known("/etc/fstab")
}

fn mounts() -> Op {
    Op::Run(Command::read(MOUNT, NONE))
}

fn write(old: Option<&[u8]>, text: &[u8]) -> Op {
    let expect = old.map_or(Expect::Missing, Expect::content);
    Op::ReplaceFile(Replace::kept(table(), Content::Bytes(text.into()), expect))
}

/// Returns what is mounted at a path, on top of others, after what is mounted there. What lies in `/etc`, `/tmp` and `/var`
/// is shown below `/private`, where they are.
fn mounted<'a>(out: &'a str, path: &AbsPath) -> Option<(&'a str, Mounted<'a>)> {
    let path = path.as_str();
    let private = ["/etc", "/tmp", "/var"]
        .iter()
        .any(|top| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let below = format!("/private{path}");
    let one = |line: &'a str| {
        let mounted = Mounted::parse(line)?;
        let source = mounted.source_at(path).or_else(|| mounted.source_at(&below).filter(|_| private))?;
        Some((source, mounted))
    };
    out.lines().rev().find_map(one)
}

/// Asks for the device of a disk that is named by number or label.
fn look(device: &str) -> Option<Op> {
    let name = device.strip_prefix("UUID=").or_else(|| device.strip_prefix("LABEL="))?;
    let plain = !name.is_empty() && !name.starts_with('-');
    plain.then(|| Op::Run(Command::read("/usr/sbin/diskutil", ["info", name])))
}

/// Returns the device of an answer of `diskutil info`: `   Device Node:               /dev/disk4s1`.
fn node(ran: &Ran) -> Option<String> {
    let out = ran.out();
    let node = out.lines().find_map(|l| l.trim().strip_prefix("Device Node:")).map(str::trim);
    node.filter(|_| ran.success()).map(ToString::to_string)
}

fn observe(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let table = match outputs.path(&table()) {
        Some(OpOutput::File { content, .. }) => Some(content.clone()),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected a file at `{}`, found something else", table())),
    };
    let line = fstab::lines(table.as_deref().unwrap_or_default()).into_iter().find(|line| want.is_line(line));
    let mounts = match outputs.get(&mounts()) {
        // A machine without a root does not run.
        Some(OpOutput::Ran(ran)) if ran.success() && !ran.truncated && ran.out().contains(" on / (") => ran.out(),
        Some(OpOutput::Ran(ran)) => {
            return Err(format!("expected the mounts of `mount`, found {}: {}", ran.exit, ran.err().trim()));
        }
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err("`mount` was not run".into()),
    };
    let point = match outputs.get(&Op::stat(&want.path)) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => None,
    };
    let mounted = mounted(&mounts, &want.path);
    let names = [line.as_ref().map(|l| &*l.device), mounted.as_ref().map(|(source, _)| *source)];
    let others = names.into_iter().flatten().filter(|name| *name != &*want.device);
    let (mut asks, mut any) = (Vec::new(), false);
    for name in others {
        asks.extend(look(name));
        any = true;
    }
    asks.extend(look(&want.device).filter(|_| any && matches!(want.state, Wanted::Mounted | Wanted::Present)));
    asks.retain(|op| outputs.get(op).is_none());
    if !asks.is_empty() {
        return Ok(Err(asks));
    }
    let real = |name: &str| match look(name).map(|op| outputs.get(&op).cloned()) {
        Some(Some(OpOutput::Ran(ran))) => node(&ran).unwrap_or_else(|| name.into()),
        _ => name.to_string(),
    };
    let device = |name: &str| {
        if *name == *want.device || real(name) == real(&want.device) { Device::Wanted } else { Device::Other }
    };
    let line_device = line.as_ref().map_or(Device::Other, |l| device(&l.device));
    let live = mounted.map_or(Live::Nothing, |(source, mounted)| Live::Mounted {
        device: device(source),
        source: source.into(),
        fstype: mounted.fstype.into(),
        options: mounted.options.into_iter().map(Cow::into_owned).collect(),
    });
    Ok(Ok(State { form: Form::AccessFstab, table, line, line_device, live, point }))
}
