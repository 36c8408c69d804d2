//! Swap: swapinfo(8), swapon(8), `/etc/fstab`; a file is used as a memory disk, md(4).

use crate::answer::{change, look, ran, said};
use crate::mounts::{read_table, write_table};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::Form;
use vigo_core::resource::swap::{Action, Active, Holds, State, Swap, Swaps, Want};
use vigo_core::time::Duration;

/// Swap devices, and files behind memory disks.
pub(super) struct Swapinfo;

const SWAPON: &str = "/sbin/swapon";
const SWAPOFF: &str = "/sbin/swapoff";
const MDCONFIG: &str = "/sbin/mdconfig";

impl Adapter<Swaps> for Swapinfo {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if want.priority.is_some() {
            return Err(Problem::unsupported("attribute `priority` of type `swap` is not supported on freebsd"));
        }
        match &want.swap {
            Swap::File(_) if &*facts.distro == "dragonfly" => {
                Err(Problem::unsupported("attribute `path` of type `swap` is not supported on dragonfly"))
            }
            Swap::File(path) if path.as_str().contains([',', ' ', '\t']) => {
                Err(Problem::bad_value("path", format!("expected a path without commas and blanks, found `{path}`")))
            }
            _ => Ok(()),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&AbsPath::known("/etc/fstab"))];
        if facts.image.is_none() {
            ops.push(list());
            ops.extend(disk_of(want));
        }
        ops.extend(node(want));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs, facts) {
            Ok(state) => Interpreted::Known(state),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let name = want.swap.name();
        let file = AbsPath::parse(name)?;
        let is_file = matches!(want.swap, Swap::File(_));
        for action in actions {
            match action {
                // Without holes: the kernel writes to the blocks that the file has.
                Action::Allocate(mb) => {
                    let (to, count) = (format!("of={name}"), format!("count={mb}"));
                    if let Op::Run(mut command) = change("/bin/dd", &["if=/dev/zero", &to, "bs=1048576", &count]) {
                        command.umask = Some(0o077);
                        ops.push(Op::Run(command.timeout(Duration::from_secs(600))));
                    }
                }
                Action::Protect => ops.push(Op::SetMode { path: file.clone(), mode: 0o600 }),
                // Swap space has no header here.
                Action::Format => {}
                Action::WriteTable(text) => ops.push(write_table(state.table.as_ref(), text)),
                // The memory disk is made by the line of the table, which is written by now.
                Action::Activate if is_file => ops.push(change(SWAPON, &["-aL"])),
                Action::Activate => ops.push(change(SWAPON, &[name])),
                Action::Deactivate => {
                    ops.push(change(SWAPOFF, &[state.path.as_str()]));
                    if is_file {
                        ops.push(change(MDCONFIG, &["-d", "-u", state.path.name()]));
                    }
                }
                Action::RemoveFile => ops.push(Op::Remove { path: file.clone(), recursive: false }),
            }
        }
        Ok(ops)
    }
}

fn list() -> Op {
    look("/usr/sbin/swapinfo", &["-k"])
}

/// Returns the question which memory disk a file is behind.
fn disk_of(want: &Want) -> Option<Op> {
    match &want.swap {
        Swap::File(path) => Some(look(MDCONFIG, &["-l", "-f", path.as_str()])),
        Swap::Device(_) => None,
    }
}

fn node(want: &Want) -> Option<Op> {
    let path = AbsPath::parse(want.swap.name()).ok()?;
    Some(Op::Stat { path, follow: !matches!(want.swap, Swap::File(_)) })
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let table = read_table(outputs)?;
    let name = want.swap.name();
    let own = AbsPath::parse(name).map_err(|e| format!("`{name}` names no device: {e}"))?;
    let behind = format!("file={name}");
    let is_ours = |line: &fstab::Line| match want.swap {
        Swap::Device(_) => line.device == name,
        Swap::File(_) => line.device.starts_with("md") && line.options.split(',').any(|o| o == behind),
    };
    let mut lines = fstab::lines(table.as_deref().unwrap_or_default()).into_iter();
    let line = lines.find(|line| line.fstype == "swap" && is_ours(line));
    let node = match node(want).and_then(|op| outputs.get(&op)) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{own}` was not looked at")),
    };
    let mut state = State {
        form: Form::MemoryDiskFstab,
        table,
        line,
        active: Active::Unasked,
        node,
        content: Holds::Swap,
        path: own,
        container: facts.container,
    };
    if facts.image.is_some() {
        return Ok(state);
    }
    let used = used(outputs)?;
    let device = match want.swap {
        Swap::Device(_) => Some(name.to_string()),
        Swap::File(_) => disk(want, outputs, &used)?.map(|disk| format!("/dev/{disk}")),
    };
    state.active = Active::No;
    if let Some(device) = device.filter(|device| used.iter().any(|u| u == device)) {
        state.active = Active::Yes(0);
        state.path = AbsPath::parse(&device).map_err(|e| format!("`{device}`: {e}"))?;
    }
    Ok(state)
}

/// Reads `swapinfo -k`: device, blocks, used, available, capacity, behind a heading.
fn used(outputs: &Outputs) -> Result<Vec<String>, String> {
    let (ran, code) = ran(outputs, &list()).unwrap_or_else(|| Err("`swapinfo` was not asked".into()))?;
    let out = ran.out();
    let mut lines = out.lines();
    let headed = lines.next().is_some_and(|line| line.starts_with("Device") && line.trim_end().ends_with("Capacity"));
    if code != 0 || ran.truncated || !headed {
        return Err(format!("swapinfo -k: exit {code}, {}", said(ran)));
    }
    let device = |line: &str| line.split_whitespace().next().filter(|word| word.starts_with('/')).map(String::from);
    Ok(lines.filter_map(device).collect())
}

/// Returns the memory disk that a file is behind. Without any in use nobody needs to know.
fn disk(want: &Want, outputs: &Outputs, used: &[String]) -> Result<Option<String>, String> {
    if !used.iter().any(|device| device.starts_with("/dev/md")) {
        return Ok(None);
    }
    let Some(op) = disk_of(want) else { return Ok(None) };
    let (ran, code) = ran(outputs, &op).unwrap_or_else(|| Err("`mdconfig` was not asked".into()))?;
    let out = ran.out();
    let mut disks = out.split_whitespace();
    let is_disk = |word: &str| word.strip_prefix("md").is_some_and(|n| !n.is_empty() && n.parse::<u32>().is_ok());
    match (code, disks.next()) {
        (_, _) if ran.truncated => Err("mdconfig printed more than is kept".into()),
        (0, Some(disk)) if is_disk(disk) => Ok(Some(disk.into())),
        (0, None) => Ok(None),
        _ => Err(format!("mdconfig -l: exit {code}, {}", said(ran))),
    }
}
