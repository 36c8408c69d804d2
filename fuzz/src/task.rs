//! What is read of documents of the Task Scheduler, whoever wrote them, and what is written.

use crate::input::choice;
use roxmltree::{Document, Node};
use std::sync::Arc;
use vigo_core::action::{Content, Effect, Op, OpOutput, Ran};
use vigo_core::bundle::Place;
use vigo_core::host::{Adapter, Host, HostFacts, Interpreted, observe};
use vigo_core::resource::cron::{Action, Cron, Schedule, State, Task, Want};
use vigo_core::resource::{self, Datum, Field, FieldValue, Fields};
use vigo_core::value::Text;
use vigo_host_windows::Windows;

const ID: &str = "own";
const SYSTEM: &str = "S-1-5-18";

/// Schedule, user and command of the jobs that documents of any bytes are compared with, by the second byte.
const JOBS: [[&str; 3]; 4] = [
    ["30 2 * * *", "root", "C:\\tools\\run.cmd \"a b\" & echo 100% > nul"],
    ["*/15 * * * *", "bob", "x"],
    ["@reboot", "S-1-5-21-1-2-3-1001", "a <b> &amp; c"],
    ["0 4 1,15 jan *", "root", "x"],
];

/// By the first byte: a document of any bytes as what the machine shows of a job's task, a job that is put and shown
/// again as the system writes it, and a list of all tasks.
///
/// A task is never the job's unless another reader of XML finds nothing in it that differs, and it is when only its form
/// is another. A task is missing only when the list does not name it. What is done reaches nothing but the job's own task.
pub fn task(data: &[u8]) {
    let Some((which, rest)) = choice(data) else { return };
    match which % 3 {
        0 => shown(rest),
        1 => put(rest),
        _ => listed(rest),
    }
}

fn want([schedule, user, command]: [&str; 3]) -> Option<Want> {
    Some(Want {
        id: ID.into(),
        present: true,
        command: command.into(),
        schedule: Schedule::parse(schedule).ok()?,
        user: user.into(),
        environment: Vec::new(),
    })
}

fn adapter() -> &'static dyn Adapter<Cron> {
    match Windows.cron(&facts()) {
        Ok(adapter) => adapter,
        Err(problem) => panic!("{problem}"),
    }
}

fn facts() -> HostFacts {
    HostFacts { family: "windows".into(), distro: "windows".into(), ..HostFacts::default() }
}

/// Observes a job where the scheduler shows and lists this; `None` when it is unknown.
fn seen(want: &Want, shown: Option<&[u8]>, listed: &[u8]) -> Option<Task> {
    let seen = observe(adapter(), want, &facts(), |op| {
        let Op::Run(command) = op else { panic!("{op}") };
        assert_eq!(command.effect, Effect::Reads, "{op}");
        let ran = |code, stdout: &[u8]| OpOutput::Ran(Ran { stdout: stdout.to_vec(), ..Ran::exited(code, "", "") });
        match (command.args.iter().any(|arg| arg.as_str() == "/XML"), shown) {
            (true, Some(document)) => ran(0, document),
            (true, None) => ran(1, b""),
            (false, _) => ran(0, listed),
        }
    });
    match seen {
        Interpreted::Known(State::Task(task)) => Some(task),
        Interpreted::Unknown(_) => None,
        other => panic!("{other:?}"),
    }
}

fn shown(data: &[u8]) {
    let Some((which, document)) = choice(data) else { return };
    let Some(want) = want(JOBS[usize::from(which) % JOBS.len()]).filter(|_| document.len() <= 1 << 16) else { return };
    let seen = seen(&want, Some(document), b"");
    assert_ne!(seen, Some(Task::Missing));
    let text = read(document);
    // Of what is no XML the other reader says nothing.
    if let (Some(Task::Same), Ok(document)) = (seen, Document::parse(&text)) {
        let differs = difference(&want, &document);
        assert_eq!(differs, None, "{text}");
    }
}

