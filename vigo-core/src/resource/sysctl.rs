//! `sysctl`: a kernel parameter.

use super::user::{FileAt, Found};
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Keep, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::AbsPath;
use crate::host::{Comparison, Family, Phase, Problem, ProblemKind};
use crate::value::Text;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "sysctl",
    aliases: &[],
    summary: "Manages a kernel parameter, now and at boot.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("key", Kind::Name, "The parameter, with `.` or `/` between its parts.").required(),
        Attr::new("value", Kind::Line, "Its value; runs of blanks count as one.").required_in(&["present"]).no_secret(),
        Attr::new("persist", Kind::Bool, "Whether it is set at boot too.").default("true").only_in(&["present"]),
        Attr::new("ignore_missing", Kind::Bool, "Whether a kernel without the parameter is no failure.")
            .default("false")
            .only_in(&["present"]),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| Some(Key::parse(&fields.str("key")?).ok()?.to_string().into()),
    footprint: |fields| {
        let key = fields.str("key").and_then(|key| Key::parse(&key).ok());
        Footprint { paths: key.iter().map(Key::file).collect(), ..Footprint::default() }
    },
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(key) = fields.str("key")
        && let Err(why) = Key::parse(&key)
    {
        problems.push(Problem::bad_value("key", why));
    }
    if let Some(value) = fields.str("value")
        && value.trim().is_empty()
    {
        problems.push(Problem::bad_value("value", "expected a value, found nothing"));
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let key = fields.str("key").unwrap_or_default();
    let want = Want {
        key: Key::parse(&key).map_err(|why| Problem::bad_value("key", why))?,
        present: fields.state() == "present",
        value: normal(fields.str("value").as_deref().unwrap_or_default()).into(),
        persist: fields.flag("persist"),
        ignore_missing: fields.flag("ignore_missing"),
    };
    Ok(Managed::<Sysctl>::boxed(want, with.host.sysctl(with.facts)?))
}

/// The name of a parameter: its parts, as the folders and file below `/proc/sys`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key(Vec<Arc<str>>);

impl Key {
    /// Parses a name as sysctl(8) does: what separates first separates; the other of `.` and `/` then stands for the
    /// first inside a part.
    ///
    /// # Errors
    /// A fragment, when it is no name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let dotted = text.find(['.', '/']).is_some_and(|at| text[at..].starts_with('.'));
        let (separator, other) = if dotted { ('.', "/") } else { ('/', ".") };
        let part = |p: &str| Arc::from(if dotted { p.replace(other, ".") } else { p.to_string() });
        let parts: Vec<Arc<str>> = text.split(separator).map(part).collect();
        let good = |p: &Arc<str>| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:@".contains(&b);
            !p.is_empty() && **p != *"." && **p != *".." && p.bytes().all(plain)
        };
        if parts.len() < 2 || text.len() > 255 || !parts.iter().all(good) {
            return Err(format!("expected a parameter such as `vm.swappiness`, found `{}`", text.escape_debug()));
        }
        Ok(Self(parts))
    }

    /// Returns the path below `/proc/sys`, which linux has.
    pub fn path(&self) -> AbsPath {
        self.0.iter().fold(AbsPath::known("/proc/sys"), |path, part| path.join(part))
    }

    /// Returns the file that sets it at boot.
    pub fn file(&self) -> AbsPath {
        AbsPath::known("/etc/sysctl.d").join(&format!("99-vigo-{}.conf", self.0.join(".")))
    }
}

impl fmt::Display for Key {
    /// Prints dots between the parts, and a slash for a dot inside one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { "." }, part.replace('.', "/"))?;
        }
        Ok(())
    }
}

/// Returns a value with its runs of blanks as one.
pub fn normal(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the values that lines of a sysctl.conf(5) file give a key.
pub fn values_in(text: &str, key: &Key) -> Vec<String> {
    let value = |line: &str| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (name, value) = line.strip_prefix('-').unwrap_or(line).split_once('=')?;
        (Key::parse(name.trim()).as_ref() == Ok(key)).then(|| normal(value))
    };
    text.lines().filter_map(value).collect()
}

/// Returns a sysctl.conf(5) file of the BSDs with the key set to `value`, or, without one, nowhere set: there a line is an
/// argument of sysctl(8), without blanks around `=`. Other lines stay byte for byte.
pub fn with_value(text: &str, key: &Key, value: Option<&str>) -> String {
    let sets = |line: &str| value_at(line.trim_end_matches(['\n', '\r']), key).is_some();
    let last = text.split_inclusive('\n').enumerate().filter(|(_, line)| sets(line)).map(|(at, _)| at).last();
    let mut out = String::with_capacity(text.len() + 64);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let range = value_at(line.trim_end_matches(['\n', '\r']), key);
        match (range, value) {
            (None, _) => out.push_str(line),
            // The last one is in force; those before it are as they were.
            (Some(_), Some(_)) if Some(at) != last => out.push_str(line),
            (Some(range), Some(value)) => {
                out.push_str(&line[..range.start]);
                out.push_str(value);
                out.push_str(&line[range.end..]);
            }
            (Some(_), None) => {}
        }
    }
    if let (None, Some(value)) = (last, value) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{key}={value}\n"));
    }
    out
}

