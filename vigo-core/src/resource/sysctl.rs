//! `sysctl`: a kernel parameter.

use super::user::{FileAt, Found};
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Keep, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::AbsPath;
use crate::host::{Comparison, Family, Phase, Problem, ProblemKind};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

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
    /// Files read after ours that set it too, with their value.
    pub later: Vec<(Arc<str>, String)>,
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
            if state.file.found != Found::Nothing {
                c.change(Change::new("value at boot", "present", "absent"));
                c.act(Action::RemoveFile);
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
            let text = format!("# managed by vigo\n{key} = {}\n", want.value);
            if there != Some(text.as_bytes()) {
                let old = there.map(|t| values_in(&String::from_utf8_lossy(t), key));
                let before = old.and_then(|mut values| values.pop()).unwrap_or_else(|| "absent".into());
                c.change(Change::new("value at boot", before, &*want.value));
                let text = Text::plain(text);
                c.diff = Some(Diff::new(state.file.path.shared(), state.file.content().cloned(), text.clone()));
                c.act(Action::WriteFile(text));
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

#[cfg(test)]
mod tests {
    use super::*;

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
