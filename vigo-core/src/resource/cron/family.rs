//! What differs between a job and what is wanted of it.

use super::{Want, only_job, with_job, without_job};
use crate::action::AbsPath;
use crate::host::{Comparison, Family, Phase, Problem};
use crate::resource::user::{FileAt, Found};
use crate::resource::{Change, Diff};
use crate::value::Text;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

/// The family.
pub struct Cron;

/// What is there.
#[derive(Clone, Debug)]
pub enum State {
    /// Jobs are files in `/etc/cron.d`; this is the job's.
    Drop(FileAt),
    /// Jobs are lines in the user's table; this is the table, without cron's own header.
    Table(Text),
    /// As [`State::Table`], where cron understands no steps, names and macros: jobs are written without.
    PlainTable(Text),
    /// Jobs are tasks of a scheduler that compares them itself.
    Task(Task),
    /// There is no cron.
    NoCron,
}

/// A job that is a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// There is none.
    Missing,
    /// It is as it is wanted.
    Same,
    /// It is another.
    Other,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Writes the job's file.
    WriteFile(Text),
    /// Removes it.
    RemoveFile,
    /// Hands in a new table.
    WriteCrontab(Text),
    /// Makes the task, or makes it anew.
    PutTask,
    /// Removes it.
    RemoveTask,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteFile(_) => "write file",
            Self::RemoveFile => "remove file",
            Self::WriteCrontab(_) => "write crontab",
            Self::PutTask => "put task",
            Self::RemoveTask => "remove task",
        })
    }
}

impl Action {
    /// Returns the mode of a job's file: one with a secret is root's alone.
    pub fn mode(text: &Text) -> u32 {
        if text.secret_path().is_some() { 0o600 } else { 0o644 }
    }
}

impl Family for Cron {
    const TYPE: &'static str = "cron";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        if want.present && bare_percent(&want.command) && !matches!(state, State::Task(_)) {
            c.notes.push("cron ends the command at a bare `%`: write `\\%` for a percent sign".into());
        }
        match state {
            State::NoCron if want.present => {
                c.failure = Some(Problem::failed("expected `/etc/cron.d` or the program `crontab`, found neither"));
            }
            State::NoCron => {}
            State::Drop(file) => compare_drop(want, file, &mut c),
            State::Task(task) => match (want.present, task) {
                (true, Task::Same) | (false, Task::Missing) => {}
                (true, task) => {
                    let before = if *task == Task::Missing { "absent" } else { "(differs)" };
                    c.change(Change::new("job", before, shown(want)));
                    c.act(Action::PutTask);
                }
                (false, _) => {
                    c.change(Change::new("job", "present", "absent"));
                    c.act(Action::RemoveTask);
                }
            },
            State::Table(old) | State::PlainTable(old) => {
                let secret = want.environment.iter().find_map(|(_, value)| value.secret_path());
                if want.present && secret.is_some() {
                    return Comparison::fail(in_arguments());
                }
                let new = new_table(want, state, old);
                if new != old.as_str() {
                    c.change(Change::new("job", "(differs)", if want.present { shown(want) } else { "absent".into() }));
                    let path: Arc<str> = format!("crontab of {}", want.user).into();
                    // The job alone: other lines of the table are somebody else's.
                    let (before, after) = (only_job(old.as_str(), &want.id), only_job(&new, &want.id));
                    if may_be_shown(&before, &after) {
                        c.diff = Some(Diff::new(path, Some(Arc::from(before.as_bytes())), Text::plain(after)));
                    }
                    c.act(Action::WriteCrontab(Text::plain(new).tainted_by(old.secret_path())));
                }
            }
        }
        c
    }

    fn evidence(state: &State) -> Option<String> {
        Some(match state {
            State::Drop(file) => file.evidence(),
            State::Table(text) | State::PlainTable(text) => text.as_str().into(),
            State::Task(task) => format!("{task:?}"),
            State::NoCron => "no cron".into(),
        })
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        if matches!(state, State::Task(_)) {
            return Some(State::Task(if want.present { Task::Same } else { Task::Missing }));
        }
        // A file is found in the overlay; a table is not.
        let (State::Table(old) | State::PlainTable(old)) = state else { return None };
        let new = Text::plain(new_table(want, state, old)).tainted_by(old.secret_path());
        Some(if matches!(state, State::PlainTable(_)) { State::PlainTable(new) } else { State::Table(new) })
    }
}

/// Returns that a table would have the secret among the arguments of the job's shell, where everybody sees it.
fn in_arguments() -> Problem {
    let message = "attribute `environment` of type `cron` is not supported with a secret in a user's table";
    let problem = Problem { attribute: Some("environment".into()), ..Problem::unsupported(message) };
    problem.help("write the secret into a `file` that is the user's alone, and have the command read it")
}

/// Returns whether a diff may show what goes: a value that was assigned may be a secret which the policy knows no more.
fn may_be_shown(old: &str, new: &str) -> bool {
    let stays: BTreeSet<&str> = new.lines().collect();
    old.lines().all(|line| !line.contains('=') || stays.contains(line))
}