/// Returns the value that a sysctl.conf(5) file of the BSDs leaves the key with: the last one, without a comment.
pub fn last_value(text: &str, key: &Key) -> Option<String> {
    text.lines().filter_map(|line| Some(normal(&line[value_at(line, key)?]))).next_back()
}

/// Returns where in a line of such a file the key's value stands.
fn value_at(line: &str, key: &Key) -> Option<Range<usize>> {
    let code = &line[..line.find('#').unwrap_or(line.len())];
    let equals = code.find('=')?;
    (Key::parse(code[..equals].trim()).as_ref() == Ok(key)).then(|| {
        let value = &code[equals + 1..];
        let start = equals + 1 + (value.len() - value.trim_start().len());
        start..start.max(equals + 1 + value.trim_end().len())
    })
}

/// The family.
pub struct Sysctl;

/// What is wanted of a parameter.
#[derive(Clone, Debug)]
pub struct Want {
    /// Which.
    pub key: Key,
    /// Whether it is set; else only our line for the boot goes.
    pub present: bool,
    /// To what.
    pub value: Arc<str>,
    /// Whether at boot too.
    pub persist: bool,
    /// Whether it may be missing.
    pub ignore_missing: bool,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The value in force.
    pub now: Now,
    /// What sets it at boot.
    pub file: FileAt,
    /// Whose file that is.
    pub form: Form,
    /// Files read after ours that set it too, with their value.
    pub later: Vec<(Arc<str>, String)>,
}

/// Whose the file is that sets parameters at boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// This parameter's alone.
    Own,
    /// All parameters', a line each.
    Shared,
}

impl State {
    /// Returns the text of the file with the wanted value in it.
    fn text(&self, want: &Want) -> String {
        match self.form {
            Form::Own => format!("# managed by vigo\n{} = {}\n", want.key, want.value),
            Form::Shared if self.value(want).as_deref() == Some(&*want.value) => self.there().into(),
            Form::Shared => with_value(&self.there(), &want.key, Some(&want.value)),
        }
    }

    /// Returns the value that the file sets.
    fn value(&self, want: &Want) -> Option<String> {
        match self.form {
            Form::Own => values_in(&self.there(), &want.key).pop(),
            Form::Shared => last_value(&self.there(), &want.key),
        }
    }

    fn there(&self) -> Cow<'_, str> {
        self.file.content().map_or(Cow::Borrowed(""), |content| String::from_utf8_lossy(content))
    }
}

/// The value in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Now {
    /// No kernel runs here (an image), or it does not matter.
    Unasked,
    /// The kernel has no such parameter.
    Missing,
    /// The value, which can be changed.
    Value(String),
    /// The value, which cannot be changed: a container's.
    ReadOnly(String),
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sets the value now.
    SetNow,
    /// Writes the file for the boot.
    WriteFile(Text),
    /// Removes it.
    RemoveFile,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SetNow => "set run time value",
            Self::WriteFile(_) => "write file",
            Self::RemoveFile => "remove file",
        })
    }
}

