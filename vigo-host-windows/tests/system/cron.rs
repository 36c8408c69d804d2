//! Jobs by schtasks.exe, against a model that answers as the Task Scheduler does.

use crate::machine::{Model, apply, call, facts, no_program, once, prepare, recorded, text, unknown};
use vigo_core::action::{Content, Op, OpOutput, Replace};
use vigo_core::resource::Datum;

/// Holds at most one task of ours, as it was handed in.
#[derive(Default)]
struct Scheduler {
    file: Option<Vec<u8>>,
    task: Option<String>,
    is_wide: bool,
}

fn text_of(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    char::decode_utf16(units).map(|c| c.expect("UTF-16")).collect()
}

impl Model for Scheduler {
    fn perform(&mut self, op: &Op) -> OpOutput {
        match op {
            Op::ReplaceFile(Replace { content: Content::Bytes(bytes), .. }) => {
                self.file = Some(bytes.to_vec());
                return OpOutput::Done;
            }
            Op::Remove { .. } => {
                self.file = None;
                return OpOutput::Done;
            }
            _ => {}
        }
        let Some(("schtasks.exe", args)) = call(op) else { return no_program() };
        match &args[..] {
            ["/Create", "/TN", "\\Vigo\\job", "/XML", _, "/F"] => {
                let text = text_of(self.file.as_ref().expect("a file"));
                // What the system adds to what it was given.
                self.task = Some(text.replace('\u{feff}', "").replace("<Author>", "").replace(
                    "<StartBoundary>2000-01-01T02:30:00</StartBoundary>",
                    "<StartBoundary>2000-01-01T02:30:00</StartBoundary>\r\n      <Enabled>true</Enabled>",
                ));
                OpOutput::exited(0, "ERFOLGREICH\r\n", "")
            }
            ["/Delete", "/TN", "\\Vigo\\job", "/F"] => OpOutput::exited(i32::from(self.task.take().is_none()), "", ""),
            ["/Query", "/TN", _, "/XML"] => match &self.task {
                Some(text) if self.is_wide => {
                    let OpOutput::Ran(mut ran) = OpOutput::exited(0, "", "") else { panic!() };
                    ran.stdout =
                        std::iter::once(0xfeffu16).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
                    OpOutput::Ran(ran)
                }
                Some(text) => OpOutput::exited(0, &text.replace('\n', "\r\n"), ""),
                None => OpOutput::exited(1, "", "FEHLER: Das System kann die angegebene Datei nicht finden.\r\n"),
            },
            ["/Query", ..] => OpOutput::exited(0, "\"\\Other\",\"N/A\",\"Bereit\"\r\n", ""),
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the document that stands for a job.
pub fn task(job: &[(&str, Datum)]) -> String {
    let mut scheduler = Scheduler::default();
    apply(&mut scheduler, &facts(), "cron", job);
    scheduler.task.expect("a task")
}

fn job<'a>(more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [("cron", text("job"))].into_iter().chain(more.iter().cloned()).collect()
}

fn nightly<'a>() -> Vec<(&'a str, Datum)> {
    job(&[("schedule", text("30 2 * * *")), ("command", text("C:\\tools\\run.cmd \"a b\" & echo 100%"))])
}

#[test]
fn a_task_is_put_and_compared_and_removed() {
    for is_wide in [false, true] {
        let mut m = Scheduler { is_wide, ..Scheduler::default() };
        let run = apply(&mut m, &facts(), "cron", &nightly());
        assert_eq!(run.failure, None);
        assert_eq!(run.changes, ["job: absent → 30 2 * * * root C:\\tools\\run.cmd \"a b\" & echo 100%"]);
        assert_eq!(
            run.ops,
            [
                "write C:\\Windows\\vigo-task-job.xml (1882 bytes)",
                "schtasks.exe /Create /TN \\Vigo\\job /XML C:\\Windows\\vigo-task-job.xml /F",
                "remove C:\\Windows\\vigo-task-job.xml"
            ]
        );
        assert_eq!(m.file, None);
        let other = job(&[("schedule", text("@hourly")), ("command", text("x")), ("user", text("bob"))]);
        assert_eq!(apply(&mut m, &facts(), "cron", &other).changes, ["job: (differs) → @hourly bob x"]);
        let run = apply(&mut m, &facts(), "cron", &job(&[("state", text("absent"))]));
        assert_eq!(run.ops, ["schtasks.exe /Delete /TN \\Vigo\\job /F"]);
    }
}

#[test]
fn what_somebody_changed_in_a_task_is_drift() {
    let mut m = Scheduler::default();
    apply(&mut m, &facts(), "cron", &nightly());
    let task = m.task.clone().expect("a task");
    for (from, to, drifts) in [
        ("02:30:00", "03:30:00", true),
        ("run.cmd", "evil.cmd", true),
        ("S-1-5-18", "S-1-5-21-1-2-3-1001", true),
        ("<Enabled>true</Enabled></Settings>", "<Enabled>false</Enabled></Settings>", true),
        ("<DaysInterval>1<", "<DaysInterval>2<", true),
        ("</Triggers>", "<BootTrigger></BootTrigger></Triggers>", true),
        ("<ExecutionTimeLimit>PT0S<", "<ExecutionTimeLimit>PT72H<", false),
        ("S-1-5-18", "NT AUTHORITY\\SYSTEM", false),
    ] {
        m.task = Some(task.replace(from, to));
        assert_ne!(m.task.as_deref(), Some(&*task), "{from}");
        assert_eq!(once(&mut m, &facts(), "cron", &nightly()).changes.len(), usize::from(drifts), "{to}");
    }
}

#[test]
fn every_shape_of_a_schedule_settles() {
    for schedule in ["*/5 * * * *", "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@reboot", "0 4 * * mon-fri"]
    {
        let wanted = job(&[("schedule", text(schedule)), ("command", text("x"))]);
        assert_eq!(apply(&mut Scheduler::default(), &facts(), "cron", &wanted).changes.len(), 1, "{schedule}");
    }
}

#[test]
fn what_the_scheduler_has_no_form_for_is_refused_when_the_plan_is_made() {
    let said = |more: &[(&str, Datum)]| {
        let command = [("command", text("x"))].into_iter().filter(|_| more.iter().all(|(name, _)| *name != "command"));
        let more: Vec<_> = command.chain(more.iter().cloned()).collect();
        prepare(&facts(), "cron", &job(&more)).err().expect("a problem").to_string()
    };
    assert_eq!(
        said(&[("schedule", text("*/7 * * * *"))]),
        "`schedule` `*/7 * * * *` of type `cron` is not supported on windows"
    );
    assert_eq!(
        said(&[("schedule", text("@daily")), ("command", text("a\u{1b}b"))]),
        "attribute `command` of type `cron` with control characters is not supported on windows"
    );
    assert_eq!(
        said(&[("schedule", text("@daily")), ("environment", text("A=b"))]),
        "attribute `environment` of type `cron` is not supported on windows"
    );
}

#[test]
fn stubs_and_nonsense_are_unknown_and_never_absent() {
    let silent = recorded(include_str!("../fixtures/wine/8.0/schtasks-query.txt"));
    let created = recorded(include_str!("../fixtures/wine/8.0/schtasks-create.txt"));
    for output in [
        silent,
        created,
        OpOutput::exited(0, "<Task>", ""),
        OpOutput::exited(0, "<a></a>", ""),
        OpOutput::exited(1, "\"\\Vigo\\job\",\"N/A\",\"Ready\"\r\n", ""),
        OpOutput::Missing,
    ] {
        for wanted in [nightly(), job(&[("state", text("absent"))])] {
            unknown(&mut |_: &Op| output.clone(), "cron", &wanted);
        }
    }
    // One that is listed and cannot be shown.
    let mut closed = |op: &Op| match call(op) {
        Some((_, args)) if args.contains(&"/XML") => OpOutput::exited(1, "", "ERROR: Access is denied.\r\n"),
        _ => OpOutput::exited(0, "\"\\Vigo\\job\",\"N/A\",\"Ready\"\r\n", ""),
    };
    assert!(unknown(&mut closed, "cron", &nightly()).contains("is there and cannot be shown"));
}