/// Returns a document as text, as the first two bytes say how it is written.
fn read(bytes: &[u8]) -> String {
    let text = match bytes.starts_with(&[0xff, 0xfe]) || bytes.get(1) == Some(&0) {
        true => String::from_utf16_lossy(
            &bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>(),
        ),
        false => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Returns what in a document is not the job, for one of [`JOBS`] or a like one.
fn difference(want: &Want, document: &Document<'_>) -> Option<String> {
    let root = document.root_element();
    if name(root) != "Task" {
        return Some("no task".into());
    }
    let all =
        |way: &[&str]| way.iter().fold(vec![root], |at, step| at.into_iter().flat_map(|n| inside(n, step)).collect());
    let texts = |way: &[&str]| all(way).into_iter().map(text_in).collect::<Vec<_>>();
    let is = |what: &str, seen: Vec<String>, wanted: &[String]| {
        (seen != wanted).then(|| format!("{what}: {seen:?}, wanted {wanted:?}"))
    };
    let arguments = format!("/C {}", want.command);
    let users = texts(&["Principals", "Principal", "UserId"]);
    let is_sid = |text: &str| text.starts_with("S-1-5-21-");
    let is_user = |seen: &String| {
        let seen_name = seen.rsplit('\\').next().unwrap_or_default();
        let is_system = |name: &str| ["root", "system", SYSTEM].iter().any(|word| word.eq_ignore_ascii_case(name));
        match is_system(&want.user) {
            true => is_system(seen_name),
            false => seen_name.eq_ignore_ascii_case(&want.user) || is_sid(seen) && !is_sid(&want.user),
        }
    };
    let count = |way: &[&str]| all(way).into_iter().flat_map(|n| n.children()).filter(Node::is_element).count();
    let enabled = texts(&["Settings", "Enabled"]);
    None.or_else(|| is("arguments", texts(&["Actions", "Exec", "Arguments"]), &[arguments]))
        .or_else(|| is("command", texts(&["Actions", "Exec", "Command"]), &["C:\\Windows\\System32\\cmd.exe".into()]))
        .or_else(|| (count(&["Actions"]) != 1 || count(&["Actions", "Exec"]) != 2).then(|| "another action".into()))
        .or_else(|| (count(&["Triggers"]) != 1).then(|| "another trigger".into()))
        .or_else(|| enabled.iter().any(|text| text != "true").then(|| "it is disabled".into()))
        .or_else(|| (users.len() != 1 || !users.iter().all(is_user)).then(|| format!("as {users:?}")))
        .or_else(|| {
            let mut seen: Vec<String> = all(&["Triggers"]).into_iter().flat_map(|n| leaves(n, "")).collect();
            let mut wanted = when(&want.schedule.to_string());
            seen.retain(|leaf| !leaf.ends_with("/Enabled=true") && !leaf.ends_with("/StopAtDurationEnd=false"));
            seen.sort_unstable();
            wanted.sort_unstable();
            let wanted: Vec<String> = wanted.into_iter().map(String::from).collect();
            (!wanted.is_empty()).then(|| is("trigger", seen, &wanted)).flatten()
        })
}

/// Returns what the triggers of [`JOBS`] hold; of another schedule nothing is known here.
fn when(schedule: &str) -> Vec<&'static str> {
    match schedule {
        "30 2 * * *" => {
            vec!["/CalendarTrigger/StartBoundary=2000-01-01T02:30:00", "/CalendarTrigger/ScheduleByDay/DaysInterval=1"]
        }
        "*/15 * * * *" => vec![
            "/CalendarTrigger/StartBoundary=2000-01-01T00:00:00",
            "/CalendarTrigger/Repetition/Interval=PT15M",
            "/CalendarTrigger/Repetition/Duration=P1D",
            "/CalendarTrigger/ScheduleByDay/DaysInterval=1",
        ],
        "0 4 1,15 jan *" => vec![
            "/CalendarTrigger/StartBoundary=2000-01-01T04:00:00",
            "/CalendarTrigger/ScheduleByMonth/DaysOfMonth/Day=1",
            "/CalendarTrigger/ScheduleByMonth/DaysOfMonth/Day=15",
            "/CalendarTrigger/ScheduleByMonth/Months/January=",
        ],
        _ => Vec::new(),
    }
}

fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

fn inside<'a, 'd>(node: Node<'a, 'd>, step: &str) -> Vec<Node<'a, 'd>> {
    node.children().filter(|child| child.is_element() && name(*child) == step).collect()
}

fn text_in(node: Node<'_, '_>) -> String {
    let text: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    text.trim().to_owned()
}

/// Returns the elements below in which no other is, each with the way to it and its text.
fn leaves(node: Node<'_, '_>, way: &str) -> Vec<String> {
    let below = |child: Node<'_, '_>| {
        let way = format!("{way}/{}", name(child));
        match child.children().any(|n| n.is_element()) {
            true => leaves(child, &way),
            false => vec![format!("{way}={}", text_in(child))],
        }
    };
    node.children().filter(Node::is_element).flat_map(below).collect()
}

/// Three lines are schedule, user and command of a job, the rest says in which form the system writes it.
fn put(data: &[u8]) {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || parts.next().and_then(|line| str::from_utf8(line).ok());
    let (Some(schedule), Some(user), Some(command)) = (line(), line(), line()) else { return };
    let mut form = Form(parts.next().unwrap_or_default());
    let Some(want) = declared(schedule, user, command).filter(|want| adapter().check(want, &facts()).is_ok()) else {
        return;
    };

    let missing = State::Task(Task::Missing);
    let ops = match adapter().lower(&want, &missing, &[Action::PutTask], &facts()) {
        Ok(ops) => ops,
        Err(problem) => panic!("{problem}"),
    };
    let [Op::ReplaceFile(file), Op::Run(create), Op::Remove { path, .. }] = &ops[..] else { panic!("{ops:?}") };
    let args: Vec<&str> = create.args.iter().map(|arg| arg.as_str()).collect();
    assert_eq!(args, ["/Create", "/TN", "\\Vigo\\own", "/XML", path.as_str(), "/F"]);
    assert_eq!((file.path.as_str(), path.as_str()), (path.as_str(), "C:\\Windows\\vigo-task-own.xml"));
    let Content::Bytes(document) = &file.content else { panic!("{:?}", file.content) };
    assert_eq!(seen(&want, Some(document), b""), Some(Task::Same));

    let text = read(document);
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(why) => panic!("{why}: {text}"),
    };
    assert_eq!(difference(&want, &document), None, "{text}");
    let printed = form.document(&document);
    let same = seen(&want, Some(&form.encoded(&printed)), b"");
    assert_eq!(same, Some(Task::Same), "{printed}");
    for other in [format!("{command}x"), format!("x{command}")] {
        let other = Want { command: other.trim().into(), ..want.clone() };
        assert_eq!(seen(&other, Some(printed.as_bytes()), b""), Some(Task::Other), "{printed}");
    }
    // Comments may follow.
    let whole = printed.rfind("</Task>").unwrap_or_default() + 1;
    let cut = printed.floor_char_boundary((form.next() << 8 | form.next()) % whole);
    assert_eq!(seen(&want, Some(&printed.as_bytes()[..cut]), b""), None, "{}", &printed[..cut]);
    let change = form.change();
    let changed = form.document_with(&document, change);
    assert_eq!(seen(&want, Some(changed.as_bytes()), b""), Some(Task::Other), "{change:?} {changed}");
}

