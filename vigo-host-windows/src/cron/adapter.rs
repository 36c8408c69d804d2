//! schtasks.exe.

use super::task::{document, is_same};
use super::trigger::trigger;
use super::xml::{text_of, wide};
use crate::program::{SCHTASKS, ran};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::cron::{Action, Cron, State, Task, Want};

/// Jobs as tasks in the folder `\Vigo` of the Task Scheduler, by `schtasks.exe`. Its messages are localised and its exit code
/// is 1 for all that goes wrong: a task is missing when the list of all tasks does not hold it.
///
/// *Unverified*: written after its help text and the schema of tasks.
pub(crate) struct Schtasks;

/// Bytes of the list of all tasks.
const LIST_BYTES_MAX: usize = 4 << 20;

impl Adapter<Cron> for Schtasks {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let refused = |attribute: &str, why: &str| {
            Err(Problem::unsupported(format!("attribute `{attribute}` of type `cron` {why} on windows")))
        };
        match want {
            _ if facts.image.is_some() => Err(Problem::unsupported("tasks of an image cannot be managed on windows")),
            want if !want.present => Ok(()),
            want if !want.environment.is_empty() => refused("environment", "is not supported"),
            want if !want.command.is_ascii() => refused("command", "with letters beyond ASCII is not supported"),
            // No document can hold them.
            want if want.command.contains(|c: char| c.is_ascii_control() && c != '\t') => {
                refused("command", "with control characters is not supported")
            }
            want if trigger(&want.schedule).is_none() => {
                let message = format!("`schedule` `{}` of type `cron` is not supported on windows", want.schedule);
                Err(Problem::unsupported(message).help(
                    "write every so many minutes or hours that fit into an hour or day, one time of day, on days of the \
                     week or of months, or `@reboot`",
                ))
            }
            _ => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![show(want)]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::PutTask => {
                    let text =
                        document(want).ok_or_else(|| Problem::failed(format!("`{}` has no trigger", want.schedule)))?;
                    let file = file(want);
                    ops.push(Op::ReplaceFile(Replace {
                        path: file.clone(),
                        content: Content::Bytes(wide(&text).into()),
                        mode: None,
                        owner: Owner::default(),
                        context: None,
                        expect: Expect::Anything,
                        validate: None,
                        backup: None,
                        follow: false,
                        parents: false,
                    }));
                    ops.push(run(&["/Create", "/TN", &name(want), "/XML", file.as_str(), "/F"]));
                    ops.push(Op::Remove { path: file, recursive: false });
                }
                Action::RemoveTask => ops.push(run(&["/Delete", "/TN", &name(want), "/F"])),
                other => return Err(Problem::failed(format!("expected another action than `{other}`"))),
            }
        }
        Ok(ops)
    }
}

fn run(args: &[&str]) -> Op {
    Op::Run(Command::change(SCHTASKS, args.iter().copied()))
}

fn name(want: &Want) -> String {
    format!("\\Vigo\\{}", want.id)
}

/// A file that only administrators can write, until the scheduler has read it.
fn file(want: &Want) -> AbsPath {
    AbsPath::known("C:\\Windows").join(&format!("vigo-task-{}.xml", want.id))
}

fn show(want: &Want) -> Op {
    Op::Run(Command::read(SCHTASKS, ["/Query", "/TN", &name(want), "/XML"]))
}

fn list() -> Op {
    Op::Run(Command::read(SCHTASKS, ["/Query", "/FO", "CSV", "/NH"]).output_bytes_max(LIST_BYTES_MAX))
}

fn observed(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let known = |task| Ok(Interpreted::Known(State::Task(task)));
    let op = show(want);
    let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
    if seen.success() {
        return match is_same(want, &text_of(&seen.stdout)) {
            Some(true) => known(Task::Same),
            Some(false) => known(Task::Other),
            None => Err(format!("`{op}` exited 0 and shows no task")),
        };
    }
    let op = list();
    let Some(seen) = ran(outputs, &op).transpose()? else { return Ok(Interpreted::Ask(alloc::vec![op])) };
    let text = text_of(&seen.stdout);
    let names: Vec<Arc<str>> = text.lines().filter_map(first_field).collect();
    match () {
        () if !seen.success() || names.is_empty() => Err(format!("`{op}` ended with {} and lists no task", seen.exit)),
        () if names.iter().any(|task| task.eq_ignore_ascii_case(&name(want))) => {
            Err(format!("task `{}` is there and cannot be shown", name(want)))
        }
        () => known(Task::Missing),
    }
}

/// Returns the first field of a line `"\Folder\Task","…`.
fn first_field(line: &str) -> Option<Arc<str>> {
    let (field, _) = line.trim().strip_prefix('"')?.split_once("\",")?;
    field.starts_with('\\').then(|| field.into())
}