fn new_table(want: &Want, state: &State, old: &Text) -> String {
    let plain = || Some(Want { schedule: want.schedule.plain()?, ..want.clone() });
    match (want.present, state) {
        (false, _) => without_job(old.as_str(), &want.id),
        (true, State::PlainTable(_)) => with_job(old.as_str(), plain().as_ref().unwrap_or(want)),
        (true, _) => with_job(old.as_str(), want),
    }
}

fn compare_drop(want: &Want, file: &FileAt, c: &mut Comparison<Action>) {
    if !want.present {
        if file.found != Found::Nothing {
            c.change(Change::new("job", "present", "absent"));
            c.act(Action::RemoveFile);
        }
        return;
    }
    let text = drop_text(want);
    let mode = Action::mode(&text);
    let same = file.content().map(|c| &**c) == Some(text.as_str().as_bytes());
    if !same {
        let before = if file.found == Found::Nothing { "absent" } else { "(differs)" };
        c.change(Change::new("job", before, shown(want)));
        let old = file.content().map(|c| String::from_utf8_lossy(c)).unwrap_or_default();
        if may_be_shown(&old, text.as_str()) {
            c.diff = Some(Diff::new(file.path.shared(), file.content().cloned(), text.clone()));
        }
    }
    if let (true, Some(meta)) = (same, file.meta()) {
        if meta.mode != mode {
            c.change(Change::mode(meta.mode, mode));
        }
        if (meta.uid, meta.gid) != (0, 0) {
            c.change(Change::new("owner", format!("{}:{}", meta.uid, meta.gid), "0:0"));
        }
    }
    if !c.changes.is_empty() {
        c.act(Action::WriteFile(text));
    }
}

/// Returns the file of a job.
pub fn drop_file(id: &str) -> AbsPath {
    AbsPath::known("/etc/cron.d").join(&format!("vigo-{id}"))
}

/// Returns what a job's file in `/etc/cron.d` holds. The sixth field is the user.
pub fn drop_text(want: &Want) -> Text {
    let mut text = String::from("# managed by vigo\n");
    let mut all = Text::default();
    for (name, value) in &want.environment {
        text.push_str(&format!("{name}={}\n", quoted(value.as_str())));
        all = all.tainted_by(value.secret_path());
    }
    text.push_str(&format!("{} {} {}\n", want.schedule, want.user, want.command));
    Text::plain(text).tainted_by(all.secret_path())
}

/// Quotes a value where crontab(5) would take off blanks or quotes.
fn quoted(value: &str) -> String {
    let edge = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    match value {
        v if !v.is_empty() && !v.starts_with(edge) && !v.ends_with(edge) => v.to_string(),
        v if v.contains('"') => format!("'{v}'"),
        v => format!("\"{v}\""),
    }
}

fn shown(want: &Want) -> String {
    format!("{} {} {}", want.schedule, want.user, want.command)
}

fn bare_percent(command: &str) -> bool {
    let mut escaped = false;
    command.bytes().any(|b| {
        let bare = b == b'%' && !escaped;
        escaped = b == b'\\' && !escaped;
        bare
    })
}

#[cfg(test)]
mod tests {
    use super::super::Schedule;
    use super::*;
    use alloc::vec::Vec;

    fn want(environment: Vec<(Arc<str>, Text)>) -> Want {
        Want {
            id: "backup".into(),
            present: true,
            command: "/bin/b".into(),
            schedule: Schedule::Macro("@daily"),
            user: "bob".into(),
            environment,
        }
    }

    #[test]
    fn a_diff_of_a_table_shows_the_job_alone() {
        let table = State::Table(Text::plain("TOKEN=hunter2\n# vigo: backup\n@daily /bin/a\n1 * * * * others\n"));
        let shown = Cron::compare(&want(Vec::new()), &table, Phase::Before).diff.expect("a diff").unified();
        assert!(shown.contains("-@daily /bin/a") && shown.contains("+@daily /bin/b"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("others"), "{shown}");
    }

    #[test]
    fn a_users_table_takes_no_secret_which_a_file_of_roots_does() {
        let want = want(alloc::vec![("TOKEN".into(), Text::secret("hunter2", "a/b"))]);
        let tables = [State::Table(Text::default()), State::PlainTable(Text::default())];
        for table in tables {
            let compared = Cron::compare(&want, &table, Phase::Before);
            let problem = compared.failure.expect("a refusal");
            assert_eq!(problem.attribute.as_deref(), Some("environment"));
            assert!(compared.actions.is_empty() && !problem.to_string().contains("hunter2"), "{problem}");
            let absent = Want { present: false, ..want.clone() };
            assert!(Cron::compare(&absent, &table, Phase::Before).failure.is_none(), "it may go");
        }
    }

    #[test]
    fn percent_signs_and_quotes() {
        for (command, bare) in [("date +\\%F", false), ("date +%F", true), ("echo \\\\%", true), ("echo", false)] {
            assert_eq!(bare_percent(command), bare, "{command}");
        }
        for (value, text) in [("a b", "a b"), ("", "\"\""), (" a", "\" a\""), ("\"a\"", "'\"a\"'")] {
            assert_eq!(quoted(value), text);
        }
    }
}