/// Returns the job when a policy may have it.
fn declared(schedule: &str, user: &str, command: &str) -> Option<Want> {
    let decl = resource::find("cron")?;
    let item = |(name, text): (&str, &str)| Field {
        name: Arc::from(name),
        value: FieldValue::Known(Datum::Scalar { text: Text::plain(text), plain: true }),
        place: Place::default(),
    };
    let items = [("cron", ID), ("schedule", schedule), ("user", user), ("command", command)].map(item).into();
    let fields = Fields { decl, id: "c/own".into(), name: ID.into(), place: Place::default(), handler: false, items };
    resource::check(&fields).is_empty().then(|| want([schedule, user, command.trim()]))?
}

/// What changes in a task that is no longer the job's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Nothing,
    /// The element of this name is there twice.
    Twice(&'static str),
    /// The text of this element is another.
    Text(&'static str),
    /// The task does not run.
    Disabled,
    /// There is something more to do.
    Action,
    /// There is another time.
    Trigger,
}

/// The form of a document; when it is used up, the plainest.
struct Form<'a>(&'a [u8]);

impl Form<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn change(&mut self) -> Change {
        const CHANGES: [Change; 9] = [
            Change::Twice("Exec"),
            Change::Twice("CalendarTrigger"),
            Change::Twice("UserId"),
            Change::Text("Command"),
            Change::Text("Arguments"),
            Change::Text("Description"),
            Change::Disabled,
            Change::Action,
            Change::Trigger,
        ];
        CHANGES[self.next() % CHANGES.len()]
    }

    fn document(&mut self, document: &Document<'_>) -> String {
        self.document_with(document, Change::Nothing)
    }

    fn document_with(&mut self, document: &Document<'_>, change: Change) -> String {
        // At boot there is another trigger.
        let is_at_boot = document.descendants().any(|node| name(node) == "BootTrigger");
        let change = match change {
            Change::Twice("CalendarTrigger") if is_at_boot => Change::Twice("BootTrigger"),
            change => change,
        };
        let mut out = String::from(["", "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n"][self.next() % 2]);
        self.element(&mut out, document.root_element(), change);
        self.blank(&mut out);
        out
    }

    fn element(&mut self, out: &mut String, node: Node<'_, '_>, change: Change) {
        let tag = name(node);
        let times = if matches!(change, Change::Twice(other) if other == tag) { 2 } else { 1 };
        for _ in 0..times {
            self.blank(out);
            *out += &format!("<{tag}");
            *out +=
                ["", " xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"", " id='>'", "\r\n a=\"'\" "]
                    [self.next() % 4];
            let text = text_in(node);
            if text.is_empty() && !node.has_children() && self.next().is_multiple_of(2) {
                *out += "/>";
                continue;
            }
            *out += ">";
            if node.children().any(|child| child.is_element()) {
                self.blank(out);
                node.children().filter(Node::is_element).for_each(|child| self.element(out, child, change));
                self.added(out, tag, change);
            } else if change == Change::Disabled && tag == "Enabled" {
                *out += "false";
            } else {
                self.escaped(out, &text);
                *out += if matches!(change, Change::Text(other) if other == tag) { "x" } else { "" };
            }
            self.blank_in(out, node);
            *out += &format!("</{tag}>");
        }
    }

    /// Adds what the system does of itself, or what is changed.
    fn added(&mut self, out: &mut String, tag: &str, change: Change) {
        *out += match (tag, change) {
            ("Actions", Change::Action) => "<Exec><Command>C:\\evil.exe</Command></Exec>",
            ("Triggers", Change::Trigger) => "<LogonTrigger></LogonTrigger>",
            ("Settings", Change::Disabled) => "<Enabled>false</Enabled>",
            ("CalendarTrigger" | "BootTrigger", _) => ["", "<Enabled>true</Enabled>"][self.next() % 2],
            ("Repetition", _) => ["", "<StopAtDurationEnd>false</StopAtDurationEnd>"][self.next() % 2],
            ("RegistrationInfo", _) => ["", "<URI>\\Vigo\\own</URI>"][self.next() % 2],
            ("Settings", _) => {
                ["", "<IdleSettings><StopOnIdleEnd>true</StopOnIdleEnd></IdleSettings>"][self.next() % 2]
            }
            _ => "",
        };
    }

    fn blank(&mut self, out: &mut String) {
        *out += ["", "\r\n  ", "\n", "<!-- <Enabled>false</Enabled> it's > -->"][self.next() % 4];
    }

    /// Adds blanks before the end of an element in which others are, and of one without a text.
    fn blank_in(&mut self, out: &mut String, node: Node<'_, '_>) {
        if node.children().any(|child| child.is_element()) || text_in(node).is_empty() {
            self.blank(out);
        }
    }

    fn escaped(&mut self, out: &mut String, text: &str) {
        let style = self.next() % 3;
        for c in text.chars() {
            match c {
                '&' => *out += "&amp;",
                '<' => *out += "&lt;",
                '>' => *out += "&gt;",
                '"' if style == 1 => *out += "&quot;",
                '\'' if style == 1 => *out += "&apos;",
                c if style == 2 => *out += &format!("&#{};", u32::from(c)),
                c => out.push(c),
            }
        }
    }

    fn encoded(&mut self, text: &str) -> Vec<u8> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        match self.next() % 4 {
            0 => text.into(),
            1 => format!("\u{feff}{text}").into(),
            2 => wide(&format!("\u{feff}{text}")),
            _ => wide(text),
        }
    }
}