impl Family for Sysctl {
    const TYPE: &'static str = "sysctl";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let there = state.file.content().map(|c| &**c);
        if !want.present {
            match state.form {
                Form::Own if state.file.found != Found::Nothing => {
                    c.change(Change::new("value at boot", "present", "absent"));
                    c.act(Action::RemoveFile);
                }
                Form::Shared => {
                    if let Some(before) = state.value(want) {
                        c.change(Change::new("value at boot", before, "absent"));
                        write(state, with_value(&state.there(), &want.key, None), &mut c);
                    }
                }
                Form::Own => {}
            }
            return c;
        }
        let key = &want.key;
        match &state.now {
            Now::Missing if !want.ignore_missing => {
                let problem = Problem::failed(format!("the kernel has no parameter `{key}`"));
                return Comparison::fail(problem.help("load its module first, or write `ignore_missing: true`"));
            }
            Now::Missing | Now::Unasked => {}
            Now::Value(now) | Now::ReadOnly(now) if **now == *want.value => {}
            Now::ReadOnly(now) => {
                let message =
                    format!("expected `{key}` to be `{}`, found `{now}` on a read-only `/proc/sys`", want.value);
                return Comparison::fail(Problem::new(ProblemKind::Blocked, message));
            }
            Now::Value(now) => {
                c.change(Change::new("value", now.as_str(), &*want.value));
                c.act(Action::SetNow);
            }
        }
        if want.persist {
            let text = state.text(want);
            if there != Some(text.as_bytes()) {
                let before = state.value(want).unwrap_or_else(|| "absent".into());
                c.change(Change::new("value at boot", before, &*want.value));
                write(state, text, &mut c);
            }
            for (path, value) in state.later.iter().filter(|(_, value)| **value != *want.value) {
                c.notes.push(format!("`{path}` is read later and sets `{key}` to `{value}`"));
            }
        }
        c
    }

    fn keep(_: &Want, state: &State) -> Option<Keep> {
        match &state.now {
            Now::Value(value) => Some(Keep::Value("value", value.as_str().into())),
            Now::Unasked | Now::Missing | Now::ReadOnly(_) => None,
        }
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

fn write(state: &State, text: String, c: &mut Comparison<Action>) {
    let text = Text::plain(text);
    c.diff = Some(Diff::new(state.file.path.shared(), state.file.content().cloned(), text.clone()));
    c.act(Action::WriteFile(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_line_of_a_shared_file_is_edited() {
        let key = Key::parse("kern.maxfiles").unwrap();
        let cases = [
            ("empty", "", "kern.maxfiles=7\n", ""),
            ("no line end", "a.b=1", "a.b=1\nkern.maxfiles=7\n", "a.b=1"),
            ("another value, with a comment", "kern.maxfiles=5\t# x\n", "kern.maxfiles=7\t# x\n", ""),
            ("the last one counts", "kern.maxfiles=5\nkern.maxfiles = 6\n", "kern.maxfiles=5\nkern.maxfiles = 7\n", ""),
            ("a comment", "#kern.maxfiles=5\n", "#kern.maxfiles=5\nkern.maxfiles=7\n", "#kern.maxfiles=5\n"),
            ("nothing after the sign", "kern.maxfiles=\nx.y=1\n", "kern.maxfiles=7\nx.y=1\n", "x.y=1\n"),
        ];
        for (name, text, set, unset) in cases {
            assert_eq!(with_value(text, &key, Some("7")), set, "{name}");
            assert_eq!(with_value(text, &key, None), unset, "{name}");
            assert_eq!(last_value(set, &key).as_deref(), Some("7"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_managed_stays(text in "(a\\.b ?= ?[0-9x# ]{0,4}|[ -~]{0,12})(\r?\n(a\\.b=[0-9]|[ -~]{0,9})){0,4}\n?") {
            let key = Key::parse("a.b").unwrap();
            let set = with_value(&text, &key, Some("7"));
            prop_assert_eq!(last_value(&set, &key), Some(String::from("7")));
            prop_assert_eq!(with_value(&set, &key, Some("7")), set.clone());
            let others = |text: &str| -> Vec<String> {
                text.lines().filter(|l| value_at(l, &key).is_none()).map(String::from).collect()
            };
            prop_assert_eq!(others(&set), others(&text));
            let unset = with_value(&text, &key, None);
            prop_assert_eq!(last_value(&unset, &key), None);
            prop_assert_eq!(others(&unset), others(&text));
        }
    }

    #[test]
    fn names_are_read_as_sysctl_reads_them() {
        let cases = [
            ("vm.swappiness", "/proc/sys/vm/swappiness", "vm.swappiness"),
            ("vm/swappiness", "/proc/sys/vm/swappiness", "vm.swappiness"),
            (
                "net.ipv4.conf.eth0/100.rp_filter",
                "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
                "net.ipv4.conf.eth0/100.rp_filter",
            ),
            (
                "net/ipv4/conf/eth0.100/rp_filter",
                "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
                "net.ipv4.conf.eth0/100.rp_filter",
            ),
        ];
        for (text, path, shown) in cases {
            let key = Key::parse(text).unwrap();
            assert_eq!((key.path().as_str(), &*key.to_string()), (path, shown), "{text}");
            assert_eq!(Key::parse(shown), Ok(key), "{text}");
        }
        for bad in ["", "vm", "vm.", ".vm", "vm..x", "../../etc/passwd", "vm/../x", "vm.a b", "kernel.core=x"] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_of_other_files_are_understood() {
        let text =
            "# vm.swappiness = 1\n;vm.swappiness=2\n-vm/swappiness = 3\nvm.other=4\n vm.swappiness=  5  6\nx\n=\n";
        assert_eq!(values_in(text, &Key::parse("vm.swappiness").unwrap()), ["3", "5 6"]);
    }
}
