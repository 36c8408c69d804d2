//! Swap: `/proc/swaps`, mkswap(8), swapon(8), `/etc/fstab`.

use super::device::{behind, look, named, same};
use super::mount::{read_table, write, write_table};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, FailureKind, Op, OpOutput, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::Form;
use vigo_core::resource::swap::{Action, Active, Holds, State, Swap, Want};
use vigo_core::time::Duration;

/// Swap files and devices.
pub(crate) struct Swaps;

impl Adapter<vigo_core::resource::swap::Swaps> for Swaps {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&AbsPath::known("/etc/fstab"))];
        if facts.image.is_none() {
            ops.push(Op::read_file(&swaps()));
        }
        ops.extend(look(want.swap.name()));
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
        let path = on_host(&state.path, facts);
        let run = |program: &str, args: &[&str]| Command::change(program, args.iter().copied());
        for action in actions {
            match action {
                Action::Allocate(mb) => {
                    let bytes = mb.saturating_mul(1 << 20).to_string();
                    let mut command = run("fallocate", &["-l", &bytes, &path]).timeout(Duration::from_secs(600));
                    command.umask = Some(0o077);
                    ops.push(Op::Run(command));
                }
                Action::Protect => ops.push(Op::SetMode { path: state.path.clone(), mode: 0o600 }),
                Action::Format => ops.push(Op::Run(run("mkswap", &[&path]))),
                Action::WriteTable(text) => ops.push(write_table(state.table.as_deref(), text)),
                Action::Activate => match want.priority.filter(|p| *p >= 0).map(|p| p.to_string()) {
                    Some(priority) => ops.push(Op::Run(run("swapon", &["-p", &priority, &path]))),
                    None => ops.push(Op::Run(run("swapon", &[&path]))),
                },
                Action::Deactivate => {
                    ops.push(Op::Run(run("swapoff", &[&path]).timeout(Duration::from_secs(600))));
                }
                Action::RemoveFile => ops.push(Op::Remove { path: state.path.clone(), recursive: false }),
            }
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], outputs: &Outputs) -> Vec<Op> {
        let mut ops = Vec::new();
        let (name, table) = (fstab::escape(state.path.as_str()), swaps());
        let old = match outputs.path(&table) {
            Some(OpOutput::File { content, .. }) => String::from_utf8_lossy(content).into_owned(),
            _ => String::new(),
        };
        let mut lines: Vec<String> = old.lines().map(String::from).collect();
        for action in actions {
            match action {
                Action::Allocate(_) => ops.push(empty_file(&state.path)),
                Action::Deactivate => lines.retain(|line| line.split_whitespace().next() != Some(&name)),
                Action::Activate => lines.push(format!("{name} file 0 0 {}", want.priority.unwrap_or(-2))),
                _ => {}
            }
        }
        let text = lines.join("\n") + "\n";
        if actions.iter().any(|a| matches!(a, Action::Activate | Action::Deactivate)) {
            ops.push(write(table, text.as_bytes(), Expect::Anything));
        }
        ops
    }
}

fn swaps() -> AbsPath {
    AbsPath::known("/proc/swaps")
}

fn empty_file(path: &AbsPath) -> Op {
    Op::ReplaceFile(Replace {
        path: path.clone(),
        content: Content::Bytes([].into()),
        mode: Some(0o600),
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: false,
        parents: false,
    })
}

/// Returns the path as programs that run outside of an image see it.
fn on_host(path: &AbsPath, facts: &HostFacts) -> String {
    facts.image.as_ref().map_or_else(|| path.to_string(), |image| image.join(path.as_str()).to_string())
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Result<State, Vec<Op>>, String> {
    let table = read_table(outputs)?;
    let name = want.swap.name();
    let path = behind(name, outputs).or_else(|| named(name)).ok_or_else(|| format!("`{name}` names no device"))?;
    let lines = fstab::lines(table.as_deref().unwrap_or_default()).into_iter().filter(|l| l.fstype == "swap");
    let lines: Vec<fstab::Line> = lines.collect();
    let mut asks = Vec::new();
    let mut need = |op: Op| {
        if outputs.get(&op).is_none() {
            asks.push(op);
        }
    };
    let node_read = Op::Stat { path: path.clone(), follow: !matches!(want.swap, Swap::File(_)) };
    need(node_read.clone());
    if !lines.iter().any(|l| l.device == name) {
        lines.iter().filter_map(|l| look(&l.device)).for_each(&mut need);
    }
    let active = active(&path, outputs, facts)?;
    let node = match outputs.get(&node_read) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => None,
    };
    let mut content = Holds::Unasked;
    if want.present && node.is_some() && !matches!(active, Active::Yes(_)) {
        let look = Op::Run(Command::read("blkid", ["-p", "-s", "TYPE", "-o", "value", &on_host(&path, facts)]));
        content = match outputs.get(&look) {
            None => {
                need(look);
                Holds::Unasked
            }
            Some(answer) => holds(answer)?,
        };
    }
    if !asks.is_empty() {
        return Ok(Err(asks));
    }
    let line = lines.into_iter().find(|l| l.device == name || same(&l.device, name, outputs));
    Ok(Ok(State { form: Form::Fstab, table, line, active, node, content, path, container: facts.container }))
}

fn active(path: &AbsPath, outputs: &Outputs, facts: &HostFacts) -> Result<Active, String> {
    match outputs.path(&swaps()) {
        _ if facts.image.is_some() => Ok(Active::Unasked),
        Some(OpOutput::File { content, .. }) => {
            let text = String::from_utf8_lossy(content);
            for line in text.lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                if let [name, _, _, _, priority, ..] = fields[..]
                    && fstab::unescape(name) == path.as_str()
                {
                    let bad = |_| format!("expected a priority for `{path}` in `{}`, found `{priority}`", swaps());
                    return priority.parse().map(Active::Yes).map_err(bad);
                }
            }
            Ok(Active::No)
        }
        // A kernel without swap has no such file.
        Some(OpOutput::Missing) => Ok(Active::No),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("expected the swap spaces in `{}`, found something else", swaps())),
    }
}

/// blkid(8): 2 is "nothing found", 8 "more than one found".
fn holds(answer: &OpOutput) -> Result<Holds, String> {
    match answer {
        OpOutput::Ran(ran) => match (ran.code(), ran.out().trim()) {
            (Some(0), "swap") => Ok(Holds::Swap),
            (Some(0), "") | (Some(2), _) => Ok(Holds::Nothing),
            (Some(0), other) => Ok(Holds::Else(other.into())),
            (Some(8), _) => Ok(Holds::Else("several file systems".into())),
            _ => Err(format!("`blkid` ended with {}", ran.exit)),
        },
        OpOutput::Failed(failure) if failure.kind == FailureKind::NoProgram => {
            Err("expected the program `blkid` to look for swap space, found none".into())
        }
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        _ => Err("expected an answer of `blkid`".into()),
    }
}
