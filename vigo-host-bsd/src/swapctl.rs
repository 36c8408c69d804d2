//! Swap by swapctl(8) of OpenBSD and NetBSD, and `/etc/fstab`.

use crate::answer::{change, look, ran, said};
use crate::mounts::{read_table, write_table};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::fstab;
use vigo_core::resource::mount::Form;
use vigo_core::resource::swap::{Action, Active, Holds, State, Swap, Swaps, Want};
use vigo_core::time::Duration;

/// Swap files and devices.
pub(crate) struct Swapctl;

const PROGRAM: &str = "/sbin/swapctl";

impl Adapter<Swaps> for Swapctl {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        match want.priority {
            Some(priority) if priority < 0 => {
                let message = format!("expected a priority of 0 or more, found `{priority}`");
                Err(Problem::bad_value("priority", message).help("0 is the highest, swapctl(8)"))
            }
            _ => Ok(()),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&AbsPath::known("/etc/fstab"))];
        if facts.image.is_none() {
            ops.push(list());
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
        let path = state.path.as_str();
        for action in actions {
            ops.push(match action {
                // Without holes: the kernel writes to the blocks that the file has.
                Action::Allocate(mb) => {
                    let (to, count) = (format!("of={path}"), format!("count={mb}"));
                    let Op::Run(mut command) = change("/bin/dd", &["if=/dev/zero", &to, "bs=1048576", &count]) else {
                        continue;
                    };
                    command.umask = Some(0o077);
                    Op::Run(command.timeout(Duration::from_secs(600)))
                }
                Action::Protect => Op::SetMode { path: state.path.clone(), mode: 0o600 },
                // Swap space has no header here.
                Action::Format => continue,
                Action::WriteTable(text) => write_table(state.table.as_ref(), text),
                Action::Activate => match want.priority {
                    Some(priority) => change(PROGRAM, &["-a", "-p", &format!("{priority}"), path]),
                    None => change(PROGRAM, &["-a", path]),
                },
                Action::Deactivate => change(PROGRAM, &["-d", path]),
                Action::RemoveFile => Op::Remove { path: state.path.clone(), recursive: false },
            });
        }
        Ok(ops)
    }
}

fn list() -> Op {
    look(PROGRAM, &["-l"])
}