fn listed(list: &[u8]) {
    let Some(want) = want(JOBS[0]).filter(|_| list.len() <= 1 << 16) else { return };
    if seen(&want, None, list) == Some(Task::Missing) {
        let text = read(list).to_ascii_lowercase();
        assert!(text.contains("\"\\"), "of no list: {text}");
        assert!(!text.lines().any(|line| line.trim().starts_with("\"\\vigo\\own\",")), "listed: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What an input that is named after a state comes to: else it would try nothing.
    #[test]
    fn every_named_input_comes_to_its_state() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/task");
        let mut states = Vec::new();
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((state, _)) = name.split_once('.') else { continue };
            let data = fs::read(&path).expect("a readable input");
            let seen = match &data[..] {
                [0, which, document @ ..] => {
                    seen(&want(JOBS[usize::from(*which)]).expect("a job"), Some(document), b"")
                }
                [2, list @ ..] => seen(&want(JOBS[0]).expect("a job"), None, list),
                _ => panic!("`{name}` is neither a document nor a list"),
            };
            let seen = seen.map_or("unknown".into(), |task| format!("{task:?}").to_lowercase());
            assert_eq!(seen, state, "{name}");
            states.push(seen);
        }
        for state in ["same", "other", "missing", "unknown"] {
            assert!(states.iter().any(|seen| seen == state), "no input is {state}");
        }
    }
}
