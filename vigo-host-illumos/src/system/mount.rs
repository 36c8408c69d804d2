//! Mounts: `/etc/vfstab`, `/etc/mnttab`, mount(8), umount(8).

use super::file::write;
use crate::mnttab::{self, Mounted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Expect, Op, OpOutput, Outputs, Owner};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::mount::{Action, Device, Form, Live, Mount, State, Want, Wanted};
use vigo_core::resource::vfstab;

/// The table and what is mounted; in an image the table alone. *Unverified*: written after the manual pages.
pub(crate) struct TableAndMounts;

impl Adapter<Mount> for TableAndMounts {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        let unsupported = |attribute: &str, what: &str| {
            let message = format!("attribute `{attribute}` of type `mount` is not supported {what} on illumos");
            Err(Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) })
        };
        if matches!(want.state, Wanted::Unmounted | Wanted::Absent) {
            return Ok(());
        }
        if want.dump != 0 {
            return unsupported("dump", "other than 0");
        }
        if want.is_bind() {
            return unsupported("options", "with `bind`");
        }
        if ["UUID=", "LABEL="].iter().any(|name| want.device.starts_with(name)) {
            return unsupported("device", "by `UUID=` and `LABEL=`");
        }
        let options = want.options.iter().map(|o| &**o);
        match [&*want.device, want.path.as_str(), &*want.fstype].into_iter().chain(options).find(|f| !vfstab::fits(f)) {
            Some(bad) => {
                let message = format!("expected fields without blanks, as `/etc/vfstab` has them, found `{bad}`");
                Err(Problem::bad_value("path", message))
            }
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&table())];
        ops.extend(facts.image.is_none().then(|| Op::read_file(&mounts())));
        ops.extend((want.state == Wanted::Mounted).then(|| Op::stat(&want.path)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observe(want, outputs, facts).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.path.as_str();
        let op = |action: &Action| match action {
            Action::WriteTable(text) => {
                write(table(), text, state.table.as_deref().map_or(Expect::Missing, Expect::content))
            }
            Action::MakePoint => {
                Op::MakeDir { path: want.path.clone(), mode: 0o755, owner: Owner::default(), parents: true }
            }
            Action::Mount => Op::Run(Command::change("/usr/sbin/mount", [path])),
            Action::Unmount => Op::Run(Command::change("/usr/sbin/umount", [path])),
            Action::Remount => {
                let known = |o: &&str| !matches!(*o, "defaults" | "noauto" | "auto");
                let options: Vec<&str> =
                    core::iter::once("remount").chain(want.options.iter().map(|o| &**o).filter(known)).collect();
                Op::Run(Command::change("/usr/sbin/mount", ["-o", &options.join(","), path]))
            }
        };
        Ok(actions.iter().map(op).collect())
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::Run(Command::read("/usr/sbin/fuser", ["-cu", want.path.as_str()]))]
    }
}

fn table() -> AbsPath {
    AbsPath::known("/etc/vfstab")
}

fn mounts() -> AbsPath {
    AbsPath::known("/etc/mnttab")
}

/// Returns what is mounted at a path, on top of others.
fn mounted<'a>(text: &'a str, path: &AbsPath) -> Option<Mounted<'a>> {
    mnttab::lines(text).rev().find(|mounted| mounted.point == path.as_str())
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let table = match outputs.path(&table()) {
        Some(OpOutput::File { content, .. }) => Some(content.clone()),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected a file at `{}`, found something else", table())),
    };
    let line = vfstab::lines(table.as_deref().unwrap_or_default()).into_iter().find(|line| want.is_line(line));
    let device = |name: &str| if *name == *want.device { Device::Wanted } else { Device::Other };
    let live = match outputs.path(&mounts()) {
        _ if facts.image.is_some() => Live::Unasked,
        Some(OpOutput::File { content, .. }) => {
            let text = String::from_utf8_lossy(content);
            // A machine without a root does not run.
            if mounted(&text, &AbsPath::known("/")).is_none() {
                return Err(format!("expected the mounts in `{}`, found no root", mounts()));
            }
            mounted(&text, &want.path).map_or(Live::Nothing, |mounted| Live::Mounted {
                device: device(mounted.source),
                source: mounted.source.into(),
                fstype: mounted.fstype.into(),
                options: mounted.options.into_iter().map(String::from).collect(),
            })
        }
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected the mounts in `{}`, found something else", mounts())),
    };
    let point = match outputs.get(&Op::stat(&want.path)) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => None,
    };
    let line_device = line.as_ref().map_or(Device::Other, |l| device(&l.device));
    Ok(State { form: Form::Vfstab, table, line, line_device, live, point })
}