fn node(want: &Want) -> Option<Op> {
    let path = AbsPath::parse(want.swap.name()).ok()?;
    Some(Op::Stat { path, follow: !matches!(want.swap, Swap::File(_)) })
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let table = read_table(outputs)?;
    let name = want.swap.name();
    let path = AbsPath::parse(name).map_err(|e| format!("`{name}` names no device: {e}"))?;
    let mut lines = fstab::lines(table.as_deref().unwrap_or_default()).into_iter();
    let line = lines.find(|l| l.fstype == "swap" && l.device == name);
    let node = match node(want).and_then(|op| outputs.get(&op)) {
        Some(OpOutput::Stat(meta)) => Some(meta.clone()),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{path}` was not looked at")),
    };
    let active = if facts.image.is_some() { Active::Unasked } else { active(&path, outputs)? };
    let state = State {
        form: Form::AccessFstab,
        table,
        line,
        active,
        node,
        content: Holds::Swap,
        path,
        container: facts.container,
    };
    Ok(state)
}

/// Reads `swapctl -l`: device, blocks, used, available, capacity, priority. Without any it says so.
fn active(path: &AbsPath, outputs: &Outputs) -> Result<Active, String> {
    let Some(answer) = ran(outputs, &list()) else { return Err("`swapctl -l` was not asked".into()) };
    let (ran, code) = answer?;
    let (out, err) = (ran.out(), ran.err());
    if [&out, &err].iter().any(|text| text.contains("no swap devices configured")) {
        return Ok(Active::No);
    }
    let headed = out.lines().next().is_some_and(|line| line.split_whitespace().next_back() == Some("Priority"));
    if code != 0 || ran.truncated || !headed {
        return Err(format!("swapctl -l: exit {code}, {}", said(ran)));
    }
    for line in out.lines().skip(1) {
        let Some((rest, priority)) = line.trim_end().rsplit_once(char::is_whitespace) else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // A file's name may have blanks; four columns follow it.
        let name = fields.len().checked_sub(4).and_then(|n| fields.get(..n)).unwrap_or_default().join(" ");
        if name == path.as_str() {
            let bad = |_| format!("expected a priority for `{path}`, found `{priority}`");
            return priority.parse().map(Active::Yes).map_err(bad);
        }
    }
    Ok(Active::No)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::host::observe;

    const LISTING: &str = "Device      512-blocks     Used    Avail Capacity  Priority\n\
                           /dev/sd0b      1048320        0  1048320     0%    0\n\
                           /swap file      131072        0   131072     0%    5\n\
                           Total          1179392        0  1179392     0%\n";

    fn seen(name: &str, answer: OpOutput) -> Result<Active, String> {
        let want =
            Want { swap: Swap::File(AbsPath::parse(name).unwrap()), present: true, size_mb: None, priority: None };
        let answers = |op: &Op| match op {
            Op::Run(_) => answer.clone(),
            _ => OpOutput::Missing,
        };
        match observe(&Swapctl, &want, &HostFacts::default(), answers) {
            Interpreted::Known(state) => Ok(state.active),
            Interpreted::Unknown(why) => Err(why),
            Interpreted::Ask(_) => panic!("nothing more is read"),
        }
    }

    #[test]
    fn active_spaces_and_their_priorities_are_read() {
        let said = |code, out: &str, err: &str| OpOutput::exited(code, out, err);
        let cases = [
            ("/dev/sd0b", said(0, LISTING, ""), Ok(Active::Yes(0))),
            ("/swap file", said(0, LISTING, ""), Ok(Active::Yes(5))),
            ("/swap", said(0, LISTING, ""), Ok(Active::No)),
            ("/swap", said(0, "no swap devices configured\n", ""), Ok(Active::No)),
            ("/swap", said(1, "", "swapctl: no swap devices configured\n"), Ok(Active::No)),
            ("/swap", said(0, "", ""), Err("swapctl -l: exit 0, exit 0")),
            (
                "/swap",
                said(1, "", "swapctl: Permission denied\n"),
                Err("swapctl -l: exit 1, swapctl: Permission denied"),
            ),
            (
                "/x",
                said(0, "Device Priority\n/x 1 0 1 0% high\n", ""),
                Err("expected a priority for `/x`, found `high`"),
            ),
        ];
        for (name, answer, expected) in cases {
            assert_eq!(seen(name, answer).as_ref().map_err(|e| &**e), expected.as_ref().map_err(|e| &**e), "{name}");
        }
        assert!(seen("/x", OpOutput::Ran(cut())).is_err(), "a cut listing proves nothing");
        assert!(seen("/x", OpOutput::file("x")).is_err());
    }

    fn cut() -> vigo_core::action::Ran {
        vigo_core::action::Ran { truncated: true, ..vigo_core::action::Ran::exited(0, LISTING, "") }
    }

    #[test]
    fn a_priority_is_written_as_fstab_has_it_here() {
        let want =
            Want { swap: Swap::File(AbsPath::known("/swap")), present: true, size_mb: Some(64), priority: Some(5) };
        let state = State {
            form: Form::AccessFstab,
            table: Some(Arc::from(&b""[..])),
            line: None,
            active: Active::No,
            node: None,
            content: Holds::Swap,
            path: AbsPath::known("/swap"),
            container: false,
        };
        let c = <Swaps as vigo_core::host::Family>::compare(&want, &state, vigo_core::host::Phase::Before);
        let table =
            c.actions.iter().find_map(|a| if let Action::WriteTable(text) = a { Some(text.clone()) } else { None });
        assert_eq!(table.as_deref(), Some(&b"/swap none swap sw,priority=5 0 0\n"[..]));
        let ops = Swapctl.lower(&want, &state, &c.actions, &HostFacts::default()).unwrap();
        let ops: Vec<String> = ops.iter().map(|op| format!("{op}")).collect();
        assert_eq!(
            ops,
            [
                "/bin/dd if=/dev/zero of=/swap bs=1048576 count=64",
                "write /etc/fstab (34 bytes)",
                "/sbin/swapctl -a -p 5 /swap"
            ]
        );
    }
}
